"""Rows and windows as arithmetic, against what windows over numbered rows do."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlite.streaming.rows import Rows, Window, same


@given(
    width=st.integers(1, 7),
    stride=st.integers(1, 4),
    before=st.integers(0, 6),
    behind=st.integers(0, 6),
    delay=st.integers(0, 9),
    add=st.integers(-6, 6),
    count=st.integers(1, 30),
)
def test_a_window_gives_the_rows_it_says(width, stride, before, behind, delay, add, count):
    window = Window(width, stride, before, behind)
    rows = Rows(0, 1, delay, add)
    rows = Rows(0, 1, delay + window.waits(rows), add)
    after = window.over(rows)
    assert after.delay >= 0
    # Row t of the stream holds number t - delay; a window behind them ends at a known number.
    steps = count * stride
    kept = window.kept(rows)
    numbers = np.arange(-max(kept, 0), steps) - rows.delay
    numbers = numbers[max(-kept, 0) :]
    firsts = numbers[: len(numbers) - width + 1 : stride]
    assert len(firsts) == count
    places = np.arange(count) - after.delay
    assert np.array_equal(firsts, places * stride - before)
    length = rows.length(steps)
    if steps + add >= 0 and length + before + behind >= width:
        assert after.length(steps) == (length + before + behind - width) // stride + 1


@given(st.integers(1, 7), st.integers(1, 4), st.integers(-5, 5), st.integers(3, 20))
def test_padding_of_one_place_a_stride(width, stride, add, count):
    rows = Rows(0, 1, 0, add)
    length = rows.length(count * stride)
    if length < 1:
        return
    total = max((-(-length // stride) - 1) * stride + width - length, 0)
    assert same(width, stride, rows) == (total // 2, total - total // 2)


@pytest.mark.parametrize(
    ("rows", "lacking"),
    [(Rows(0), 0), (Rows(0, 1, 3, 0), 3), (Rows(0, 1, 3, -3), 0), (Rows(0, 2, 1, 0), 2)],
)
def test_what_the_end_still_needs(rows, lacking):
    assert rows.lacking(24) == lacking


def test_two_are_merged_into_the_later_and_shorter():
    assert Rows(1, 2, 3, 4).merged(Rows(0, 3, 1, -2)) == Rows(1, 6, 1, -2)
    assert Rows(1, 1, 3, 4).merged(Rows(0, 1, 5, 0)) == Rows(1, 1, 5, 0)


STRIDES = st.builds(
    Rows, st.just(0), st.integers(1, 4), st.integers(0, 5), st.integers(-6, 6), st.none()
)


@given(rows=STRIDES, steps=st.integers(0, 60))
def test_lengths_never_fall_below_nothing(rows, steps):
    assert rows.length(steps) == max((steps + rows.add) // rows.stride, 0)
    assert rows.given(steps) == max(steps // rows.stride - rows.delay, 0)


@given(rows=STRIDES, count=st.integers(0, 30))
def test_what_is_lacking_gives_the_last_row_and_no_step_less_does(rows, count):
    steps = count * rows.stride
    lacking = rows.lacking(steps)
    assert rows.given(steps + lacking) >= rows.length(steps)
    if lacking and rows.length(steps):
        assert rows.given(steps + lacking - 1) < rows.length(steps)


@given(one=STRIDES, other=STRIDES)
def test_of_two_the_order_says_nothing_but_the_axis(one, other):
    assert one.merged(other) == other.merged(one)
    # Neither of the two is later, in steps of the inputs.
    merged = one.merged(other)
    late = merged.delay * merged.stride
    assert late >= max(one.delay * one.stride, other.delay * other.stride)
    assert late - merged.stride < max(one.delay * one.stride, other.delay * other.stride)


def test_another_axis_changes_nothing_else():
    assert Rows(1, 2, 3, 4, 5).at(0) == Rows(0, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("window", "rows", "waits", "kept", "over"),
    [
        # A causal kernel of three: two rows are kept, none is late.
        (Window(3, before=2), Rows(0), 0, 2, Rows(0)),
        # "SAME" padding looks one ahead.
        (Window(3, before=1, behind=1), Rows(0), 0, 2, Rows(0, 1, 1, 0)),
        # Without padding the first result is that of the third row.
        (Window(3), Rows(0), 0, 2, Rows(0, 1, 2, -2)),
        # More padding than the window is wide: the first results come before the first row, so the
        # rows have to come two later.
        (Window(3, before=4), Rows(0), 2, 2, Rows(0, 1, -2, 2)),
        # The window begins where the chunk does, each three rows.
        (Window(1, 3), Rows(0), 0, 0, Rows(0, 3, 0, 2)),
        # Of rows that are one late the first is seen by none.
        (Window(1, 3), Rows(0, 1, 1, -1), 0, -1, Rows(0, 3, 0, 1)),
        (Window(2, 2), Rows(0, 3, 0, 0), 0, 0, Rows(0, 6, 0, 0)),
    ],
)
def test_windows_that_people_have(window, rows, waits, kept, over):
    assert (window.waits(rows), window.kept(rows), window.over(rows)) == (waits, kept, over)


@given(rows=STRIDES, rate=st.integers(1, 4), many=st.integers(1, 5), count=st.integers(0, 12))
def test_stacks_of_rows(rows, rate, many, count):
    """One row for so many: as many stacks as there are, none before all of its rows."""
    # Whole stacks: late by, and longer by, a multiple of them.
    rows = replace(rows.spread(rate), delay=many * rows.delay, add=many * rows.stride * rows.add)
    after = rows.stacked(many)
    assert after.multiple % rows.multiple == 0
    assert math.gcd(after.stride, after.rate) == 1
    steps = count * after.multiple
    assert after.length(steps) == rows.length(steps) // many
    assert after.given(steps) == rows.given(steps) // many
    assert after.first(steps) * many == rows.first(steps)
