"""Slices against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, check_model, floats, model, node
from onnx_rules import arrays, called, check_forms, forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Dims, Value

X = floats(4, 6, 5)
LAST = np.iinfo(np.int64).max


def part(starts, ends, axes, steps=None):
    more = [] if steps is None else [np.asarray(steps)]
    return case("Slice", X, np.asarray(starts), np.asarray(ends), np.asarray(axes), *more)


CASES = [
    part([1], [3], [0]),
    part([-2], [LAST], [1]),
    part([0], [-1], [-1]),
    part([1, 0], [100, -2], [0, 2]),
    part([5], [1], [1], [-2]),
    part([-1], [-LAST], [1], [-1]),
    part([0], [LAST], [2], [2]),
    part([3], [2], [0]),
]


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    check(*CASES, case("Slice", X, np.asarray([1, 2]), np.asarray([3, 4])), free=free)


def test_of_older_operator_sets():
    check(case("Slice", X, starts=[1], ends=[-1], axes=[1]), opset=9)


def test_ends_that_follow_from_a_size():
    nodes = [
        node("Shape", "z", outputs=["s"], start=0, end=1),
        node("Slice", "x", "zero", "s", "zero"),
    ]
    data = {"x": X, "z": floats(3, 2)}
    proto = model(nodes, data, {"zero": np.asarray([0])}, free=("x", "z"))
    check_model(proto, data, free=("x", "z"))


def stated(size, start, end, step):
    """The rows that the standard states: where a slice begins and ends is clamped first."""
    start, end = (n + size if n < 0 else n for n in (start, end))
    if step > 0:
        first, last = np.clip([start, end], 0, size)
    else:
        first, last = np.clip(start, 0, size - 1), np.clip(end, -1, size - 1)
    return list(range(int(first), int(last), step))


@pytest.mark.parametrize("step", [1, 2, -1, -2, -3])
def test_every_begin_and_end(step):
    """Also far outside, where Python's own slices differ for a step backward."""
    x = np.arange(5)
    places = [*range(-7, 8), 100, -100]
    for start in places:
        for end in places:
            given = [np.asarray([n]) for n in (start, end, 0, step)]
            (found,) = arrays(called("Slice", value(x), *given))
            assert found.tolist() == stated(5, start, end, step), (start, end)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [(0, -LAST, [0]), (-LAST, -LAST, [0]), (LAST, -LAST, [4, 3, 2, 1, 0]), (2, -LAST, [2, 1, 0])],
)
def test_backward_to_the_first_row(start, end, wanted):
    given = [np.asarray([n]) for n in (start, end, 0, -1)]
    (found,) = arrays(called("Slice", value(np.arange(5)), *given))
    assert found.tolist() == wanted


@pytest.mark.parametrize(
    ("start", "end", "step", "wanted"),
    [
        (0, 2, 1, [7, 8]),
        (-2, LAST, 1, [8, 9]),
        (0, LAST, 2, [7, 9]),
        (-1, -LAST, -1, [9, 8, 7]),
        (0, -LAST, -1, [7]),
        (5, LAST, 1, []),
    ],
)
def test_of_sizes(start, end, step, wanted):
    given = [np.asarray([n]) for n in (start, end, 0, step)]
    (found,) = called("Slice", Dims.vector([7, 8, 9]), *given)
    assert found.flat() == wanted


def test_a_size_that_is_computed_stays_itself():
    size = tf.constant(3)
    (found,) = called("Slice", Dims.vector([size, 8]), *map(np.asarray, ([0], [1], [0])))
    assert found.flat()[0] is size


def test_orders_of_axes():
    one = floats(4, 1, 5)
    for begin, end, axis, step in (([1], [3], [0], [1]), ([-1], [-LAST], [2], [-1])):
        check_forms("Slice", one, *map(np.asarray, (begin, end, axis, step)))
    check_forms("Slice", one, *map(np.asarray, ([0, 1], [1, 4], [1, -1])))
    check_forms("Slice", one, starts=[1, 0], ends=[3, 2], opset=9)


def test_nothing_of_a_new_axis_is_refused():
    new = forms(floats(4, 1, 5))[-1]
    text = "has a slice of an axis of one that holds nothing; expected one element"
    with pytest.raises(UnsupportedError, match=text):
        called("Slice", new, *map(np.asarray, ([1], [2], [1])))


def test_ends_of_an_unknown_number_are_refused():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
    def call(ends):
        made = called("Slice", value(X), np.asarray([0]), Value.of(ends), np.asarray([0]))
        return made[0].base

    with pytest.raises(UnsupportedError, match="has ends of an unknown number; expected ends of"):
        call.get_concrete_function()


def test_begins_and_ends_that_are_computed():
    given = [value(np.asarray(n)) for n in ([1, 0], [3, 2])]
    (found,) = arrays(called("Slice", value(X), *given, np.asarray([1, 2])))
    np.testing.assert_array_equal(found, X[:, 1:3, :2])
