"""Slices that enter axes, over free shapes, against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from rnnlite.lite.passes.rewrite import rewrite
from rnnlite.lite.translate import translate

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
    interpreter = Interpreter(model_content=translate(rewritten)[0])
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(found, expected)


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


def test_nothing_to_do_gives_the_same_object():
    function = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec([2]))
    assert rewrite(function) is function
