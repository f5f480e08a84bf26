"""Models as one: signatures, constants, op codes, names, records."""

import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite import schema
from rnnlite.lite.ir import Builder, Model, Signature
from rnnlite.lite.merging import merge
from rnnlite.lite.passes.prune import prune
from rnnlite.lite.record import RECORD, of_signature, record

KERNEL = np.arange(40, dtype=np.float32)


def made(kind, key="serving_default", **said):
    """y = x op KERNEL."""
    model = Model()
    graph = model.graph("main")
    build = Builder(graph)
    x = build.argument([40], "float32")
    y = build.make(kind, [x, build.constant(KERNEL.copy(), "float32")], [40], "float32")
    graph.outputs = [y]
    x.name, y.name = "x", "y"
    model.signatures = [Signature(key, graph, (("x", x),), (("y", y),))]
    model.metadata = {RECORD: json.dumps({"origin": "test", **said}).encode()}
    return model


@pytest.fixture
def both():
    model = merge([made("ADD", notes=["a"]), made("MUL", "other", notes=["b"], least={"x": 2})])
    prune(model)
    return model


def test_each_is_called_by_its_name(both):
    interpreter = Interpreter(model_content=schema.write(both))
    x = np.ones(40, np.float32)
    for key, expected in (("serving_default", x + KERNEL), ("other", x * KERNEL)):
        assert np.array_equal(interpreter.get_signature_runner(key)(x=x)["y"], expected)


def test_equal_constants_stand_once(both):
    assert schema.write(both).count(KERNEL.tobytes()) == 1
    assert [code.kind for code in both.codes] == ["ADD", "MUL"]


def test_ends_of_further_signatures_have_names_of_their_own(both):
    assert [[v.name for v in g.inputs + g.outputs] for g in both.graphs] == [
        ["x", "y"],
        ["other/x", "other/y"],
    ]
    assert [g.model for g in both.graphs] == [both, both]


def test_the_record_says_what_is_otherwise(both):
    content = record(both)
    assert content["signatures"] == {"other": {"notes": ["b"], "least": {"x": 2}}}
    assert of_signature(content, "serving_default")["notes"] == ["a"]
    assert of_signature(content, "other")["notes"] == ["b"]
    assert of_signature(content, "other")["origin"] == "test"
    assert of_signature(content, "unknown") == content


def test_one_stays_what_it_is():
    model = made("ADD")
    before = schema.write(model)
    assert schema.write(merge([model])) == before


def test_several_take_their_places_one_after_the_other():
    model = merge([made("ADD"), made("MUL", "b"), made("SUB", "c")])
    assert [s.key for s in model.signatures] == ["serving_default", "b", "c"]
    assert [op.kind for op in model.ops_of("c")] == ["SUB"]
    assert set(record(model)["signatures"]) == {"b", "c"}
