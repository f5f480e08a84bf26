"""What is surely known of a symbolic tensor."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import InternalError
from rnnlite.scan.tensors import fixed


def test_a_known_size_and_a_free_one():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (2, None, 3), "frames")
        assert fixed(x, 0) == 2
        assert fixed(x, -1) == 3
        with pytest.raises(InternalError, match=r"axis 1 of 'frames:0' is free\. This is a fault"):
            fixed(x, 1)


def test_a_size_of_zero_is_known():
    with tf.Graph().as_default():
        assert fixed(tf.constant(np.zeros((0, 4))), 0) == 0


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_any_axis_counts_from_either_end(axis):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (2, 3, 4))
        assert fixed(x, axis) == (2, 3, 4)[axis]
        assert type(fixed(x, axis)) is int


@pytest.mark.parametrize("axis", [0, 2])
def test_the_message_names_tensor_and_axis(axis):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3, None), "rows")
        with pytest.raises(InternalError, match=rf"axis {axis} of 'rows:0' is free"):
            fixed(x, axis)
