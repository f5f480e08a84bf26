"""Roll as slices or a lookup: what NumPy gives, at lengths below the shift too."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.lite.before_translation.rewrite import rewrite
from rnnlite.lite.before_translation.rolls import rolled, rolls

ROWS = np.arange(2 * 7 * 3, dtype=np.float32).reshape(2, 7, 3)


@pytest.mark.parametrize("shift", [-9, -2, 0, 1, 3, 7, 10])
@pytest.mark.parametrize("free", [True, False])
def test_an_axis(shift, free):
    spec = tf.TensorSpec([2, None if free else 7, 3])
    made = tf.function(lambda x: rolled(x, [(shift, 1)])).get_concrete_function(spec)
    assert made.outputs[0].shape.as_list() == spec.shape.as_list()
    for length in (1, 2, 7) if free else (7,):
        x = ROWS[:, :length]
        np.testing.assert_array_equal(made(tf.constant(x)), np.roll(x, shift, 1))


def test_several_axes():
    spec = tf.TensorSpec([2, None, 3])
    made = tf.function(lambda x: tf.roll(x, [1, -2, 4], [2, 1, -3])).get_concrete_function(spec)
    found = rewrite(made)
    assert "Roll" not in {op.type for op in found.graph.get_operations()}
    expected = np.roll(ROWS, (1, -2, 4), (2, 1, 0))
    np.testing.assert_array_equal(found(tf.constant(ROWS))[0], expected)


def test_one_that_is_computed_is_left():
    specs = tf.TensorSpec([2, None, 3]), tf.TensorSpec([], tf.int32)
    made = tf.function(lambda x, n: tf.roll(x, n, 1)).get_concrete_function(*specs)
    assert rolls(made.graph) == {}


@pytest.mark.parametrize("shift", [0, 7, -14])
def test_whole_turns_compute_nothing(shift):
    x = tf.constant(ROWS)
    assert rolled(x, [(shift, 1)]) is x


def test_an_empty_axis_stays():
    x = tf.zeros([2, 0])
    assert rolled(x, [(3, 1)]) is x


def test_one_axis_twice():
    """As TensorFlow adds the shifts."""
    found = rolled(tf.constant(ROWS), [(1, 1), (2, 1)])
    np.testing.assert_array_equal(found, np.roll(ROWS, 3, 1))
    np.testing.assert_array_equal(tf.roll(ROWS, [1, 2], [1, 1]), found)


def test_which_ops_are_rolls():
    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def call(x):
        return tf.roll(x, 2, 0, name="it") + tf.roll(x, [1, 1], [0, 1], name="other")

    found = rolls(call.get_concrete_function().graph)
    assert sorted(found) == ["it", "other"]
    for one in found.values():
        assert len(one.inputs) == 1


def test_a_tensor_of_no_known_rank_is_left():
    made = tf.function(lambda x: tf.roll(x, 1, 0)).get_concrete_function(tf.TensorSpec(None))
    assert rolls(made.graph) == {}
