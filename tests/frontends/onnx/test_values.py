"""Tensors in any order of their axes, and sizes of which some are known."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.frontends.onnx.values import Dims, Value, is_known, reshaped, stack, with_last

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def traced(function, *shape):
    """What a function gives for X when it is traced with a shape, and how many ops of a kind."""
    made = tf.function(
        function, input_signature=[tf.TensorSpec(shape)], autograph=False
    ).get_concrete_function()
    return made(tf.constant(X)).numpy(), [op.type for op in made.graph.get_operations()]


def test_a_transpose_is_noted_and_its_inverse_costs_nothing():
    value = Value.of(tf.constant(X))
    turned = value.transposed([2, 0, 1])
    assert (turned.shape, turned.rank, turned.is_plain) == ((4, 2, 3), 3, False)
    np.testing.assert_array_equal(turned.plain(), X.transpose(2, 0, 1))
    back = turned.transposed([1, 2, 0])
    assert back.is_plain
    assert back.plain() is value.base


def test_an_order_is_made_once_where_it_is_asked_for():
    _, ops = traced(lambda x: Value.of(x).transposed([2, 0, 1]).arranged([1, 2, 0]), 2, 3, 4)
    assert "Transpose" not in ops
    turned = Value.of(tf.constant(X)).transposed([1, 0, 2])
    assert turned.plain() is turned.plain()
    np.testing.assert_array_equal(turned.arranged([2, 0, 1]), X.transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("shape", "order", "op"),
    [
        ((1, None, 4), [1, 0, 2], "Reshape"),
        ((None, 1, 4), [1, 0, 2], "Reshape"),
        ((1, 3, None), [2, 0, 1], "Transpose"),
        ((1, None, None), [1, 0, 2], "Transpose"),
        ((2, None, 4), [1, 0, 2], "Transpose"),
    ],
)
def test_axes_of_one_move_by_a_reshape(shape, order, op):
    x = np.random.default_rng(0).normal(size=[n or 5 for n in shape]).astype("float32")
    made = tf.function(
        lambda t: Value.of(t).transposed(order).plain(),
        input_signature=[tf.TensorSpec(shape)],
        autograph=False,
    ).get_concrete_function()
    np.testing.assert_array_equal(made(tf.constant(x)), x.transpose(order))
    kinds = [o.type for o in made.graph.get_operations()]
    assert [k for k in kinds if k in ("Reshape", "Transpose")] == [op]


def test_new_axes():
    value = Value(tf.constant(X), (0, None, 2, 1))
    assert value.shape == (2, 1, 4, 3)
    assert (value.size(1), value.known_size(2), value.sizes()) == (1, 4, [2, 1, 4, 3])
    np.testing.assert_array_equal(value.plain(), X.transpose(0, 2, 1)[:, None])
    other = value.like(tf.constant(X + 1))
    np.testing.assert_array_equal(other.plain(), X.transpose(0, 2, 1)[:, None] + 1)


def test_sizes_that_are_not_known():
    found = []

    def call(x):
        value = Value.of(x).transposed([1, 0, 2])
        assert value.shape == (None, 2, 4)
        assert value.size(1) == 2
        with pytest.raises(ValueError, match="axis 0 may be of any size"):
            value.known_size(0)
        found.append(is_known(value.size(0)))
        return value.size(0)

    size, _ = traced(call, 2, None, 4)
    assert (size, found) == (3, [False])


def test_dims():
    size = tf.constant(5)
    mixed, known = Dims.vector([2, size]), Dims.vector([2, np.int64(3)])
    assert (mixed.shape, known.shape, Dims(7).shape) == ((2,), (2,), ())
    assert mixed.known() is None
    assert (known.known().tolist(), known.known().dtype) == ([2, 3], np.int64)
    assert Dims(7).known() == 7
    assert mixed.tensor().numpy().tolist() == [2, 5]
    assert (Dims(7).tensor().shape, Dims(7).tensor(tf.int32).dtype) == ((), tf.int32)
    assert Dims(np.array([[1, 2]])).flat() == [1, 2]
    assert stack([4, size]).numpy().tolist() == [4, 5]


@pytest.mark.parametrize(("several", "packs"), [(False, 0), (True, 1)])
def test_one_size_that_is_not_known_costs_nothing(several, packs):
    def call(x):
        made = reshaped(x, [tf.shape(x)[1], 2, tf.shape(x)[2] if several else 4])
        assert made.shape.as_list() == [None, 2, None if several else 4]
        return made

    found, ops = traced(call, 2, None, None)
    np.testing.assert_array_equal(found, X.reshape(3, 2, 4))
    assert ops.count("Pack") == packs


ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize("base", ORDERS)
@pytest.mark.parametrize("wanted", ORDERS)
def test_any_order_of_any_base(base, wanted):
    axes = tuple(base.index(k) for k in range(3))
    value = Value(tf.constant(X.transpose(base)), axes)
    assert value.shape == X.shape
    np.testing.assert_array_equal(value.arranged(wanted), X.transpose(wanted))


@pytest.mark.parametrize("base", ORDERS)
def test_axes_of_one_that_are_left_out(base):
    """What stands beside a tensor that has no such axis."""
    x = X[:, :1]
    axes = tuple(base.index(k) for k in range(3))
    value = Value(tf.constant(x.transpose(base)), axes)
    np.testing.assert_array_equal(value.arranged([0, 2]), x[:, 0])
    np.testing.assert_array_equal(value.arranged([2, 0]), x[:, 0].T)


def test_axes_of_one_that_are_new_and_others_that_go():
    value = Value(tf.constant(X[:1]), (None, 1, 2, 0))
    assert value.shape == (1, 3, 4, 1)
    np.testing.assert_array_equal(value.arranged([1, 0, 2]), X[0][:, None])


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [([6, 4], (6, 4)), ([-1, 4], (6, 4)), ([24], (24,)), ([2, -1], (2, 12)), ([1, 24], (1, 24))],
)
def test_reshapes_to_numbers(sizes, wanted):
    found = reshaped(tf.constant(X), sizes)
    assert tuple(found.shape) == wanted
    np.testing.assert_array_equal(found, X.reshape(wanted))


def test_an_empty_tensor_is_reshaped():
    found = reshaped(tf.zeros([0, 3]), [3, 0])
    assert found.shape == (3, 0)


@pytest.mark.parametrize("entry", [3, np.int64(3), np.int32(3)])
def test_numbers_are_known(entry):
    assert is_known(entry)
    assert Dims(entry).known() == 3


@pytest.mark.parametrize("entry", [tf.constant(3), None, 3.0, "3"])
def test_what_is_no_number(entry):
    assert not is_known(entry)


def test_entries_of_dims_are_their_own():
    array = np.array([1, 2])
    dims = Dims(array)
    array[0] = 9
    assert dims.flat() == [1, 2]


def test_a_stack_of_numbers_is_a_constant():
    with tf.Graph().as_default() as graph:
        stack([1, 2])
        assert {op.type for op in graph.get_operations()} == {"Const"}
        n = tf.compat.v1.placeholder(tf.int32, [])
        assert stack([1, n]).op.type == "Pack"


def test_a_transpose_keeps_what_is_joined_and_another_tensor_does_not():
    joined = tf.zeros([2, 12])
    value = Value(tf.constant(X), (0, 1, 2), joined)
    assert value.transposed([1, 0, 2]).joined is joined
    assert value.like(value.base).joined is None


def test_what_stands_for_no_limit_is_the_largest_number():
    top = np.iinfo(np.int32).max
    for more in ([], [tf.constant(2)]):
        found = stack([np.iinfo(np.int64).max, -(2**40), 5, *more])
        assert found.numpy().tolist() == [top, -top, 5, *[2] * len(more)]


def test_the_size_of_a_last_axis_is_stated():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, None, None])
        y = with_last(x, 5)
        assert (y.shape[-1], y.op.type) == (5, "Reshape")
        assert tf.get_static_value(y.op.inputs[1].op.inputs[-1]) == 5
        assert with_last(y, 5) is y
