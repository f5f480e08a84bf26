"""TensorArrays and TensorLists as dense tensors."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import InternalError, UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Array, array_of, is_tensor, tensor_of

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


def empty(size):
    return Array(tf.float32, size, tf.TensorShape([2]), None, "array")


def test_a_sized_array_is_written_in_place():
    array = empty(3).written(tf.constant(1), tf.constant(ROWS[1]))
    np.testing.assert_array_equal(array.rows(), [[0, 0], ROWS[1], [0, 0]])
    array = array.written(tf.constant(0), tf.constant(ROWS[0]))
    np.testing.assert_array_equal(array.rows(), [ROWS[0], ROWS[1], [0, 0]])
    assert int(array.length()) == 3


def test_an_array_that_grows_hides_its_first_row():
    array = empty(None)
    assert int(array.length()) == 0
    for k in range(3):
        array = array.written(tf.constant(k), tf.constant(ROWS[k]))
        assert int(array.length()) == k + 1
    assert array.content.shape == (4, 2)
    np.testing.assert_array_equal(array.rows(), ROWS)
    np.testing.assert_array_equal(array.row(tf.constant(2)), ROWS[2])


def test_a_row_beyond_the_end_is_the_last():
    array = empty(3).with_content(tf.constant(ROWS))
    np.testing.assert_array_equal(array.row(tf.constant(7)), ROWS[2])


def test_an_unwritten_array_is_zero_and_has_no_rows_to_read():
    np.testing.assert_array_equal(empty(2).rows(), np.zeros((2, 2)))
    with pytest.raises(UnsupportedError, match="'array' is read before anything was written"):
        empty(2).row(tf.constant(0))


def test_a_row_of_unknown_shape_takes_sizes_from_another():
    base = Array(tf.float32, 2, tf.TensorShape([None]), None, "array")
    with pytest.raises(UnsupportedError, match="shape of the rows of 'array' is not known"):
        base.buffer(tf.TensorShape([None]))
    assert base.buffer(tf.TensorShape([None]), tf.constant(ROWS[0])).content.shape == (2, 2)


def test_an_array_that_grows_is_written_in_any_order():
    """Rows up to the one that is written are zeros; a row that is there is replaced."""
    array = empty(None).written(tf.constant(2), tf.constant(ROWS[2]))
    np.testing.assert_array_equal(array.rows(), [[0, 0], [0, 0], ROWS[2]])
    array = array.written(tf.constant(0), tf.constant(ROWS[1]))
    np.testing.assert_array_equal(array.rows(), [ROWS[1], [0, 0], ROWS[2]])
    array = array.appended(tf.constant(ROWS[0]))
    np.testing.assert_array_equal(array.rows(), [ROWS[1], [0, 0], ROWS[2], ROWS[0]])


def test_tensors_and_arrays_are_told_apart():
    array, tensor = empty(3), tf.constant(ROWS)
    assert (is_tensor(array), is_tensor(tensor)) == (False, True)
    assert array_of(array, "TensorListStack 'stack'") is array
    assert tensor_of(tensor, "Tanh 'y'", "x:0") is tensor
    with pytest.raises(UnsupportedError, match=r"Tanh 'y' reads the array 'a:1'; .* found Tanh"):
        tensor_of(array, "Tanh 'y'", "a:1")
    message = "TensorListStack 'stack' reads a tensor as an array; expected what an op of TensorArr"
    with pytest.raises(UnsupportedError, match=message):
        array_of(tensor, "TensorListStack 'stack'")


def test_a_buffer_is_asked_for_before_it_is_there():
    with pytest.raises(InternalError, match="'array' has no buffer"):
        empty(3).rows_held()
