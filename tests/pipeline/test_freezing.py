"""The signature of a frozen graph: as data, as text, as a pair."""

import json

import numpy as np
import tensorflow as tf

from rnnlite.frontends.request import Request
from rnnlite.pipeline.freezing import GraphSignature, freeze
from rnnlite.specs import TensorSpec

SIGNATURE = GraphSignature(
    (TensorSpec("x", (None, None, 3), "float32"), TensorSpec("n", (1,), "int32")),
    (TensorSpec("y", (None, 2), "float32"),),
)


def test_unpacked_as_two():
    inputs, outputs = SIGNATURE
    assert [t.name for t in inputs] == ["x", "n"]
    assert [t.name for t in outputs] == ["y"]


def test_as_data():
    found = json.loads(json.dumps(SIGNATURE.to_dict()))
    assert list(found) == ["inputs", "outputs"]
    assert [(t["name"], t["shape"], t["dtype"]) for t in found["inputs"]] == [
        ("x", [None, None, 3], "float32"),
        ("n", [1], "int32"),
    ]


def test_as_text():
    text = str(SIGNATURE)
    for words in ("x", "[any, any, 3]", "float32", "n", "[1]", "int32", "y", "[any, 2]"):
        assert words in text
    assert "\x1b" not in text


def test_a_source_as_one_graph():
    """Its variables are constants; it gives what the source gives."""

    class Scaled(tf.Module):
        def __init__(self):
            self.by = tf.Variable([1.0, 2.0, 3.0])

        @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
        def __call__(self, x):
            return x * self.by

    content, (inputs, outputs) = freeze(Scaled(), Request())
    definition = tf.compat.v1.GraphDef.FromString(content)
    assert not {n.op for n in definition.node} & {"VarHandleOp", "ReadVariableOp"}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            found = session.run(f"{outputs[0].name}:0", {f"{inputs[0].name}:0": np.ones((2, 3))})
    np.testing.assert_array_equal(found, [[1, 2, 3]] * 2)
