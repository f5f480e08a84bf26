"""Loops that are no recurrence, each with its reason; none is an error."""

import re

import numpy as np
import pytest
from tiny import Builder, Rows, free

from rnnlite.loops import Kind, NotAScan, read, scan_of

STEPS = 5


def begun():
    b = Builder()
    return b, b.counter()


def writes(row="h", index="t", array="ys", times=1):
    """A loop that writes to an array."""
    b, following = begun()
    b.carry("h", np.zeros(2))
    b.carry("ys", Rows("rows", STEPS))
    made = array
    for _ in range(times):
        made = b.body.add(Kind.WRITE_ROW, made, index, row)
    return b.loop({"t": following, "h": "h", "ys": made}, b.while_below(STEPS))


def handed_through():
    """An array that a node without a kind makes."""
    b, following = begun()
    b.carry("ys", Rows("rows", STEPS))
    made = b.body.add(Kind.OTHER, "ys", op="shuffle")
    return b.loop({"t": following, "ys": made}, b.while_below(STEPS))


def counts(start=0, step=1):
    b = Builder()
    b.carry("t", np.array(start))
    following = b.body.add(Kind.ADD, "t", b.body.constant(step))
    return b.loop({"t": following}, b.while_below(STEPS))


def counts_from_what_is_not_known():
    b = Builder()
    b.carry("t", free(0))
    following = b.body.add(Kind.ADD, "t", b.body.constant(1))
    return b.loop({"t": following}, b.while_below(STEPS))


def until(condition):
    """A loop whose condition `condition` makes of a builder."""
    b, following = begun()
    b.carry("h", np.zeros(()))
    h = b.body.apply_function("tanh", "h")
    return b.loop({"t": following, "h": h}, condition(b))


REFUSED = {
    "no variable counts the time steps from 0": counts(start=2),
    "no variable counts the time steps from 0 ": counts(step=2),
    "no variable counts the time steps from 0  ": counts_from_what_is_not_known(),
    "'rows' is not written once at each turn": handed_through(),
    "'rows' is written more than once a turn": writes(times=2),
    "'rows' is not written at the counter": writes(index="h"),
    "its condition compares more than a counter ('early')": until(
        lambda b: b.test.add(Kind.LESS, "h?", b.test.constant(1.0), name="early")
    ),
    "its condition compares more than a counter ('least')": until(
        lambda b: b.test.add(
            Kind.LESS, "t?", b.test.add(Kind.ADD, "h?", b.test.constant(1)), name="least"
        )
    ),
    "its condition is no bound on a counter (maximum 'odd')": until(
        lambda b: b.test.add(Kind.ELEMENTWISE, "t?", "h?", op="maximum", name="odd")
    ),
    "its condition is no bound on a counter ('h?')": until(lambda b: "h?"),
    "it makes no iteration": until(lambda b: b.while_below(0)),
    "its condition has no bound": until(lambda b: b.test.constant(True)),
}


@pytest.mark.parametrize("reason", REFUSED, ids=str.strip)
def test_refused(reason):
    assert read(REFUSED[reason]) == NotAScan(reason.strip())


def test_a_state_that_becomes_an_array():
    b, following = begun()
    xs = b.read_outside("xs", Rows("xs", STEPS, free(np.zeros((STEPS, 2)))))
    b.carry("h", np.zeros(2))
    b.carry("g", np.zeros(2))
    array = b.body.add(Kind.WRITE_ROW, xs, "t", "h")
    loop = b.loop({"t": following, "h": "g", "g": array}, b.while_below(STEPS))
    assert scan_of(loop) == NotAScan("an array is a state")


def test_a_state_that_changes_its_shape():
    b, following = begun()
    b.carry("h", np.zeros((1, 2)))
    h = b.body.add(Kind.CONCAT, "h", "h", axis=0)
    loop = b.loop({"t": following, "h": h}, b.while_below(STEPS))
    assert scan_of(loop) == NotAScan("a state changes its shape")


def test_a_reason_has_no_subject():
    """It stands behind a colon in notes and in the log."""
    for reason in REFUSED:
        assert not re.match(r"the loop|[A-Z]", reason)


def test_what_a_reading_holds():
    b, following = begun()
    xs = b.read_outside("xs", Rows("xs", STEPS, free(np.zeros((STEPS, 2)))))
    x = b.body.add(Kind.READ_ROW, xs, b.body.add(Kind.PASS, "t"))
    b.carry("h", np.zeros(2))
    b.carry("scale", np.ones(2))
    b.carry("ys", Rows("ys", STEPS))
    h = b.body.add(Kind.ADD, x, "h")
    ys = b.body.add(Kind.WRITE_ROW, "ys", "t", h)
    updates = {"t": following, "h": h, "scale": b.body.add(Kind.PASS, "scale"), "ys": ys}
    found = read(b.loop(updates, b.while_below(3)))
    assert found.count == 3
    assert [v.argument for v in found.invariants] == ["scale"]
    assert {v.argument: start for v, start in found.counters.items()} == {"t": 0}
    assert [v.argument for v in found.states] == ["h"]
    assert {v.argument: row for v, row in found.written.items()} == {"ys": h}
    assert list(found.rows) == [x]
