"""Sizes at given lengths: values, what is left where some are given, and axes."""

import pytest

from rnnlite.lengths.sizes import Axis, floor_div, free, maximum, unknown
from rnnlite.lengths.values import axes_of, evaluate, is_known, substitute

T, W = Axis(0, 1), Axis(0, 2)
t, w = free(T), free(W)


@pytest.mark.parametrize(
    ("size", "value"),
    [
        (7, 7),
        (2 * t + w, 25),
        (t * w - 1, 62),
        (floor_div(t + 1, 4), 2),
        (maximum(w - t, 0), 0),
        (floor_div(maximum(w, 3), 2) * t, 27),
    ],
)
def test_the_value_where_all_axes_are_given(size, value):
    assert evaluate(size, {T: 9, W: 7}) == value


@pytest.mark.parametrize("size", [t, t + w, floor_div(t, 2), maximum(t - 3, w), unknown() + w])
def test_no_value_where_it_depends_on_what_is_not_known(size):
    assert evaluate(size, {W: 7}) is None


def test_values_put_in_simplify():
    size = floor_div(floor_div(t, 8) * floor_div(w, 4), 4)
    assert substitute(size, {T: 32}) == floor_div(w, 4)
    assert substitute(maximum(t - 3, 0) + w, {T: 2}) == w
    assert substitute(5, {T: 2}) == 5
    nothing = unknown()
    assert substitute(nothing + t, {T: 2}) == nothing + 2


def test_axes_within_other_sizes():
    assert axes_of(floor_div(floor_div(t, 8) * floor_div(w, 4), 4)) == {T, W}
    assert axes_of(maximum(t - 3, 0) + 1) == {T}
    assert axes_of(12) == frozenset()


def test_what_is_known():
    assert is_known(t * w + 1)
    assert is_known(4)
    assert not is_known(floor_div(unknown() + t, 2))
    assert not is_known(maximum(t, unknown()))
