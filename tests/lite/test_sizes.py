"""Shapes that are computed, read as far as they are known."""

from graphs import INT32, Model, dense, free, integers, made
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.values import axes_of, evaluate
from rnnlite.lite.sizes import Sizes


def test_the_shapes_of_a_dense_layer_with_one_free_axis():
    model = Model()
    x = free(model.main, [1, -1, 6])
    flat, result = dense(model.main, x)
    sizes = Sizes()
    assert sizes.of(flat) == [sizes.size(x, 1), 6]
    assert sizes.of(result) == [1, sizes.size(x, 1), 7]


def test_of_two_free_axes_the_product_is_one():
    model = Model()
    x = free(model.main, [-1, -1, 6])
    flat, result = dense(model.main, x)
    sizes = Sizes()
    rows, width = sizes.of(flat)
    assert rows == sizes.size(x, 0) * sizes.size(x, 1)
    assert width == 6
    assert sizes.of(result) == [sizes.size(x, 0), sizes.size(x, 1), 7]


def test_slices_and_products():
    model = Model()
    graph = model.main
    x = free(graph, [4, -1, 6])
    shape = made(graph, "SHAPE", [x], [3], "ShapeOptions", outType=INT32)
    ends = [integers(graph, [v]) for v in (1, 3, 1)]
    part = made(graph, "STRIDED_SLICE", [shape, *ends], [2], "StridedSliceOptions")
    one = made(graph, "STRIDED_SLICE", [shape, *ends], [], "StridedSliceOptions", shrinkAxisMask=1)
    head = made(graph, "STRIDED_SLICE", [shape, *ends], [3], "StridedSliceOptions", beginMask=1)
    twice = made(graph, "MUL", [shape, integers(graph, [2])], [3], "MulOptions")
    sizes = Sizes()
    assert sizes.of(part) == [sizes.size(x, 1), 6]
    assert sizes.of(one) == [sizes.size(x, 1)]
    assert sizes.of(head) == [4, sizes.size(x, 1), 6]
    first, second, third = sizes.of(twice)
    assert (first, third) == (8, 12)
    assert second == sizes.size(x, 1) * 2
    assert sizes.owner(next(iter(axes_of(second)))) is x


def test_what_is_not_followed_differs_from_all_else():
    model = Model()
    a = model.main.tensor([2], "int32")
    b = made(model.main, "DIV", [a, a], [2], "DivOptions")
    first, second = Sizes().of(b)
    assert first != second
    assert Sizes().of(a) is None


def test_sums_that_cancel_are_numbers():
    """T rounded up to a multiple of 2, and what that adds taken off again."""
    model = Model()
    graph = model.main
    shape = made(graph, "SHAPE", [free(graph, [-1])], [1], "ShapeOptions", outType=INT32)
    two = integers(graph, [2])
    rest = made(graph, "FLOOR_MOD", [shape, two], [1], "FloorModOptions")
    more = made(graph, "SUB", [two, rest], [1], "SubOptions")
    padded = made(graph, "ADD", [shape, more], [1], "AddOptions")
    cropped = made(graph, "SUB", [padded, more], [1], "SubOptions")
    gone = made(graph, "SUB", [cropped, shape], [1], "SubOptions")
    sizes = Sizes()
    assert sizes.of(gone) == [0]
    assert evaluate(sizes.of(padded)[0], {Axis(0, 0): 7}) == 8
