"""The body of a graph's loop as the reader of loops asks for it."""

import numpy as np
import pytest
import tensorflow as tf
from building import graph_def, node, placeholder

from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.frontends.tensorflow.emit import Emission, Emitter
from rnnlite.frontends.tensorflow.nodes import graph_of
from rnnlite.frontends.tensorflow.region import GraphRegion
from rnnlite.loops import Kind, Node
from rnnlite.lowering.schedule import Options

F, I = tf.float32, tf.int32  # noqa: E741 - int32
W = np.arange(12, dtype=np.float32).reshape(3, 4)
X, H = np.ones((2, 3), np.float32), np.full((2, 4), 0.5, np.float32)


@pytest.fixture
def region():
    """y = tanh(x @ w + h), of the arguments x and h; w stands in the graph."""
    definition = graph_def(
        placeholder("x", (2, 3)),
        placeholder("h", (2, 4)),
        node("Const", "w", dtype=F, value=W),
        node("Identity", "kernel", "w", T=F),
        node("MatMul", "product", "x", "kernel", T=F),
        node("AddV2", "sum", "product", "h", T=F),
        node("Tanh", "y", "sum", T=F),
        node("Const", "two", dtype=F, value=np.float32(2)),
        node("Mul", "doubled", "w", "two", T=F),
    )
    emission = Emission(Options())
    return GraphRegion(Emitter(emission, graph_of(definition), {}), frozenset(["x:0", "h:0"]))


def wanted(x, h, w=W):
    return np.tanh(x @ w + h)


def test_nodes_in_neutral_words(region):
    product = region.node("product:0")
    assert (product.kind, product.operands) == (Kind.MATMUL, ("x:0", "kernel:0"))
    assert region.node("kernel:0").kind is Kind.PASS
    # Described once.
    assert region.node("product:0") is product


@pytest.mark.parametrize("ref", ["x:0", "h:0", "nowhere:0"])
def test_what_comes_from_outside_has_no_node(region, ref):
    assert region.node(ref) is None


def test_a_step(region):
    (y,) = region.emit(["y:0"], {"x:0": tf.constant(X), "h:0": tf.constant(H)})
    np.testing.assert_allclose(y, wanted(X, H), rtol=1e-6)
    # Nothing of it is kept: the next step computes anew.
    assert not region.is_bound("y:0")
    (y,) = region.emit(["y:0"], {"x:0": tf.constant(2 * X), "h:0": tf.constant(H)})
    np.testing.assert_allclose(y, wanted(2 * X, H), rtol=1e-6)


def test_what_is_bound_is_there(region):
    bound = region.bind({"h:0": tf.constant(H)})
    assert (bound.is_bound("h:0"), region.is_bound("h:0")) == (True, False)
    (y,) = bound.emit(["y:0"], {"x:0": tf.constant(X)})
    np.testing.assert_allclose(y, wanted(X, H), rtol=1e-6)
    # A value given for a step is nearer than one that is bound.
    (y,) = bound.emit(["y:0"], {"x:0": tf.constant(X), "h:0": tf.constant(-H)})
    np.testing.assert_allclose(y, wanted(X, -H), rtol=1e-6)
    assert bound.node("product:0") is region.node("product:0")


def test_values_in_front_of_the_loop(region):
    np.testing.assert_array_equal(region.known(region.value("doubled:0")), 2 * W)
    assert region.shape("doubled:0") == (3, 4)
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(F, [None, 3])
        bound = region.bind({"x:0": x})
        assert bound.shape("x:0") == (None, 3)
        assert bound.known(x) is None
        unknown = region.bind({"x:0": tf.compat.v1.placeholder(F)})
        assert unknown.shape("x:0") is None


def test_an_array_has_no_shape(region):
    rows = Array(F, 3, tf.TensorShape([2]), None, "rows")
    assert region.bind({"x:0": rows}).shape("x:0") is None
    assert region.known(rows) is None


def test_a_node_of_other_operands(region):
    found = region.apply(region.node("y:0"), [tf.constant(W)])
    np.testing.assert_allclose(found, np.tanh(W), rtol=1e-6)


def test_shapes_of_a_step_leave_nothing_behind(region):
    with tf.Graph().as_default() as graph:
        states = {"h:0": tf.compat.v1.placeholder(F, [None, 4])}
        rows = {"x:0": tf.compat.v1.placeholder(F, [None, None, 3])}
        before = len(graph.get_operations())
        found = region.shapes(["y:0"], states, rows, {"t:0": np.int32(0)})
        assert len(graph.get_operations()) == before
    assert found["x:0"] == (None, 3)
    assert found["product:0"] == (None, 4)
    assert found["y:0"] == (None, 4)
    assert found["t:0"] == ()
    assert not region.is_bound("y:0")


def test_nodes_in_the_place_of_others(region):
    """y = tanh((x @ first) + h) with another kernel, and the old region as it was."""
    old = region.node("sum:0")
    made = [
        Node("product/new", "", Kind.MATMUL, ("x:0", "first:0"), "product/new:0"),
        Node("sum", "", Kind.ADD, ("product/new:0", "h:0"), "sum:0"),
    ]
    like = region.node("product:0")
    changed = region.extend(made, {"first:0": -W}, like)
    given = {"x:0": tf.constant(X), "h:0": tf.constant(H)}
    np.testing.assert_allclose(changed.emit(["y:0"], given)[0], wanted(X, H, -W), rtol=1e-6)
    np.testing.assert_allclose(region.emit(["y:0"], given)[0], wanted(X, H), rtol=1e-6)
    assert changed.node("sum:0").operands == ("product/new:0", "h:0")
    assert region.node("sum:0") is old
    # What stayed is not described again.
    assert changed.node("product:0") is like
    assert changed.node("first:0") is None
    np.testing.assert_array_equal(changed.known(changed.value("first:0")), -W)
