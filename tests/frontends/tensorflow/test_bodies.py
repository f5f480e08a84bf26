"""Functions of a graph's library as nodes."""

import building
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import UnsupportedError

v1 = tf.compat.v1


def calling(path):
    """A graph that calls a function, written; gives its definition too."""

    @tf.function(autograph=False)
    def inner(x):
        a, b = tf.split(x, 2, axis=2)
        return tf.tanh(a) * b, tf.concat([b, a], 2)

    def build(x):
        one, other = inner(x)
        tf.identity(one, "y")
        tf.identity(other, "z")

    building.write(path, build, v2=True)
    return v1.GraphDef.FromString(path.read_bytes())


def test_results_by_their_place(tmp_path):
    """In a function a tensor is called node:result:index, in a graph node:index."""
    path = tmp_path / "graph.pb"
    calling(path)
    converted = rnnlite.convert(path, outputs=["y:0", "z:0"], sequence_length=3)
    x = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
    y, z = rnnlite.load(converted.tflite).run([x])
    np.testing.assert_allclose(y, np.tanh(x[..., :2]) * x[..., 2:], atol=1e-6)
    np.testing.assert_array_equal(z, np.concatenate([x[..., 2:], x[..., :2]], 2))


def test_an_op_that_tensorflow_does_not_have(tmp_path):
    path = tmp_path / "graph.pb"
    definition = calling(path)
    function = next(f for f in definition.library.function if "inner" in f.signature.name)
    odd = next(n for n in function.node_def if n.op == "Tanh")
    odd.op = "NoSuchOp"
    path.write_bytes(definition.SerializeToString())
    with pytest.raises(UnsupportedError, match=f"op NoSuchOp of '{odd.name}' is not known to this"):
        rnnlite.convert(path, outputs=["y:0"])
