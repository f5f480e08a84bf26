"""Lengths to compare at: which steps recurrences take there, whatever stands in front of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.lengths.compared import (
    MOST,
    PAST_A_THRESHOLD,
    WANTED,
    compared,
    longer,
    shown,
    unequal,
)
from rnnlite.lengths.facts import Requirement
from rnnlite.lengths.lengths import Lengths, Steps
from rnnlite.lengths.sizes import Axis, ceil_div, floor_div, free, unknown
from rnnlite.lengths.values import evaluate

T, U = Axis(0, 1), Axis(1, 1)
t, u = free(T), free(U)

PACES = {
    "as long": t,
    "less a window": t - 4,
    "every third": floor_div(t, 3),
    "every third, rounded up": ceil_div(t, 3),
    "a window of 5 each 2": floor_div(t - 3, 2),
    "twice": 2 * t,
    "behind two strides": floor_div(floor_div(t - 1, 2), 2),
}


def lengths_of(*paces, axes=(T,), thresholds=(), more=()):
    requirements = [Requirement("least", p, 1, "op") for p in paces]
    steps = tuple(Steps(p, 4, thresholds) for p in paces)
    return Lengths(axes, steps, (*requirements, *more))


def reachable(pace, steps):
    return any(evaluate(pace, {T: n}) == steps for n in range(1, 200))


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
def test_recurrences_take_the_wanted_steps(pace):
    taken = [evaluate(pace, v) for v in compared(lengths_of(pace))]
    for wanted in WANTED:
        # One that steps over it takes the next that there is.
        assert (wanted if reachable(pace, wanted) else wanted + 1) in taken
    assert len(taken) <= MOST
    assert min(taken) >= 1


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
def test_the_longest_of_the_wanted_comes_first(pace):
    found = [v[T] for v in compared(lengths_of(pace))]
    assert found[0] == max(found)
    assert len(set(found)) == len(found)


@settings(max_examples=25, deadline=None)
@given(turn=st.integers(17, 300), stride=st.integers(1, 5))
def test_a_turn_is_passed(turn, stride):
    pace = floor_div(t, stride)
    first = compared(lengths_of(pace, thresholds=(turn,)))[0]
    assert evaluate(pace, first) == turn + PAST_A_THRESHOLD


def test_turns_below_the_wanted_lengths_are_passed_as_it_is():
    # 16 + 3 steps are taken anyway.
    assert compared(lengths_of(t, thresholds=(16,))) == compared(lengths_of(t))


def test_of_many_turns_the_two_longest_are_passed():
    found = [v[T] for v in compared(lengths_of(t, thresholds=(64, 128, 512, 32)))]
    assert found[:3] == [515, 131, 19]


def test_turns_of_two_paces_are_passed_each():
    slow = floor_div(t, 4)
    found = compared(lengths_of(t, slow, thresholds=(64,)))
    assert [v[T] for v in found[:2]] == [67, 268]
    assert evaluate(slow, found[1]) == 67


def test_two_inputs_of_their_own():
    found = compared(lengths_of(t, floor_div(u, 2), axes=(T, U)))
    assert [(v[T], v[U] // 2) for v in found] == [(n, n) for n in (19, 1, 5, 8)]


def test_inputs_that_are_tied():
    tied = Requirement("equal", t, 2 * u, "op")
    for values in compared(lengths_of(t, axes=(T, U), more=(tied,))):
        assert values[T] == 2 * values[U]


def test_lengths_that_no_op_takes_are_not_compared():
    whole = Requirement("multiple", t, 4, "reshape")
    found = [v[T] for v in compared(lengths_of(t, more=(whole,)))]
    assert all(n % 4 == 0 for n in found)
    assert {4, 8, 20} <= set(found)


def test_a_fixed_recurrence_tells_nothing():
    assert [v[T] for v in compared(Lengths((T,), (Steps(7),), ()))] == [19, 1, 5, 8]
    assert [v[T] for v in compared(Lengths((T,), (Steps(unknown()),), ()))] == [19, 1, 5, 8]


def test_longer_ones_are_as_many_steps():
    assert [v[T] for v in longer(lengths_of(floor_div(t, 3)))][:3] == [99, 192, 300]
    # A recurrence that no length makes so long has none.
    assert list(longer(lengths_of(2 - t))) == []


def test_unequal_lengths():
    two = lengths_of(t, u, axes=(T, U))
    assert unequal(two) == {T: 5, U: 7}
    tied = Requirement("equal", t, u, "op")
    assert unequal(lengths_of(t, axes=(T, U), more=(tied,))) == {T: 5, U: 5}
    far = Requirement("least", u, 40, "op")
    assert unequal(lengths_of(t, axes=(T, U), more=(far,))) == {T: 5, U: 41}


def test_the_one_number_that_is_shown():
    lengths = lengths_of(u, axes=(T, U))
    assert shown({T: 4, U: 9}, lengths) == 9
    assert shown({T: 4, U: 9}, Lengths((T, U))) == 4
    assert shown({}, lengths) == 0
