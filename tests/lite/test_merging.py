"""Two files as one: signatures, constants, op codes, the least release."""

import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite import schema
from rnnlite.lite.ir import Builder, Model, Signature
from rnnlite.lite.merging import merged
from rnnlite.lite.record import RECORD

KERNEL = np.arange(40, dtype=np.float32)


def file(kind, release, key="serving_default"):
    """y = x op KERNEL."""
    model = Model()
    graph = model.graph("main")
    build = Builder(graph)
    x = build.argument([40], "float32")
    y = build.make(kind, [x, build.constant(KERNEL, "float32")], [40], "float32")
    graph.outputs = [y]
    model.signatures = [Signature(key, graph, (("x", x),), (("y", y),))]
    record = {"min_runtime": {"release": release, "reason": kind}, "origin": kind}
    model.metadata = {
        RECORD: json.dumps(record).encode(),
        "min_runtime_version": release.encode(),
    }
    return schema.write(model)


@pytest.fixture
def both():
    return merged(file("ADD", "TFLite 2.9"), file("MUL", "LiteRT 1.0"), "other", {"more": 1})


def test_each_is_called_by_its_name(both):
    interpreter = Interpreter(model_content=both)
    x = np.ones(40, np.float32)
    for key, expected in (("serving_default", x + KERNEL), ("other", x * KERNEL)):
        assert np.array_equal(interpreter.get_signature_runner(key)(x=x)["y"], expected)


def test_equal_constants_stand_once(both):
    model = schema.read(both)
    assert both.count(KERNEL.tobytes()) == 1
    assert [code.kind for code in model.codes] == ["ADD", "MUL"]


def test_the_later_release_is_the_one_of_both(both):
    model = schema.read(both)
    record = json.loads(model.metadata[RECORD])
    assert record["min_runtime"] == {"release": "LiteRT 1.0", "reason": "MUL"}
    assert record["origin"] == "ADD"
    assert record["more"] == 1
    assert model.metadata["min_runtime_version"] == b"LiteRT 1.0"
    other = merged(file("ADD", "LiteRT 1.0"), file("MUL", "TFLite 2.9"), "other", {})
    record = json.loads(schema.read(other).metadata[RECORD])
    assert record["min_runtime"]["reason"] == "ADD"
