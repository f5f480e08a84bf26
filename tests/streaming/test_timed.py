"""Rows kept for the next chunk, given later, blotted out: once for all readers."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from rnnlite.streaming.timed import kept_apart
from streaming.chunks import check, program, simple


def states(model, chunk=None):
    """The names of what a stream of a model keeps beside its clock, by layer."""
    found = streamed(program(simple(model), (1, None, 3)), chunk, Options())
    names = [s.name for s in found.layout.states]
    return [n for n in names if not n.startswith("state/stream/")]


def padded(x):
    return tf.pad(x, [[0, 0], [2, 0], [0, 0]])


def normalized(x):
    x = padded(x)
    return (x - tf.reduce_mean(x, -1, keepdims=True)) * (1.0 + x)


def test_padding_in_front_is_kept_once_for_all_readers():
    for chunk in (None, 1, 4):
        assert len(states(normalized, chunk)) == 1
    check(program(simple(normalized), (1, None, 3)))


def test_what_is_padded_otherwise_is_kept_apart():
    def model(x):
        longer = tf.pad(x, [[0, 0], [3, 0], [0, 0]])
        return padded(x), longer

    assert len(states(model)) == 2
    check(program(simple(model), (1, None, 3)))


def test_rows_of_different_tensors_are_kept_apart():
    def model(x):
        return padded(x) + padded(tf.tanh(x))

    assert len(states(model)) == 2
    check(program(simple(model), (1, None, 3)))


def test_behind_a_barrier_the_numbers_stay():
    values = np.array([-3.4e38, -1.0, 0.0, 5.0, np.inf], np.float32)
    np.testing.assert_array_equal(kept_apart(tf.constant(values)), values)


@pytest.mark.parametrize("dtype", [tf.bool, tf.int32, tf.float64])
def test_other_types_have_no_barrier(dtype):
    x = tf.zeros([2], dtype)
    assert kept_apart(x) is x
