"""Ops that cut or put together along an axis: sizes, numbers and demands, beside TensorFlow."""

import pytest
from rules import T, case, check, numbers, ones, t, told, u

from rnnlite.lengths.sizes import ceil_div, floor_div, maximum, minimum
from rnnlite.lengths.values import evaluate, is_known

X = ones(2, t, 6)
HALF = floor_div(t, 2)

SLICED = {
    "begin_mask": 0,
    "end_mask": 0,
    "ellipsis_mask": 0,
    "new_axis_mask": 0,
    "shrink_axis_mask": 0,
}


def sliced(begin, end, strides, result, *, of=X, demands=(), refused=(), lengths=None, **masks):
    inputs = [of, numbers(begin), numbers(end), numbers(strides)]
    return case(
        "StridedSlice",
        inputs,
        result,
        demands=demands,
        refused=refused,
        lengths=lengths,
        **{**SLICED, **masks},
    )


SLICES = [
    # x[:, 2:]: not less than nothing.
    sliced([0, 2], [0, 0], [1, 1], (2, maximum(t, 2) - 2, 6), begin_mask=1, end_mask=3),
    # x[:, :-1]: axes are at least 1.
    sliced([0, 0], [0, -1], [1, 1], (2, t - 1, 6), begin_mask=3, end_mask=1),
    sliced([0, 0], [0, 0], [1, 3], (2, ceil_div(t, 3), 6), begin_mask=3, end_mask=3),
    sliced([0, 0], [0, 0], [1, -2], (2, ceil_div(t, 2), 6), begin_mask=3, end_mask=3),
    # x[:, t - 3 : t] by a computed place.
    sliced([0, t - 3], [0, t], [1, 1], (2, 3, 6), begin_mask=1, end_mask=1),
    sliced(
        [0, 0], [0, HALF], [1, 1], (2, maximum(minimum(HALF, t), 0), 6), begin_mask=3, end_mask=1
    ),
    # One place.
    sliced(
        [0, 9],
        [0, 10],
        [1, 1],
        (2, 6),
        begin_mask=1,
        end_mask=1,
        shrink_axis_mask=2,
        demands=[("least", t, 10)],
        refused=[9],
    ),
    sliced(
        [0, -9],
        [0, -8],
        [1, 1],
        (2, 6),
        begin_mask=1,
        end_mask=1,
        shrink_axis_mask=2,
        demands=[("least", t, 9)],
        refused=[8],
    ),
    # x[..., 0], x[:, None], x[..., None, 1:3].
    sliced([0, 0], [0, 1], [1, 1], (2, t), ellipsis_mask=1, shrink_axis_mask=2),
    sliced([0, 0], [0, 1], [1, 1], (2, 1, t, 6), begin_mask=1, end_mask=1, new_axis_mask=2),
    sliced([0, 0, 1], [0, 0, 3], [1, 1, 1], (2, t, 1, 2), ellipsis_mask=1, new_axis_mask=2),
    # Shapes are sliced as often as tensors.
    sliced([1], [2], [1], numbers(t), of=numbers([2, t, 6]), shrink_axis_mask=1),
    sliced([1], [0], [1], numbers([t, 6]), of=numbers([2, t, 6]), end_mask=1),
    sliced([0], [0], [-1], numbers([6, t, 2]), of=numbers([2, t, 6]), begin_mask=1, end_mask=1),
    sliced([4], [1], [-1], (3,), of=ones(6)),
]

CUTS = [
    case(
        "Slice",
        [X, numbers([0, 2, 0]), numbers([2, 4, -1])],
        (2, 4, 6),
        demands=[("least", t, 6)],
        refused=[5],
    ),
    case("Slice", [X, numbers([0, 2, 1]), numbers([-1, -1, 3])], (2, t - 2, 3)),
    case("Slice", [numbers([2, t, 6]), numbers([1]), numbers([2])], numbers([t, 6])),
    case("Slice", [numbers([2, t, 6]), numbers([1]), numbers([-1])], numbers([t, 6])),
]

PADS = [
    case("Pad", [X, numbers([[0, 0], [3, 1], [0, 2]])], (2, t + 4, 8)),
    case("PadV2", [X, numbers([[0, 0], [u, 0], [0, 0]]), ones()], (2, t + u, 6)),
    case(
        "MirrorPad",
        [X, numbers([[0, 0], [4, 2], [0, 0]])],
        (2, t + 6, 6),
        mode="REFLECT",
        demands=[("least", t, 5), ("least", t, 3)],
        refused=[4],
    ),
    case(
        "MirrorPad",
        [X, numbers([[0, 0], [4, 0], [0, 0]])],
        (2, t + 4, 6),
        mode="SYMMETRIC",
        demands=[("least", t, 4)],
        refused=[3],
    ),
]

JOINS = [
    case("ConcatV2", [X, ones(2, u, 6), numbers(1)], (2, t + u, 6), N=2),
    case("ConcatV2", [X, ones(2, 3, 6), numbers(-2)], (2, t + 3, 6), N=2),
    case(
        "ConcatV2",
        [X, ones(2, u, 1), numbers(2)],
        (2, t, 7),
        N=2,
        demands=[("equal", t, u)],
        refused=[(12, 13)],
    ),
    case(
        "ConcatV2",
        [X, ones(2, 12, 1), numbers(2)],
        (2, 12, 7),
        N=2,
        demands=[("equal", t, 12)],
        lengths=[12],
        refused=[13],
    ),
    case("ConcatV2", [numbers([2]), numbers([t, 6]), numbers(0)], numbers([2, t, 6]), N=2),
    case("Concat", [numbers(1), X, ones(2, u, 6)], (2, t + u, 6), N=2),
    case("Pack", [X, X, X], (2, 3, t, 6), axis=1),
    case("Pack", [X, X], (2, t, 6, 2), axis=-1),
    case(
        "Pack",
        [ones(t), ones(u)],
        (2, t),
        axis=0,
        demands=[("equal", t, u)],
        refused=[(12, 13)],
    ),
    case("Pack", [numbers(2), numbers(t), numbers(-1)], numbers([2, t, -1]), axis=0),
    case("Unpack", [X], (t, 6), (t, 6), axis=0, num=2),
    case("Unpack", [ones(t, 3)], (t,), (t,), (t,), axis=-1, num=3),
    case(
        "Unpack",
        [ones(t, 3)],
        (3,),
        (3,),
        axis=0,
        num=2,
        demands=[("equal", t, 2)],
        lengths=[2],
        refused=[3],
    ),
    case("Unpack", [numbers([2, t])], numbers(2), numbers(t), axis=0, num=2),
    case("Split", [numbers(2), X], (2, t, 2), (2, t, 2), (2, t, 2), num_split=3),
    case(
        "Split",
        [numbers(1), X],
        (2, floor_div(t, 2), 6),
        (2, floor_div(t, 2), 6),
        num_split=2,
        demands=[("multiple", t, 2)],
        refused=[13],
    ),
    case("Split", [numbers(0), numbers([2, t])], numbers([2]), numbers([t]), num_split=2),
    case("SplitV", [X, numbers([1, 5]), numbers(2)], (2, t, 1), (2, t, 5), num_split=2),
    case("SplitV", [X, numbers([3, -1]), numbers(1)], (2, 3, 6), (2, t - 3, 6), num_split=2),
    case(
        "SplitV",
        [X, numbers([4, 8]), numbers(1)],
        (2, 4, 6),
        (2, 8, 6),
        num_split=2,
        demands=[("equal", t - 12, 0)],
        lengths=[12],
        refused=[13],
    ),
    case(
        "SplitV",
        [numbers([2, t, 6]), numbers([1, -1]), numbers(0)],
        numbers([2]),
        numbers([t, 6]),
        num_split=2,
    ),
]

CASES = [*SLICES, *CUTS, *PADS, *JOINS]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_as_tensorflow_has_it(one):
    check(one)


def test_a_slice_between_places_backwards_is_unknown():
    (fact,), _ = told(sliced([0, 5], [0, 2], [1, -1], (), begin_mask=1, end_mask=1))
    assert (fact.sizes[0], is_known(fact.sizes[1]), fact.sizes[2]) == (2, False, 6)


def test_a_slice_of_many_numbers_keeps_sizes_alone():
    (fact,), _ = told(sliced([0], [70], [1], (), of=ones(80)))
    assert (fact.sizes, fact.content) == ((70,), None)


@pytest.mark.parametrize("begin", [None, 0, 3, -2, -9])
@pytest.mark.parametrize("end", [None, 2, 7, -1, -4])
@pytest.mark.parametrize("step", [1, 2, 5])
def test_slices_are_as_long_as_pythons(begin, end, step):
    masks = {"begin_mask": int(begin is None), "end_mask": int(end is None)}
    (fact,), _ = told(sliced([begin or 0], [end or 0], [step], (), of=ones(t), **masks))
    for n in range(1, 15):
        assert evaluate(fact.sizes[0], {T: n}) == len(range(n)[begin:end:step])
