"""Zeros, rows, cuts and masks of symbolic tensors, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lowering.tensors import (
    common,
    cut,
    gathered,
    is_zero,
    kept_apart,
    length_of,
    select,
    zeros_of_known_shape,
)

ZERO = {
    "a constant": (lambda n: tf.zeros([2, 3]), True),
    "a constant of one": (lambda n: tf.ones([2, 3]), False),
    "one of many": (lambda n: tf.constant([0.0, 0.0, 1e-30]), False),
    "filled": (lambda n: tf.zeros([n, 3]), True),
    "filled with one": (lambda n: tf.ones([n, 3]), False),
    "of other zeros": (lambda n: tf.zeros_like(tf.ones([n, 3])), True),
    "passed on": (lambda n: tf.identity(tf.expand_dims(tf.zeros([n, 3]), 0)), True),
    "spread": (lambda n: tf.broadcast_to(tf.zeros([1, 3]), [n, 3]), True),
    "tiled ones": (lambda n: tf.tile(tf.ones([1, 3]), [n, 1]), False),
    "cast": (lambda n: tf.cast(tf.zeros([n, 3], tf.int32), tf.float32), True),
    # Nothing is known of what is computed.
    "multiplied": (lambda n: tf.zeros([n, 3]) * 2.0, False),
    "an input": (lambda n: tf.cast(n, tf.float32), False),
}


@pytest.mark.parametrize("name", ZERO)
def test_what_is_surely_zero(name):
    make, expected = ZERO[name]
    with tf.Graph().as_default():
        assert is_zero(make(tf.compat.v1.placeholder(tf.int32, []))) is expected


def evaluated(function, *arrays, shapes):
    """What a function of tensors of free shape gives."""
    specs = [tf.TensorSpec(s, a.dtype) for a, s in zip(arrays, shapes, strict=True)]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    return concrete, [y.numpy() for y in tf.nest.flatten(concrete(*map(tf.constant, arrays)))]


def test_zeros_of_a_free_batch_get_a_known_shape():
    def run(x):
        batch = tf.shape(x)[:1]
        zero = tf.zeros([tf.shape(x)[0], 4])
        free = tf.ensure_shape(zero, [None, 4])
        made = zeros_of_known_shape(free, batch)
        other = tf.ensure_shape(free + 1.0, [None, 4])
        known = tf.zeros([2, 4])
        assert made is not free
        assert zeros_of_known_shape(other, batch) is other
        assert zeros_of_known_shape(known, batch) is known
        return made

    concrete, (found,) = evaluated(run, np.zeros((3, 2), np.float32), shapes=[[None, 2]])
    np.testing.assert_array_equal(found, np.zeros((3, 4)))
    assert concrete.outputs[0].shape.as_list() == [None, 4]


def test_lengths():
    assert length_of(tf.zeros([5, 2])) == 5
    _, (found,) = evaluated(length_of, np.zeros((7, 2), np.float32), shapes=[[None, 2]])
    assert found == 7


X = np.arange(2 * 5 * 6, dtype=np.float32).reshape(5, 2, 6)
CUTS = ((0, 2), (2, 6))


@pytest.mark.parametrize("cuts", [None, CUTS])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("index", [[3], [0, 2, 4], [4, 3]])
def test_rows_and_their_parts(cuts, batch, index):
    x = X[:, :batch]
    count = len(index)
    found = gathered(tf.constant(x), tf.constant(index if count > 1 else index[0]), count, cuts)
    assert len(found) == count
    for place, parts in zip(index, found, strict=True):
        expected = [x[place]] if cuts is None else [x[place][..., a:b] for a, b in cuts]
        for part, array in zip(parts, expected, strict=True):
            np.testing.assert_array_equal(part, array)


def test_parts_of_a_row():
    whole = tf.constant(X[0])
    assert cut(whole, None)[0] is whole
    a, b = cut(whole, CUTS)
    np.testing.assert_array_equal(np.concatenate([a, b], -1), X[0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([2, 3], [2, 3], [2, 3]),
        ([2, 3], [2, 4], [2, None]),
        ([None, 3], [2, 3], [None, 3]),
        ([None, 3], [None, 3], [None, 3]),
        ([2, 3], [2], None),
        (None, [2], None),
    ],
)
def test_what_shapes_agree_in(one, other, expected):
    found = common(tf.TensorShape(one), tf.TensorShape(other))
    assert (None if found.rank is None else found.as_list()) == expected


@pytest.mark.parametrize("keep", [[True, False], [[True], [False]], [[True, False], [False, True]]])
def test_select_spreads_over_axes_behind(keep):
    new, old = np.ones((2, 2, 3), np.float32), np.zeros((2, 2, 3), np.float32)
    mask = np.asarray(keep)
    wide = mask.reshape(*mask.shape, *[1] * (3 - mask.ndim))
    found = select(tf.constant(keep), tf.constant(new), tf.constant(old))
    np.testing.assert_array_equal(found, np.where(wide, new, old))


def test_select_loses_no_shape():
    def run(new, old, keep):
        found = select(keep, new, old)
        assert found.shape.as_list() == [2, 3]
        return found

    arrays = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32), np.array([True, False])
    _, (found,) = evaluated(run, *arrays, shapes=[[None, 3], [2, 3], [None]])
    np.testing.assert_array_equal(found, [[1, 1, 1], [0, 0, 0]])


def test_behind_a_barrier_the_numbers_stay():
    values = np.array([-3.4e38, -1.0, 0.0, 5.0, np.inf], np.float32)
    np.testing.assert_array_equal(kept_apart(tf.constant(values)), values)


@pytest.mark.parametrize("dtype", [tf.bool, tf.int32, tf.float64])
def test_other_types_have_no_barrier(dtype):
    x = tf.zeros([2], dtype)
    assert kept_apart(x) is x
