"""Functions of TensorFlow: perturbed weights and exponentials, in loops of both kinds too."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.functions import perturb_graph

UNIT = 2.0**-24


def looped(v2):
    """x <- elu(x), 50 times, in control flow of either version."""
    tf1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default():
        (tf1.enable_control_flow_v2 if v2 else tf1.disable_control_flow_v2)()
        x = tf1.placeholder(tf.float32, [4], name="x")
        _, y = tf1.while_loop(lambda t, _: t < 50, lambda t, h: (t + 1, tf.nn.elu(h)), [0, x])
        tf.identity(y, name="y")
    tf1.enable_control_flow_v2()
    return graph.as_graph_def()


def run(definition, x):
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run("y:0", {"x:0": x})


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
def test_an_exponential_is_moved_by_the_rounding_of_one(v2):
    x = np.linspace(1.0, 1.5, 4, dtype=np.float32)
    assert run(looped(v2), x) == pytest.approx(x, abs=0)
    signs = set()
    for seed in range(8):
        definition = looped(v2)
        perturb_graph(definition, 2**10 * UNIT, seed)
        change = run(definition, x) - x
        assert np.abs(change) == pytest.approx(50 * 2**10 * UNIT, rel=1e-4)
        signs |= set(np.sign(change))
    assert signs == {-1, 1}


def test_weights_are_moved_by_the_rounding_of_their_products():
    graph = tf.Graph()
    with graph.as_default():
        kernel = tf.constant(np.full((16, 3), 2.0, np.float32))
        one = tf.constant([5.0])
        tf.identity(tf.reduce_sum(kernel) * one, name="y")
    definition = graph.as_graph_def()
    perturb_graph(definition, 2**-10, 0)
    moved = [tf.make_ndarray(n.attr["value"].tensor) for n in definition.node if n.op == "Const"]
    kernels = [m for m in moved if m.shape == (16, 3)]
    assert set(np.unique(kernels[0])) == {np.float32(2 - 2**-7), np.float32(2 + 2**-7)}
    assert [m for m in moved if m.shape == (1,)] == [np.float32(5)]
