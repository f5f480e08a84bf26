"""What the reader of loops does with sequences, as TensorFlow tensors."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.lowering.sequences import Sequences

S = Sequences()
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def array(size, content=ROWS):
    return Array(tf.float32, size, tf.TensorShape([3]), tf.constant(content), "array")


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("batch", [2, None])
def test_product(transposed, batch):
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((5, 2, 3), (3, 4)))
    spec = tf.TensorSpec([None, batch, 3])
    given = w.T if transposed else w
    made = tf.function(lambda x: S.product(x, tf.constant(given), transposed=transposed))
    concrete = made.get_concrete_function(spec)
    assert concrete.outputs[0].shape.as_list() == [None, batch, 4]
    np.testing.assert_allclose(concrete(tf.constant(x)), x @ w, atol=1e-6)


def test_rows_at_any_index_and_beyond_the_end():
    found = S.rows_at(array(4), tf.constant([3, 0, 7, 1]))
    np.testing.assert_array_equal(found, ROWS[[3, 0, 3, 1]])


def test_the_first_rows_of_an_array_and_all_of_them():
    assert S.is_full(array(4), 4)
    assert not S.is_full(array(4), 3)
    np.testing.assert_array_equal(S.first(array(4), 3), ROWS[:3])
    np.testing.assert_array_equal(S.first(array(4), 4), ROWS)


def test_steps_have_a_known_shape_where_their_number_is_known():
    steps = S.steps(3)
    assert steps.shape == (3, 1)
    np.testing.assert_array_equal(steps, [[0], [1], [2]])


def test_the_least_bound():
    assert S.least([tf.constant(5), 3]) == 3
    assert S.least([-2]) == 0
    # One that is known to be none is enough.
    found = tf.function(lambda n: tf.constant(S.least([n, tf.constant(-1)])))
    assert int(found(tf.constant(7))) == 0
    found = tf.function(lambda n: S.least([n, tf.constant(4)]))
    assert [int(found(tf.constant(n))) for n in (2, 9)] == [2, 4]


@pytest.mark.parametrize(("limit", "more", "count"), [(-1, 1, 0), (5, 0, 5), (5, -7, -2)])
def test_a_known_bound_is_an_int(limit, more, count):
    with tf.Graph().as_default():
        found = S.bound(tf.constant(limit, tf.int64), more)
    assert type(found) is int
    assert found == count


@pytest.mark.parametrize(("limit", "kind"), [(1, "Placeholder"), (2, "Minimum")])
def test_a_bound_as_dynamic_rnn_writes_it(limit, kind):
    """min(T, max(1, T)) is T; min(T, max(2, T)) is not, of a sequence of one step."""
    graph = tf.Graph()
    with graph.as_default():
        n = tf.compat.v1.placeholder(tf.int32, [])
        assert S.bound(tf.minimum(n, tf.maximum(limit, n)), 0).op.type == kind
        assert S.bound(n, 2).op.type == "AddV2"
