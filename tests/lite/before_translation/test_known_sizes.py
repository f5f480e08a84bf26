"""Sizes that `set_shape` says to Python alone stand in the graph, against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.lite.before_translation.known_sizes import is_said_aside, known_sizes, reshape
from rnnlite.lite.before_translation.rewrite import rewrite

RNG = np.random.default_rng(0)
FREE = (1, None, 4)


def traced(compute, shape=FREE):
    spec = tf.TensorSpec(shape, tf.float32)
    return tf.function(compute, autograph=False).get_concrete_function(spec)


def twice(x, known=None, *, aside=True):
    """Rows twice, in a shape that is computed as a product, as Keras 2 computes it."""
    x = tf.tile(tf.expand_dims(x, 2), [1, 1, 2, 1])
    sizes = tf.gather(tf.shape(x), [0, 1, 3]) * tf.constant([1, 2, 1])
    y = tf.reshape(x, sizes)
    if aside:
        y.set_shape(known or [1, None, 4])
    return y


def reshapes(function):
    return [op for op in function.graph.get_operations() if op.type == "Reshape"]


@pytest.mark.parametrize(
    ("compute", "wanted"),
    [
        (twice, [True]),
        (lambda x: twice(x, aside=False), [False]),
        # What is known of other axes is no reason.
        (lambda x: twice(x, [1, None, None]), [False]),
        (lambda x: tf.reshape(x, [1, -1, 2]), [False]),
        (lambda x: tf.reshape(x, tf.stack([1, 2 * tf.shape(x)[1], 2])), [False]),
    ],
)
def test_what_is_said_aside_is_told_from_what_the_operands_say(compute, wanted):
    assert [is_said_aside(op) for op in reshapes(traced(compute))] == wanted


def test_only_what_the_graph_forgot_is_replaced():
    function = traced(twice)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(function.graph.as_graph_def(), name="")
    (op,) = reshapes(function)
    assert op.outputs[0].shape.as_list() == [1, None, 4]
    assert graph.get_operation_by_name(op.name).outputs[0].shape.as_list() == [None] * 3
    assert list(known_sizes(function.graph, graph)) == [op.name]
    assert known_sizes(function.graph, function.graph) == {}


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_known_sizes_are_constants_and_others_computed(dtype):
    x = tf.reshape(tf.range(24.0), [2, 3, 4])
    y = tf.function(reshape).get_concrete_function(
        [None, None, 2], tf.TensorSpec([None] * 3), tf.TensorSpec([3], dtype)
    )
    assert y.output_shapes.as_list() == [None, None, 2]
    np.testing.assert_array_equal(y(x, tf.constant([6, 2, 2], dtype)), tf.reshape(x, [6, 2, 2]))


def test_the_function_computes_the_same_with_its_sizes_said():
    function = traced(twice)
    found = rewrite(function)
    assert found is not function
    x = tf.constant(RNG.standard_normal((1, 5, 4)), tf.float32)
    np.testing.assert_array_equal(found(x)[0], np.repeat(x, 2, axis=1))
    plain = traced(lambda x: tf.reshape(x, [1, -1, 2]))
    assert rewrite(plain) is plain


def test_convolutions_behind_upsampling_of_keras_2():
    """A U-Net over time: dilated, separable, transposed and plain ones."""
    layers = tf_keras.layers
    x = inputs = tf_keras.Input((None, 4))
    x = layers.Conv1D(8, 3, padding="same")(layers.UpSampling1D(2)(x))
    x = layers.Conv1D(8, 2, dilation_rate=2)(layers.UpSampling1D(2)(x))
    x = layers.SeparableConv1D(6, 3)(layers.UpSampling1D(3)(x))
    x = layers.Conv1DTranspose(4, 3, strides=2)(layers.UpSampling1D(2)(x))
    x = layers.GRU(3)(x)
    report = rnnlite.convert(tf_keras.Model(inputs, x)).report
    assert report.parity.within
