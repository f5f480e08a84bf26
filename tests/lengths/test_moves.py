"""Ops that change no more than the form: sizes, numbers and demands, beside TensorFlow."""

import pytest
from rules import T, U, case, check, numbers, ones, t, told, u

from rnnlite.lengths.facts import Untold
from rnnlite.lengths.moves import product
from rnnlite.lengths.sizes import floor_div
from rnnlite.lengths.values import evaluate, is_known

X = ones(2, t, 6)

RESHAPES = [
    case("Reshape", [X, numbers([2, -1])], (2, 6 * t)),
    case("Reshape", [X, numbers([-1, 6])], (2 * t, 6)),
    case("Reshape", [X, numbers([-1])], (12 * t,)),
    case("Reshape", [X, numbers([2, t, 3, 2])], (2, t, 3, 2)),
    case("Reshape", [X, numbers([2 * t, -1])], (2 * t, 6)),
    case(
        "Reshape",
        [X, numbers([-1, 4])],
        (3 * t, 4),
    ),
    case(
        "Reshape",
        [X, numbers([-1, 36])],
        (floor_div(t, 3), 36),
        demands=[("multiple", 12 * t, 36)],
        refused=[8],
    ),
    case(
        "Reshape",
        [X, numbers([2, 12, 6])],
        (2, 12, 6),
        demands=[("equal", 12 * t, 144)],
        lengths=[12],
        refused=[13],
    ),
    case(
        "Reshape",
        [X, numbers([2, u, 6])],
        (2, u, 6),
        # What both have in common falls away.
        demands=[("equal", 12 * t, 12 * u)],
        refused=[(12, 13)],
    ),
    # The numbers themselves go along.
    case("Reshape", [numbers([2, t, 3, 4]), numbers([2, 2])], numbers([[2, t], [3, 4]])),
    case("Reshape", [numbers([t]), numbers([])], numbers(t)),
]

AXES = [
    case("ExpandDims", [X, numbers(0)], (1, 2, t, 6)),
    case("ExpandDims", [X, numbers(-1)], (2, t, 6, 1)),
    case("ExpandDims", [X, numbers(-2)], (2, t, 1, 6)),
    case("ExpandDims", [numbers(t), numbers(0)], numbers([t])),
    case("Squeeze", [ones(1, t, 1)], (t,), squeeze_dims=[0, 2]),
    case("Squeeze", [ones(1, t, 1)], (1, t), squeeze_dims=[-1]),
    case("Squeeze", [ones(1, 4, 1)], (4,), squeeze_dims=[]),
    case(
        "Squeeze",
        [ones(t, 3)],
        (3,),
        squeeze_dims=[0],
        demands=[("equal", t, 1)],
        lengths=[1],
        refused=[2],
    ),
    case("Squeeze", [numbers([[t, 5]])], numbers([t, 5]), squeeze_dims=[0]),
    case("Transpose", [X, numbers([1, 2, 0])], (t, 6, 2)),
    case("Transpose", [numbers([[1, t], [3, 4]]), numbers([1, 0])], numbers([[1, 3], [t, 4]])),
]

SPREADS = [
    case("Tile", [X, numbers([1, 3, 2])], (2, 3 * t, 12)),
    case("Tile", [X, numbers([1, u, 1])], (2, t * u, 6)),
    case("Tile", [numbers([t, 2]), numbers([2])], numbers([t, 2, t, 2])),
    case("Fill", [numbers([2, t]), ones()], (2, t)),
    case("Fill", [numbers([3]), numbers(t)], numbers([t, t, t])),
    case("Fill", [numbers([65]), numbers(1)], (65,)),
    case("BroadcastTo", [ones(2, 1, 6), numbers([2, t, 6])], (2, t, 6)),
]

CASES = [*RESHAPES, *AXES, *SPREADS]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_as_tensorflow_has_it(one):
    check(one)


UNTOLD = {
    "which axes of a free shape are 1": case("Squeeze", [ones(t, 1)], squeeze_dims=[]),
    "a reshape to numbers that are not known": case("Reshape", [X, ones(2, dtype="int32")]),
    "an order that is not known": case("Transpose", [X, ones(3, dtype="int32")]),
}


@pytest.mark.parametrize("one", UNTOLD.values(), ids=UNTOLD)
def test_what_a_rule_cannot_tell(one):
    with pytest.raises(Untold):
        told(one)


def test_a_reshape_of_an_unknown_rank_has_the_known_sizes():
    class Nothing:
        fact = type(X.fact)(None)

    (fact,), demands = told(case("Reshape", [Nothing, numbers([4, -1, 2])]))
    assert (fact.sizes[0], is_known(fact.sizes[1]), fact.sizes[2]) == (4, False, 2)
    assert demands == []


def test_of_two_free_axes_the_last_is_meant_to_be_taken_in():
    """(batch, width, height, 3) -> (batch, -1, 12) is made for a height of 4."""
    _, demands = told(case("Reshape", [ones(1, t, u, 3), numbers([1, -1, 12])]))
    assert [(r.kind, r.left, r.right) for r in demands] == [
        ("multiple", 3 * t * u, 12),
        ("meant", 3 * u, 12),
    ]


def test_product():
    assert product([]) == 1
    assert product([2, t, u]) == 2 * t * u
    assert evaluate(product([2, t, u]), {T: 3, U: 5}) == 30
