"""How often a loop runs: the least bound on its counters, beside running it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import Builder, free, run_loop

from rnnlite.loops import Kind, NotAScan, read
from rnnlite.loops.bounds import COMPARISONS, count_of

KINDS = {
    Kind.LESS: lambda t, n: t < n,
    Kind.LESS_EQUAL: lambda t, n: t <= n,
    Kind.GREATER: lambda t, n: n > t,
    Kind.GREATER_EQUAL: lambda t, n: n >= t,
}


def compare(b, kind, counter, limit):
    """A comparison of a counter with a limit, in the order that its kind says."""
    operands = (f"{counter}?", limit)
    if kind in (Kind.GREATER, Kind.GREATER_EQUAL):
        operands = operands[::-1]
    return b.test.add(kind, *operands)


def loop_of(*bounds, start=0):
    """A loop of a counter t from 0, and one u from `start`, under all of these bounds."""
    b = Builder()
    updates = {"t": b.counter(), "u": b.counter(start, "u")}
    made = [compare(b, kind, counter, b.test.constant(limit)) for counter, kind, limit in bounds]
    condition = made[0]
    for other in made[1:]:
        condition = b.test.add(Kind.AND, condition, other)
    return b.loop(updates, condition)


def counted(loop):
    counters = {v: int(v.initial) for v in loop.variables}
    return count_of(loop, counters, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [1, 4])
def test_each_comparison(kind, limit):
    wanted = sum(1 for t in range(99) if KINDS[kind](t, limit))
    assert counted(loop_of(("t", kind, limit))) == wanted


def test_every_comparison_has_what_it_adds():
    assert set(COMPARISONS) == set(KINDS)


BOUNDS = st.lists(
    st.tuples(st.sampled_from("tu"), st.sampled_from(list(KINDS)), st.integers(-3, 9)),
    min_size=1,
    max_size=4,
)


@given(bounds=BOUNDS, start=st.integers(-4, 6))
def test_a_loop_runs_as_often_as_is_said(bounds, start):
    """Counted by running it; 0 where the condition fails at once."""
    loop = loop_of(*bounds, start=start)
    behind = dict(zip("tu", run_loop(loop), strict=True))
    found = counted(loop)
    assert found == behind["t"] == behind["u"] - start


def test_a_limit_that_the_loop_carries_and_never_changes():
    b = Builder()
    b.carry("n", free(6))
    updates = {"t": b.counter(), "n": b.body.add(Kind.PASS, "n")}
    loop = b.loop(updates, b.test.add(Kind.LESS, "t?", b.test.add(Kind.PASS, "n?")))
    assert read(loop).count == 6


def test_a_limit_that_is_computed_in_the_condition():
    b = Builder()
    n = b.read_outside("n", free(5))
    limit = b.test.add(Kind.ADD, n, b.test.constant(2))
    loop = b.loop({"t": b.counter()}, b.test.add(Kind.LESS_EQUAL, "t?", limit))
    assert read(loop).count == 8


@pytest.mark.parametrize("value", [True, np.array(1)])
def test_what_is_always_true_is_no_bound(value):
    b = Builder()
    always = b.test.constant(value)
    condition = b.test.add(Kind.AND, always, b.while_below(3))
    assert read(b.loop({"t": b.counter()}, condition)).count == 3


def refused(make):
    b = Builder()
    h = b.carry("h", np.zeros(()))
    updates = {"t": b.counter(), "h": b.body.apply_function("tanh", h)}
    return read(b.loop(updates, make(b)))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda b: b.test.add(Kind.LESS, b.test.constant(3), "t?", name="from"),
            "its condition compares more than a counter ('from')",
        ),
        (
            lambda b: b.test.add(Kind.GREATER, "t?", b.test.constant(3), name="above"),
            "its condition compares more than a counter ('above')",
        ),
        (
            lambda b: b.test.add(Kind.LESS, "t?", "t?", name="itself"),
            "its condition compares more than a counter ('itself')",
        ),
        (
            lambda b: b.test.add(Kind.AND, b.while_below(3), "h?"),
            "its condition is no bound on a counter ('h?')",
        ),
        (lambda b: b.test.constant(False), "its condition is no bound on a counter (CONSTANT "),
        (
            lambda b: b.test.add(Kind.OTHER, "t?", op="any"),
            "its condition is no bound on a counter (any",
        ),
    ],
    ids=["from a number", "above", "itself", "a state", "never", "another op"],
)
def test_no_bound(make, reason):
    found = refused(make)
    assert isinstance(found, NotAScan)
    assert found.reason.startswith(reason)
