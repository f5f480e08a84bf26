"""What the reader of loops does with sequences, as TensorFlow tensors."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.lowering.sequences import Sequences, TensorRows

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


@pytest.mark.parametrize(
    ("content", "shape"), [(tf.zeros([2, 3]), (2, 3)), (tf.zeros([]), ()), (tf.zeros([0]), (0,))]
)
def test_shapes(content, shape):
    assert S.shape(content) == shape


def test_a_shape_that_is_not_known():
    with tf.Graph().as_default():
        assert S.shape(tf.compat.v1.placeholder(tf.float32, [None, 3])) == (None, 3)
        assert S.shape(tf.compat.v1.placeholder(tf.float32, None)) is None


def test_scalars_vectors_and_columns():
    x = tf.constant([[[7.0]]])
    assert (S.scalar(x).shape, S.vector(x).shape, S.column(x).shape) == ((), (1,), (1, 1))
    np.testing.assert_array_equal(S.column(tf.constant([[1, 2], [3, 4]])), [[1], [2], [3], [4]])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32])
def test_an_offset_has_the_type_of_the_number(dtype):
    found = S.offset(tf.constant([1, 2], tf.int32), dtype(3))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [4, 5])


def test_parts_side_by_side_and_new_axes():
    a, b = tf.constant(ROWS), tf.constant(ROWS[:, :1])
    np.testing.assert_array_equal(S.concat([a, b], 1), np.concatenate([ROWS, ROWS[:, :1]], 1))
    np.testing.assert_array_equal(S.expand(a, 1), ROWS[:, None])
    np.testing.assert_array_equal(S.add(a, tf.constant([1.0, 2, 3])), ROWS + np.array([1, 2, 3]))
    np.testing.assert_array_equal(S.take(a, tf.constant([2, 0])), ROWS[[2, 0]])


def test_names_below_a_scope():
    with tf.Graph().as_default(), S.scope("lstm"):
        assert tf.constant(1.0, name="it").op.name == "lstm/it"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_along_an_axis(axis):
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    found = S.as_rows(tf.constant(x), "it", axis)
    assert (found.name, found.length(), found.size) == ("it", x.shape[axis], x.shape[axis])
    np.testing.assert_array_equal(found.rows(), np.moveaxis(x, axis, 0))


def test_rows_of_a_tensor_count_from_the_end_too():
    """Those of an array of TensorFlow do not."""
    rows = TensorRows(tf.constant(ROWS), "it")
    found = S.rows_at(rows, tf.constant([-1, 0, -4, 9]))
    np.testing.assert_array_equal(found, ROWS[[3, 0, 0, 3]])


def test_steps_of_a_number_that_is_computed():
    made = tf.function(S.steps, autograph=False).get_concrete_function(tf.TensorSpec([], tf.int32))
    assert made.outputs[0].shape.as_list() == [None, 1]
    np.testing.assert_array_equal(made(tf.constant(2)), [[0], [1]])


def test_a_tensor_is_full_by_its_own_length():
    """Known as the first element of its own shape, of no other."""
    with tf.Graph().as_default():
        x, y = (tf.compat.v1.placeholder(tf.float32, [None, 3]) for _ in range(2))
        rows = TensorRows(x, "it")
        assert S.is_full(rows, tf.shape(x)[0])
        assert not S.is_full(rows, tf.shape(x)[1])
        assert not S.is_full(rows, tf.shape(y)[0])
        assert not S.is_full(rows, tf.shape(x)[0] - 1)
        assert not S.is_full(rows, 4)


@pytest.mark.parametrize(
    ("bounds", "wanted"), [([3], 3), ([5, 2, 9], 2), ([0, 4], 0), ([-7, 4], 0), ([4, 4], 4)]
)
def test_known_bounds(bounds, wanted):
    found = S.least(bounds)
    assert (type(found), found) == (int, wanted)


def test_a_bound_that_is_the_same_twice_computes_nothing():
    with tf.Graph().as_default():
        n = tf.compat.v1.placeholder(tf.int32, [])
        assert S.least([n, n]) is n
        m = tf.compat.v1.placeholder(tf.int32, [])
        assert S.least([n, m, n]).op.type == "Minimum"


def test_a_bound_of_another_type():
    with tf.Graph().as_default():
        n = tf.compat.v1.placeholder(tf.int64, [])
        assert S.bound(n, 0).dtype == tf.int32
