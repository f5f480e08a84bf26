"""Shapes that are computed, read as far as they are known."""

from graphs import INT32, Model, dense, free, integers, made
from rnnlite.lite.sizes import Size, Sizes


def test_the_shapes_of_a_dense_layer_with_one_free_axis():
    model = Model()
    x = free(model.main, [1, -1, 6])
    flat, result = dense(model.main, x)
    sizes = Sizes()
    assert sizes.of(flat) == [Size.of(x, 1), 6]
    assert sizes.of(result) == [1, Size.of(x, 1), 7]


def test_of_two_free_axes_the_product_is_not_known():
    model = Model()
    x = free(model.main, [-1, -1, 6])
    flat, result = dense(model.main, x)
    sizes = Sizes()
    rows, width = sizes.of(flat)
    assert rows.value is None
    assert width == 6
    assert sizes.of(result) == [Size.of(x, 0), Size.of(x, 1), 7]


def test_slices_and_products():
    model = Model()
    graph = model.main
    x = free(graph, [4, -1, 6])
    shape = made(graph, "SHAPE", [x], [3], "ShapeOptions", outType=INT32)
    ends = [integers(graph, [v]) for v in (1, 3, 1)]
    part = made(graph, "STRIDED_SLICE", [shape, *ends], [2], "StridedSliceOptions")
    one = made(graph, "STRIDED_SLICE", [shape, *ends], [], "StridedSliceOptions", shrinkAxisMask=1)
    head = made(graph, "STRIDED_SLICE", [shape, *ends], [2], "StridedSliceOptions", beginMask=1)
    twice = made(graph, "MUL", [shape, integers(graph, [2])], [3], "MulOptions")
    sizes = Sizes()
    assert sizes.of(part) == [Size.of(x, 1), 6]
    assert sizes.of(one) == [Size.of(x, 1)]
    assert sizes.of(head) == [4, Size.of(x, 1), 6]
    first, second, third = sizes.of(twice)
    assert (first, third) == (8, 12)
    assert second not in (Size.of(x, 1), 2)


def test_what_is_not_followed_differs_from_all_else():
    model = Model()
    a = model.main.tensor([2], "int32")
    b = made(model.main, "SUB", [a, a], [2], "SubOptions")
    first, second = Sizes().of(b)
    assert first != second
    assert Sizes().of(a) is None
