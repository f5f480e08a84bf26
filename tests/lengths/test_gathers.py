"""Ops that take by index, or lay blocks anew: sizes, numbers and demands, beside TensorFlow."""

import pytest
from rules import case, check, numbers, ones, t, told, u

from rnnlite.lengths.facts import Untold
from rnnlite.lengths.sizes import ceil_div, floor_div

X = ones(2, t, 6)

INDEXED = [
    case("GatherV2", [X, numbers([0, 2, 1]), numbers(1)], (2, 3, 6), batch_dims=0),
    case("GatherV2", [X, numbers([[0], [2]]), numbers(-1)], (2, t, 2, 1), batch_dims=0),
    case("GatherV2", [X, ones(2, u, dtype="int32"), numbers(1)], (2, u, 6), batch_dims=1),
    case(
        "GatherV2", [numbers([2, t, 6]), numbers([1, 0]), numbers(0)], numbers([t, 2]), batch_dims=0
    ),
    case("GatherV2", [numbers([2, t, 6]), numbers(1), numbers(0)], numbers(t), batch_dims=0),
    case("Gather", [X, ones(u, dtype="int32")], (u, t, 6)),
    case("GatherNd", [X, ones(u, 2, dtype="int32")], (u, 6)),
    case("GatherNd", [X, ones(4, u, 1, dtype="int32")], (4, u, t, 6)),
    case("ScatterNd", [ones(3, 1, dtype="int32"), ones(3, 6), numbers([t, 6])], (t, 6)),
    case("OneHot", [ones(2, t, dtype="int32"), numbers(9), ones(), ones()], (2, t, 9), axis=-1),
    case("OneHot", [ones(t, dtype="int32"), numbers(9), ones(), ones()], (9, t), axis=0),
]

BLOCKS = [
    case(
        "SpaceToBatchND",
        [X, numbers([4]), numbers([[0, 0]])],
        (8, floor_div(t, 4), 6),
        demands=[("multiple", t, 4)],
        refused=[13],
    ),
    # Padded to whole blocks, as a dilated convolution has it: nothing is left to demand.
    case(
        "SpaceToBatchND",
        [X, numbers([4]), numbers([[0, -t - 4 * floor_div(-t, 4)]])],
        (8, ceil_div(t, 4), 6),
        lengths=[12, 13, 15],
    ),
    case(
        "BatchToSpaceND",
        [ones(8, t, 6), numbers([4]), numbers([[1, 2]])],
        (2, 4 * t - 3, 6),
    ),
    case(
        "SpaceToDepth",
        [ones(1, t, 8, 3)],
        (1, floor_div(t, 2), 4, 12),
        block_size=2,
        data_format="NHWC",
        demands=[("multiple", t, 2)],
        refused=[13],
    ),
    case(
        "DepthToSpace",
        [ones(1, t, 8, 12)],
        (1, 2 * t, 16, 3),
        block_size=2,
        data_format="NHWC",
    ),
]

CASES = [*INDEXED, *BLOCKS]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_as_tensorflow_has_it(one):
    check(one)


UNTOLD = {
    "a batch that blocks do not divide": case(
        "BatchToSpaceND", [ones(t, 4, 6), numbers([4]), numbers([[0, 0]])]
    ),
    "another layout": case("SpaceToDepth", [ones(1, 3, t, 8)], block_size=2, data_format="NCHW"),
    "how deep indexes reach": case("GatherNd", [X, ones(2, u, dtype="int32")]),
}


@pytest.mark.parametrize("one", UNTOLD.values(), ids=UNTOLD)
def test_what_a_rule_cannot_tell(one):
    with pytest.raises(Untold):
        told(one)
