"""Slices that enter axes, over free shapes, against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.translate import run_converter

SLICES = {
    "end": lambda x: x[:, :, tf.newaxis],
    "front": lambda x: x[tf.newaxis],
    "two": lambda x: x[:, tf.newaxis, :, tf.newaxis],
    "ellipsis": lambda x: x[..., tf.newaxis],
    "both sides": lambda x: x[tf.newaxis, ..., tf.newaxis],
    "with a slice": lambda x: x[:, 1:, tf.newaxis],
    "with an index": lambda x: x[0, :, tf.newaxis],
    "behind an index": lambda x: x[..., 0, tf.newaxis],
}


def run(function, x):
    """What LiteRT gives for the one input of a function."""
    interpreter = Interpreter(model_content=run_converter(function)[0])
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("name", list(SLICES))
def test_new_axes_of_free_shapes(name):
    function = tf.function(SLICES[name]).get_concrete_function(
        tf.TensorSpec([None, None], tf.float32)
    )
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = function(tf.constant(x)).numpy()
    rewritten = rewrite(function)
    np.testing.assert_array_equal(rewritten(tf.constant(x))[0], expected)
    assert not any(
        op.type == "StridedSlice" and op.get_attr("new_axis_mask")
        for op in rewritten.graph.get_operations()
    )
    np.testing.assert_array_equal(run(rewritten, x), expected)


def _loop(step):
    def call(x):
        state = (0, tf.zeros([2, 3]))
        rows = tf.shape(x)[0]
        return tf.while_loop(lambda t, s: t < rows, lambda t, s: (t + 1, step(s, x[t])), state)[1]

    return call


def _greatest(s, x):
    return tf.reduce_max(s[:, :, tf.newaxis] + KERNEL[tf.newaxis], 1) + x


def _twice(s, x):
    return tf.while_loop(lambda k, s: k < 2, lambda k, s: (k + 1, _greatest(s, x)), (0, s))[1]


KERNEL = tf.Variable(np.arange(9, dtype=np.float32).reshape(3, 3))
INNER = {
    "a loop": _loop(_greatest),
    "a loop in a loop": _loop(_twice),
    "a branch": lambda x: tf.cond(
        x[0, 0] > 0, lambda: x[:, tf.newaxis] * KERNEL, lambda: x[:, tf.newaxis]
    ),
}


@pytest.mark.parametrize("name", list(INNER))
def test_new_axes_in_loops_and_branches(name):
    """TensorFlow keeps functions by their names: a changed one takes a name of its own."""
    function = tf.function(INNER[name], autograph=False).get_concrete_function(
        tf.TensorSpec([None, 3])
    )
    x = tf.reshape(tf.range(6.0), [2, 3]) - 1.0
    for _ in range(2):
        rewritten = rewrite(function)
        np.testing.assert_array_equal(rewritten(x)[0], function(x))
    nodes = [n for f in rewritten.graph.as_graph_def().library.function for n in f.node_def]
    assert not any(n.attr["new_axis_mask"].i for n in nodes if n.op == "StridedSlice")


def _recurrent(step):
    """A loop over x (B, T, 4, 4, 4, 2), its state like a row."""

    def call(x):
        t, state = tf.constant(0), tf.zeros_like(x[:, 0])
        return tf.while_loop(
            lambda t, s: t < tf.shape(x)[1],
            lambda t, s: (t + 1, tf.ensure_shape(step(s, x[:, t]), s.shape)),
            (t, state),
        )[1]

    return call


def _pooled(s, x):
    return tf.nn.max_pool3d(s + x, (2, 3, 2), 1, "SAME") + tf.nn.avg_pool3d(x, 3, 1, "SAME")


def _rolled(s, x):
    return tf.roll(s, (1, 2), (0, 2)) + x


def _summed(s, x):
    """No axis to sum over."""
    return tf.einsum("bdhwc,bd->bdhwc", s, x[:, :, 0, 0, 0]) + x


def _within_another(s, x):
    return tf.while_loop(lambda k, s: k < 2, lambda k, s: (k + 1, _pooled(s, x)), (0, s))[1]


def _in_a_branch(s, x):
    return tf.cond(x[0, 0, 0, 0, 0] > 0, lambda: _pooled(s, x), lambda: _rolled(s, x))


STEPS = [_pooled, _rolled, _within_another, _in_a_branch]


@pytest.mark.parametrize(
    ("step", "batch"), [*((s, b) for s in STEPS for b in (1, None)), (_summed, None)]
)
def test_ops_without_a_form_in_loops_and_branches(step, batch):
    function = tf.function(_recurrent(step), autograph=False).get_concrete_function(
        tf.TensorSpec([batch, None, 4, 4, 4, 2])
    )
    x = np.random.default_rng(0).normal(size=(batch or 3, 5, 4, 4, 4, 2)).astype(np.float32)
    rewritten = rewrite(function)
    expected = function(tf.constant(x))
    np.testing.assert_allclose(rewritten(tf.constant(x))[0], expected, atol=1e-5)
    nodes = [n for f in rewritten.graph.as_graph_def().library.function for n in f.node_def]
    assert not {n.op for n in nodes} & {"MaxPool3D", "AvgPool3D", "Roll", "Einsum"}
    np.testing.assert_allclose(run(rewritten, x), expected, atol=1e-5)


def test_nothing_to_do_gives_the_same_object():
    function = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec([2]))
    assert rewrite(function) is function
