"""Sizes: one form for what is equal, and the right numbers."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.lengths.sizes import (
    Axis,
    ceil_div,
    divided,
    floor_div,
    free,
    least_value,
    maximum,
    minimum,
    reduced,
    unknown,
)
from rnnlite.lengths.values import axes_of, evaluate, is_known, substitute

T, W = Axis(0, 1), Axis(0, 2)
t, w = free(T), free(W)


def test_arithmetic_has_one_form():
    assert t + 1 - 1 == t
    assert 2 * t - t - t == 0
    assert (t + 1) * (t - 1) == t * t - 1
    assert t * w == w * t
    assert str(2 * t + 3) == "2 n0.1 + 3"


@pytest.mark.parametrize("a", [1, 2, 3, 5])
@pytest.mark.parametrize("b", [2, 3, 4])
def test_floors_of_floors_are_one_floor(a, b):
    for k, n in itertools.product((-2, 0, 1, 3), range(40)):
        size = floor_div(floor_div(t + k, a) + k, b)
        assert evaluate(size, {T: n}) == ((n + k) // a + k) // b
        if a > 1:
            assert str(size).count("floor") == 1


def test_same_padding_is_a_ceiling():
    for stride, n in itertools.product((1, 2, 3, 7), range(30)):
        assert evaluate(ceil_div(t, stride), {T: n}) == math.ceil(n / stride)
        assert evaluate(floor_div(-1 * t + 5, stride), {T: n}) == (5 - n) // stride


def test_padding_to_a_multiple_and_cropping_it_cancel():
    """What a dilated convolution does: pad to blocks, a window of 3 within each, crop again."""
    padding = -t - 4 * floor_div(-t, 4)
    blocks, exact = divided(t + padding, 4)
    assert exact
    assert (blocks - 2) * 4 - padding == t - 8


def test_division_that_is_exact():
    assert divided(6 * t * w, 2 * t) == (3 * w, True)
    assert divided((t + w) * 32, 16) == (2 * t + 2 * w, True)
    assert divided((t + 1) * (w + 2), t + 1) == (w + 2, True)
    pooled = floor_div(t, 4)
    assert divided(8 * pooled * w, w * 8) == (pooled, True)


def test_division_that_is_not():
    size, exact = divided(6 * t * w, 4 * w)
    assert not exact
    assert evaluate(size, {T: 5, W: 9}) == 7
    size, exact = divided(t, w)
    assert (exact, is_known(size)) == (False, False)
    assert not is_known(divided(t, 0)[0])


def test_common_factors_fall_away():
    assert reduced(8 * t * w, 64 * w) == (8 * t, 64)
    assert reduced(t + 1, t) == (t + 1, t)


def test_the_larger_and_the_smaller():
    assert maximum(t - 1, 0) == t - 1
    assert maximum(t, t + 2) == t + 2
    assert maximum(3, 5) == 5
    for n in range(1, 9):
        assert evaluate(maximum(t - 3, 0), {T: n}) == max(n - 3, 0)
        assert evaluate(minimum(t, 4), {T: n}) == min(n, 4)


def test_what_is_unknown_is_equal_to_itself_alone():
    a, b = unknown(), unknown()
    assert a - a == 0
    assert a != b
    assert evaluate(a + t, {T: 3}) is None
    assert evaluate(t, {}) is None
    assert not is_known(floor_div(a * t, 2))
    assert is_known(t)


def test_lower_bounds():
    assert least_value(2 * t + 3) == 5
    assert least_value(floor_div(t + 3, 4)) == 1
    assert least_value(t - w) == -math.inf
    assert least_value(t - 1) == 0


@st.composite
def sizes(draw, depth=3):
    """A size as models make them, with the function that computes it for lengths (n, m)."""
    kind = draw(st.sampled_from(["axis", "number", "sum", "times", "floor", "ceil", "max", "min"]))
    if depth == 0 or kind in ("axis", "number"):
        if kind == "number":
            k = draw(st.integers(-6, 6))
            return k, lambda n, m: k
        axis = draw(st.booleans())
        return (t, lambda n, m: n) if axis else (w, lambda n, m: m)
    one, f = draw(sizes(depth=depth - 1))
    if kind in ("floor", "ceil"):
        by = draw(st.integers(1, 5))
        if kind == "floor":
            return floor_div(one, by), lambda n, m: f(n, m) // by
        return ceil_div(one, by), lambda n, m: -(-f(n, m) // by)
    other, g = draw(sizes(depth=depth - 1))
    if kind == "sum":
        sign = draw(st.sampled_from([1, -1]))
        return one + sign * other, lambda n, m: f(n, m) + sign * g(n, m)
    if kind == "times":
        return one * other, lambda n, m: f(n, m) * g(n, m)
    if kind == "max":
        return maximum(one, other), lambda n, m: max(f(n, m), g(n, m))
    return minimum(one, other), lambda n, m: min(f(n, m), g(n, m))


PAIRS = [(1, 1), (2, 5), (3, 1), (7, 4), (12, 30), (25, 8)]


@settings(max_examples=200, deadline=None)
@given(sizes())
def test_any_size_is_the_number_it_stands_for(pair):
    size, compute = pair
    for n, m in PAIRS:
        assert evaluate(size, {T: n, W: m}) == compute(n, m)


@settings(max_examples=100, deadline=None)
@given(sizes(), st.integers(1, 20))
def test_a_length_put_in_changes_no_number(pair, n):
    size, compute = pair
    left = substitute(size, {T: n})
    assert T not in axes_of(left)
    for m in (1, 4, 11):
        assert evaluate(left, {W: m}) == compute(n, m)


@settings(max_examples=100, deadline=None)
@given(sizes())
def test_a_lower_bound_is_never_above(pair):
    size, compute = pair
    bound = least_value(size)
    assert all(bound <= compute(n, m) for n, m in PAIRS)


@settings(max_examples=100, deadline=None)
@given(sizes(), sizes(depth=1))
def test_an_exact_quotient_is_one(pair, by):
    (size, f), (divisor, g) = pair, by
    quotient, exact = divided(size * divisor, divisor)
    for n, m in PAIRS:
        if g(n, m) and exact:
            assert evaluate(quotient, {T: n, W: m}) == f(n, m)
    # A divisor of one term, not 0, always divides its product.
    if not isinstance(divisor, int) and len(divisor.terms) == 1:
        assert exact


@settings(max_examples=100, deadline=None)
@given(sizes(), sizes(), sizes(depth=1))
def test_laws_of_arithmetic(one, two, three):
    a, b, c = one[0], two[0], three[0]
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash(a + b) == hash(b + a)
    assert maximum(a, b) + minimum(a, b) == a + b


@settings(max_examples=60, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 7), st.integers(1, 7))
def test_nested_floors_are_one_form(add, more, by, again):
    """floor((floor((t + a) / b) + c) / d) and floor((t + a + b c) / (b d)) are one size."""
    nested = floor_div(floor_div(t + add, by) + more, again)
    assert nested == floor_div(t + add + by * more, by * again)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(-9, 9))
def test_a_ceiling_is_a_floor_of_the_negative(by, add):
    assert ceil_div(t + add, by) == -1 * floor_div(-1 * (t + add), by)


@pytest.mark.parametrize("by", [0, -3])
def test_no_division_by_what_is_not_positive(by):
    assert not is_known(floor_div(t, by))
    assert not is_known(floor_div(12, by))
