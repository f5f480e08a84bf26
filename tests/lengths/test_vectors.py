"""Ops that shapes are computed with: their numbers, beside what TensorFlow gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import FakeOp, T, U, case, check, numbers, ones, t, told, u

from rnnlite.lengths.facts import RULES, Demands, Fact, Node, Untold, vector, with_content
from rnnlite.lengths.sizes import ceil_div, floor_div, maximum, minimum
from rnnlite.lengths.values import evaluate, is_known
from rnnlite.lengths.vectors import NUMBERS

X = ones(2, t, 6)

CASES = [
    case("Identity", [X], (2, t, 6)),
    case("Identity", [numbers([2, t])], numbers([2, t])),
    case("Shape", [X], numbers([2, t, 6])),
    case("ShapeN", [X, ones(u)], numbers([2, t, 6]), numbers([u]), N=2),
    case("Size", [X], numbers(12 * t)),
    case("Size", [ones(t, u)], numbers(t * u)),
    case("Rank", [X], numbers(3)),
    case("Range", [numbers(1), numbers(7), numbers(2)], numbers([1, 3, 5])),
    case("Range", [numbers(5), numbers(0), numbers(-2)], numbers([5, 3, 1])),
    case("Range", [numbers(0), numbers(t), numbers(1)], (t,)),
    case("Range", [numbers(2), numbers(t), numbers(3)], (maximum(ceil_div(t - 2, 3), 0),)),
    case("Range", [numbers(t - 1), numbers(-1), numbers(-1)], (t,)),
    case("Prod", [numbers([2, t, 3]), numbers([0])], numbers(6 * t), keep_dims=False),
    case("Prod", [numbers(t), numbers([])], numbers(t), keep_dims=False),
    case("Prod", [X, numbers([1])], (2, 6), keep_dims=False),
    case("Prod", [X, numbers([-1])], (2, t, 1), keep_dims=True),
    case("AddV2", [numbers([2, t]), numbers([u, 1])], numbers([2 + u, t + 1])),
    case("AddV2", [numbers([2, t]), numbers(3)], numbers([5, t + 3])),
    case("AddV2", [X, ones(6)], (2, t, 6)),
    case("AddV2", [X, ones(2, u, 1)], (2, t, 6), demands=[("equal", t, u)], refused=[(12, 13)]),
    case("Sub", [numbers(t), numbers(4)], numbers(t - 4)),
    case("Mul", [numbers([t, 2]), numbers([3, u])], numbers([3 * t, 2 * u])),
    case("FloorDiv", [numbers(t), numbers(4)], numbers(floor_div(t, 4)), lengths=[12, 13, 15]),
    case("FloorMod", [numbers(t), numbers(5)], numbers(t - 5 * floor_div(t, 5)), lengths=[12, 15]),
    case("Maximum", [numbers(t), numbers(20)], numbers(maximum(t, 20)), lengths=[12, 24]),
    case("Minimum", [numbers(t), numbers(20)], numbers(minimum(t, 20)), lengths=[12, 24]),
    case("Neg", [numbers([[t, 2]])], numbers([[-t, -2]])),
    case("Neg", [X], (2, t, 6)),
    case("BroadcastArgs", [numbers([2, 1, 6]), numbers([t, 1])], numbers([2, t, 6])),
    case("InvertPermutation", [numbers([2, 0, 1])], numbers([1, 2, 0])),
    case("ListDiff", [numbers([3, 1, 4, 1, 5]), numbers([1, 5])], numbers([3, 4]), numbers([0, 2])),
]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_as_tensorflow_has_it(one):
    check(one)


@pytest.mark.parametrize(
    "one",
    [
        case("Range", [numbers(0), numbers(9), numbers(t)]),
        case("Range", [numbers(0), numbers(9), numbers(0)]),
        case("Prod", [numbers([[t, 2]]), numbers([0])], keep_dims=False),
        case("BroadcastArgs", [numbers([2]), ones(2, dtype="int32")]),
        case("InvertPermutation", [numbers([t, 0])]),
    ],
    ids=["a free step", "no step", "one axis of two", "numbers not known", "a free order"],
)
def test_what_a_rule_cannot_tell(one):
    with pytest.raises(Untold):
        told(one)


def test_floats_are_not_followed():
    """A length that goes through floats is rounded somehow: nothing is said of it."""
    for whole, expected in ((True, [t, 2]), (False, None)):
        dtype = type("DType", (), {"is_integer": whole})
        output = type("Output", (), {"dtype": dtype})
        given = Node(FakeOp("Cast", {}, [output]), [with_content(vector([t, 2]))], Demands())
        (fact,) = RULES["Cast"].sizes(given)
        assert fact.sizes == (2,)
        assert (None if fact.content is None else list(fact.content)) == expected


def test_identity_n_hands_on_what_it_is_given():
    given = [Fact((t,)), with_content(vector([t]))]
    assert RULES["IdentityN"].sizes(Node(FakeOp("IdentityN", {}), given, Demands())) == given


def test_how_many_places_are_true_is_unknown():
    (fact,), _ = told(case("Where", [ones(t, 3, dtype="bool")]))
    assert [is_known(s) for s in fact.sizes] == [False, True]
    assert fact.sizes[1] == 2


def test_many_numbers_keep_their_sizes_alone():
    long = numbers([1] * 64)
    (fact,), _ = told(case("AddV2", [long, numbers([[1], [2]])]))
    assert (fact.sizes, fact.content) == ((2, 64), None)


WHOLE = {
    "Add": lambda a, b: a + b,
    "AddV2": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "FloorDiv": lambda a, b: a // b,
    "FloorMod": lambda a, b: a % b,
    "Mod": lambda a, b: a % b,
    "Maximum": max,
    "Minimum": min,
}


@pytest.mark.parametrize("name", NUMBERS)
@settings(max_examples=30, deadline=None)
@given(
    factor=st.integers(-4, 4),
    constant=st.integers(-9, 9),
    by=st.integers(1, 7),
    n=st.integers(1, 50),
)
def test_arithmetic_is_that_of_numbers(name, factor, constant, by, n):
    size = factor * t + constant
    found = evaluate(NUMBERS[name](size, by), {T: n})
    assert found == WHOLE[name](factor * n + constant, by)


@settings(max_examples=30, deadline=None)
@given(start=st.integers(-5, 5), step=st.integers(-4, 4).filter(bool), n=st.integers(1, 30))
def test_ranges_are_as_long_as_numpys(start, step, n):
    """From a number to a free one, and from a free one to a number."""
    for first, last in ((start, t), (t, start)):
        (fact,), _ = told(case("Range", [numbers(first), numbers(last), numbers(step)]))
        ends = [evaluate(x, {T: n, U: 1}) for x in (first, last)]
        assert evaluate(fact.sizes[0], {T: n}) == len(np.arange(*ends, step))
