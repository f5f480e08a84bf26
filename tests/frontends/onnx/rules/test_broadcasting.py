"""Operands of two shapes, and sizes that stay known."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, check_model, floats, function_of, model, node
from onnx_rules import value
from rnnlite.frontends.onnx.emit import as_tensor
from rnnlite.frontends.onnx.rules.broadcasting import broadcast, entries_of, of_sizes
from rnnlite.frontends.onnx.values import Dims, Value

X = floats(2, 3, 4)
IMAGE = floats(1, 3, 5, 4)


@pytest.mark.parametrize("free", [False, True])
def test_shapes(free):
    check(
        *(case("Add", X, b) for b in (floats(4), floats(3, 1), floats(1), floats(2, 1, 1))),
        case("Mul", floats(4), X, data=2),
        case("Sub", X, floats(5, 1, 1, 1)),
        case("Div", X, floats(2, 3, 4), data=2),
        free=free,
    )


def test_beside_a_convolution_nothing_is_turned():
    nodes = [
        node("Conv", "x", "w", outputs=["a"]),
        node("Mul", "a", "s", outputs=["b"]),
        node("Conv", "x", "v", outputs=["c"]),
        node("Add", "b", "c"),
    ]
    constants = {"w": floats(2, 3, 1, 1), "v": floats(2, 3, 1, 1), "s": floats(2, 1, 1)}
    proto = model(nodes, {"x": IMAGE}, constants)
    check_model(proto, {"x": IMAGE})
    kinds = [o.type for o in function_of(proto, {"x": IMAGE}).graph.get_operations()]
    assert kinds.count("Transpose") <= 3


@pytest.mark.parametrize(
    ("op", "a", "b", "wanted"),
    [
        ("Add", [2, 3], [1, 1], [3, 4]),
        ("Sub", [2, 3], [1], [1, 2]),
        ("Mul", [2, 3], [4, 5], [8, 15]),
        ("Div", [7, 8], [2, 4], [3, 2]),
    ],
)
def test_sizes_stay_known(op, a, b, wanted):
    found = of_sizes(op, Dims.vector(a), np.asarray(b))
    assert found is not None
    assert list(found.known()) == wanted


N, M = (tf.constant(k) for k in (6, 4))
"""Sizes that are computed."""


def entries(found):
    """A vector of sizes with numbers in place of tensors."""
    return [int(e) for e in found.flat()]


@pytest.mark.parametrize(
    ("op", "wanted"),
    [
        ("Add", [9, 9]),
        ("Sub", [3, -1]),
        ("Mul", [18, 20]),
        ("Div", [2, 0]),
        ("Mod", [0, 4]),
        ("Max", [6, 5]),
        ("Min", [3, 4]),
    ],
)
def test_sizes_that_are_computed(op, wanted):
    assert entries(of_sizes(op, Dims.vector([N, M]), np.asarray([3, 5]))) == wanted


@pytest.mark.parametrize(
    ("op", "known", "same"),
    [("Add", 0, True), ("Sub", 0, True), ("Mul", 1, True), ("Div", 1, True), ("Add", 1, False)],
)
def test_what_changes_nothing_leaves_a_size_itself(op, known, same):
    (found,) = of_sizes(op, Dims.vector([N]), np.asarray([known])).flat()
    assert (found is N) == same


def test_from_the_left():
    for number, wanted in ((1, N), (0, 0)):
        (found,) = of_sizes("Mul", np.asarray([number]), Dims.vector([N])).flat()
        assert found is wanted
    (found,) = of_sizes("Mul", Dims.vector([N]), np.asarray([0])).flat()
    assert found == 0


@pytest.mark.parametrize(
    ("op", "wanted"),
    [
        ("Equal", [False, True]),
        ("Greater", [True, False]),
        ("GreaterOrEqual", [True, True]),
        ("Less", [False, False]),
        ("LessOrEqual", [False, True]),
    ],
)
def test_comparisons_of_known_sizes_are_truths(op, wanted):
    found = of_sizes(op, Dims.vector([5, 3]), np.asarray([3, 3]))
    assert (found.dtype, found.tolist()) == (bool, wanted)


def test_no_size_is_below_zero():
    """As exporters ask whether a size is -1."""
    for pair in (
        (Dims.vector([N, 2]), np.asarray([-1, 2])),
        (np.asarray([-1, 2]), Dims.vector([N, 2])),
    ):
        assert of_sizes("Equal", *pair).tolist() == [False, True]


@pytest.mark.parametrize(
    ("op", "a", "b"),
    [
        ("Equal", Dims.vector([N]), np.asarray([6])),
        ("Less", Dims.vector([N]), np.asarray([6])),
        ("Pow", Dims.vector([2]), np.asarray([2])),
        ("Add", np.asarray([1]), np.asarray([2])),
        ("Add", Dims.vector([N]), np.asarray([0.5], np.float32)),
        ("Add", Dims.vector([N]), np.asarray([[1]])),
        ("Add", Dims.vector([N]), value(np.asarray([1]))),
    ],
    ids=["equality", "order", "power", "no size", "a float", "a matrix", "a tensor"],
)
def test_what_is_left_to_tensors(op, a, b):
    assert of_sizes(op, a, b) is None


def test_one_number_and_many():
    assert entries(of_sizes("Add", Dims(N), np.asarray([1, 2]))) == [7, 8]
    assert of_sizes("Add", Dims(3), np.asarray(4)).known() == 7


def test_entries():
    assert entries_of(np.asarray([1, 2])).tolist() == [1, 2]
    assert entries_of(Dims(5)).tolist() == 5
    for other in (np.asarray([1.0]), np.zeros((1, 1), int), value(X), None):
        assert entries_of(other) is None


IN_ORDER = [(0, 1, 2), (2, 0, 1), (1, 2, 0)]


def standing(shape, order):
    """A tensor of a shape whose axes stand in an order."""
    x = floats(*shape)
    axes = tuple(list(order).index(k) for k in range(len(order)))
    return x, Value(tf.constant(x.transpose(order)), axes)


@pytest.mark.parametrize("left", IN_ORDER)
@pytest.mark.parametrize("right", IN_ORDER)
@pytest.mark.parametrize(
    "shapes", [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (1, 3, 1)), ((1, 3, 4), (2, 1, 4))]
)
def test_two_orders(left, right, shapes):
    (x, a), (y, b) = standing(shapes[0], left), standing(shapes[1], right)
    np.testing.assert_allclose(as_tensor(broadcast(tf.subtract, a, b)), x - y, rtol=1e-6)


@pytest.mark.parametrize("order", IN_ORDER[1:])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (2, 1, 1), (2, 3, 4), (1, 1, 1)])
def test_numbers_are_laid_out_beside_a_tensor(order, shape):
    """The tensor stays as it stands."""
    x, a = standing((2, 3, 4), order)
    numbers = floats(*shape)
    for found, wanted in (
        (broadcast(tf.subtract, a, numbers), x - numbers),
        (broadcast(tf.subtract, numbers, a), numbers - x),
    ):
        assert found.axes == a.axes
        np.testing.assert_allclose(as_tensor(found), wanted, rtol=1e-6)


def test_growth_along_a_new_axis_takes_the_plain_order():
    x = floats(2, 4)
    new = Value(tf.constant(x), (0, None, 1))
    for numbers in (floats(3, 1), floats(2, 3, 4)):
        found = broadcast(tf.add, new, numbers)
        assert found.is_plain
        np.testing.assert_allclose(as_tensor(found), x[:, None] + numbers, rtol=1e-6)


def test_a_tensor_of_lower_rank_is_laid_out_too():
    x, a = standing((2, 3, 4), (0, 2, 1))
    y = floats(3, 1)
    found = broadcast(tf.multiply, a, value(y))
    assert found.axes == a.axes
    np.testing.assert_allclose(as_tensor(found), x * y, rtol=1e-6)
