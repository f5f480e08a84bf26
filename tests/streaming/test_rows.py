"""Rows and windows as arithmetic, against what windows over numbered rows do."""

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
