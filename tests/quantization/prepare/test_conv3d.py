"""CONV_3D as CONV_2D: the same numbers, for every padding, stride and dilation."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from graphs import run
from rnnlite.lite import schema
from rnnlite.lite.translate import run_converter
from rnnlite.quantization.prepare.conv3d import flatten_conv3d

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("padding", "stride", "depth"), list(itertools.product(["SAME", "VALID"], [1, 2], [1, 2, 3]))
)
def test_equal(padding, stride, depth):
    kernel = RNG.standard_normal((depth, 3, 2, 2, 4)).astype(np.float32)

    @tf.function
    def convolve(x):
        return tf.nn.conv3d(x, kernel, [1, stride, stride, 1, 1], padding) + np.float32(0.5)

    spec = tf.TensorSpec([None, 5, 6, 4, 2], tf.float32)
    tree = schema.read(run_converter(convolve.get_concrete_function(spec))[0])
    flatten_conv3d(tree)
    names = [op.kind for op in tree.ops()]
    assert "CONV_3D" not in names
    assert names.count("CONV_2D") == 1
    x = RNG.standard_normal((3, 5, 6, 4, 2)).astype(np.float32)
    found = run(schema.write(tree), x)[0]
    np.testing.assert_allclose(found, convolve(x), atol=1e-5)


@pytest.mark.parametrize(
    ("padding", "stride", "dilation"),
    [("SAME", 1, 1), ("SAME", 1, 2), ("VALID", 1, 1), ("VALID", 2, 1), ("VALID", 1, 2)],
)
def test_equal_over_a_free_depth(padding, stride, dilation):
    """As the time of a video; models of ConvLSTM2D end so."""
    kernel = RNG.standard_normal((3, 3, 3, 2, 4)).astype(np.float32)

    @tf.function
    def convolve(x):
        steps, dilations = [1, stride, 1, 1, 1], [1, dilation, 1, 1, 1]
        return tf.nn.conv3d(x, kernel, steps, padding, dilations=dilations) + np.float32(0.5)

    spec = tf.TensorSpec([2, None, 6, 4, 2], tf.float32)
    tree = schema.read(run_converter(convolve.get_concrete_function(spec))[0])
    flatten_conv3d(tree)
    assert "CONV_3D" not in {op.kind for op in tree.ops()}
    data = schema.write(tree)
    # TensorFlow has holes along depth on some processors only: here they are zeros of the kernel.
    wide = np.zeros((2 * dilation + 1, *kernel.shape[1:]), np.float32)
    wide[::dilation] = kernel
    for length in (5, 9, 6):
        x = RNG.standard_normal((2, length, 6, 4, 2)).astype(np.float32)
        expected = tf.nn.conv3d(x, wide, [1, stride, 1, 1, 1], padding) + np.float32(0.5)
        np.testing.assert_allclose(run(data, x)[0], expected, atol=1e-5)
