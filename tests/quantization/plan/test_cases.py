"""Cases of a tensor: arithmetic on ranges holds each element, and stand-ins keep what they must."""

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import InternalError
from rnnlite.quantization.plan import cases
from rnnlite.quantization.plan.cases import MOST_POINTS, SMALL, Case, Cases, Constant

NUMBERS = st.floats(-1e3, 1e3, width=32)
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: (min(ends), max(ends)))
SHARES = st.floats(0, 1)

FUNCTIONS = {
    "ADD": (cases.add, np.add),
    "SUB": (cases.subtract, np.subtract),
    "MUL": (cases.multiply, np.multiply),
    "DIV": (cases.divide, np.divide),
    "MAXIMUM": (cases.maximum, np.maximum),
    "MINIMUM": (cases.minimum, np.minimum),
}

MASK = Cases(
    (Case((-1e9, -1e9), (-20.0, -20.0), moved=True), Case((0.0, 0.0), (0.0, 0.0), moved=False)),
    frozenset([3]),
)
"""What (1 - m) * -1e9 holds, with a stand-in of -20."""


def within(values, share):
    return values[0] + share * (values[1] - values[0])


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=40)
@given(a=RANGES, b=RANGES, first=SHARES, second=SHARES)
def test_a_range_holds_the_result_of_each_pair_of_elements(name, a, b, first, second):
    of_ranges, of_numbers = FUNCTIONS[name]
    low, high = of_ranges(a, b)
    if name == "DIV" and b[0] <= 0.0 <= b[1]:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    result = float(of_numbers(np.float64(within(a, first)), np.float64(within(b, second))))
    slack = 1e-9 * max(1.0, abs(result))
    assert low - slack <= result <= high + slack


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("ADD", (-1.0, 2.0), (10.0, 20.0), (9.0, 22.0)),
        ("SUB", (-1.0, 2.0), (10.0, 20.0), (-21.0, -8.0)),
        ("MUL", (-2.0, 3.0), (-5.0, 4.0), (-15.0, 12.0)),
        ("MUL", (-2.0, -1.0), (-5.0, -4.0), (4.0, 10.0)),
        ("DIV", (-6.0, 12.0), (2.0, 4.0), (-3.0, 6.0)),
        ("DIV", (-6.0, 12.0), (-4.0, -2.0), (-6.0, 3.0)),
        ("MAXIMUM", (-1.0, 2.0), (0.0, 1.0), (0.0, 2.0)),
        ("MINIMUM", (-1.0, 2.0), (0.0, 1.0), (-1.0, 1.0)),
    ],
)
def test_the_ends_of_a_range_are_the_smallest_that_hold(name, a, b, expected):
    assert FUNCTIONS[name][0](a, b) == expected


@pytest.mark.parametrize(
    ("old", "new", "is_point"),
    [
        ((1.0, 1.0), (1.0, 1.0), True),
        ((-1e9, -1e9), (-8.0, -8.0), True),
        ((1.0, 2.0), (1.0, 1.0), False),
        ((1.0, 1.0), (1.0, 2.0), False),
    ],
)
def test_a_point_is_one_before_and_after(old, new, is_point):
    assert Case(old, new, moved=True).is_point is is_point


@pytest.mark.parametrize(("old", "side"), [((-3.0, 1.0), -1), ((-1.0, 3.0), 1), ((0.0, 0.0), 1)])
def test_the_side_of_a_case(old, side):
    assert Case(old, old, moved=True).side == side


@pytest.mark.parametrize(
    ("old", "swallows"),
    [
        # float32 numbers near 1e9 are 64 apart, those near 1e4 1/1024.
        ((-1e9 - 32.0, -1e9 + 31.0), True),
        ((-1e9 - 40.0, -1e9 + 40.0), False),
        ((1e4, 1e4 + 0.0009), True),
        ((1e4, 1e4 + 0.002), False),
        ((-np.inf, -np.inf), True),
        ((-3.5e38, -3.45e38), True),
    ],
)
def test_what_float32_loses_beside_a_mask(old, swallows):
    assert Case(old, (-8.0, -8.0), moved=True).swallows is swallows


def test_what_a_mask_says_of_itself():
    assert MASK.moved == [MASK.cases[0]]
    assert MASK.is_moved
    assert MASK.is_finite
    assert MASK.plain == (0.0, 0.0)
    assert MASK.range == (-20.0, 0.0)
    ordinary = cases.ordinary((-1.0, 2.0))
    assert not ordinary.is_moved
    assert not ordinary.is_finite
    assert ordinary.plain == ordinary.range == (-1.0, 2.0)
    assert Cases(MASK.cases[:1]).plain is None


def test_a_value_has_a_case():
    with pytest.raises(InternalError, match="a value without cases"):
        _ = Cases(()).range


@pytest.mark.parametrize(
    ("values", "far", "near", "few"),
    [
        ([0.0, -1e9, 1.0, 0.0], (-1e9,), (0.0, 1.0), True),
        ([49.9, 50.0, -50.0], (-50.0, 50.0), (49.9,), True),
        ([-np.inf, 2.0], (-np.inf,), (2.0,), True),
        ([7.0], (), (7.0,), True),
        (list(range(MOST_POINTS)), (), tuple(range(MOST_POINTS)), True),
        (list(range(MOST_POINTS + 1)), (), (0.0, float(MOST_POINTS)), False),
    ],
)
def test_what_a_constant_holds(values, far, near, few):
    assert Constant.of(np.array(values, np.float32).reshape(-1, 1), 50.0) == Constant(
        far, tuple(float(np.float32(v)) for v in near), few
    )


def test_a_large_table_is_many_values_whatever_it_holds():
    assert Constant.of(np.tile([1.0, 2.0], SMALL // 2), 50.0) == Constant((), (1.0, 2.0))
    assert not Constant.of(np.tile([1.0, 2.0], SMALL // 2 + 1), 50.0).few


@pytest.mark.parametrize(
    ("far", "origin", "moved", "lowest"),
    [
        ((-1e9,), None, 0, -1e9),
        ((-1e9,), 4, 1, -12.0),
        ((-np.inf,), 4, 1, -12.0),
        ((), 4, 0, 0.0),
    ],
)
def test_a_constant_as_a_value(far, origin, moved, lowest):
    value = Constant(far, (0.0, 1.0)).value(origin, 12.0)
    assert len(value.moved) == moved
    assert value.range == (lowest, 1.0)
    assert value.origins == (frozenset([4]) if moved else frozenset())


def test_both_signs_keep_their_sign_and_infinity_needs_a_stand_in():
    value = Constant((-1e9, 1e9), (0.0,)).value(0, 9.0)
    assert value.range == (-9.0, 9.0)
    assert [c.old for c in value.moved] == [(-1e9, -1e9), (1e9, 1e9)]
    assert Constant((-np.inf,), (0.0,)).value() is None


def test_many_values_are_a_range():
    value = Constant((-1e9,), (-2.0, 3.0), few=False).value(0, 9.0)
    assert value.plain == (-2.0, 3.0)
    assert not value.is_finite
    assert value.range == (-9.0, 3.0)


def test_tidying():
    twice = [cases.point(1.0), cases.point(1.0), cases.point(2.0)]
    assert cases.tidy(twice, frozenset([1])) == Cases((cases.point(1.0), cases.point(2.0)))
    # What was moved to where it was is not moved.
    same = cases.tidy([Case((1.0, 1.0), (1.0, 1.0), moved=True)], frozenset([1]))
    assert not same.is_moved
    assert same.origins == frozenset()
    nan = Case((0.0, 0.0), (math.nan, 0.0), moved=True)
    assert cases.tidy([cases.point(1.0), nan], frozenset()) is None


def test_many_points_are_merged_by_where_they_were_moved():
    down = [Case((-1e9 - k, -1e9 - k), (-8.0 - k, -8.0 - k), moved=True) for k in range(4)]
    up = [Case((1e9 + k, 1e9 + k), (8.0 + k, 8.0 + k), moved=True) for k in range(3)]
    plain = [cases.point(float(k)) for k in range(2)]
    value = cases.tidy([*down, *plain, *up], frozenset([5]))
    assert value.origins == frozenset([5])
    assert set(value.cases) == {
        Case((-1e9 - 3, -1e9), (-11.0, -8.0), moved=True),
        Case((0.0, 1.0), (0.0, 1.0), moved=False),
        Case((1e9, 1e9 + 2), (8.0, 10.0), moved=True),
    }
    few = cases.tidy([*down, *plain], frozenset([5]))
    assert len(few.cases) == 6


@settings(max_examples=40)
@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_tidying_keeps_the_range_and_is_done_once(numbers):
    value = cases.tidy([cases.point(v) for v in numbers], frozenset())
    assert value.range == (min(numbers), max(numbers))
    assert cases.tidy(value.cases, value.origins) == value
    assert value.is_finite == (len(set(numbers)) <= MOST_POINTS or len(set(numbers)) == 1)


def test_a_mask_added_to_logits():
    logits = cases.ordinary((-3.0, 5.0))
    total = cases.combine(cases.add, logits, MASK)
    assert total.origins == frozenset([3])
    assert total.plain == (-3.0, 5.0)
    assert [(c.old, c.new) for c in total.moved] == [((-1e9 - 3, -1e9 + 5), (-23.0, -15.0))]


def test_what_a_product_with_zero_and_one_makes_of_a_mask():
    kept = cases.points([0.0, 1.0])
    penalty = Constant((-1e9,), ()).value(7, 30.0)
    result = cases.combine(cases.multiply, kept, penalty)
    assert result.range == (-30.0, 0.0)
    assert result.plain == (0.0, 0.0)
    assert result.origins == frozenset([7])
    assert cases.combine(cases.divide, penalty, kept) is None


def test_joined_tensors_keep_all_cases_and_origins():
    other = Constant((1e6,), (2.0,)).value(1, 9.0)
    joined = cases.join([MASK, other])
    assert joined.origins == frozenset([1, 3])
    assert joined.range == (-20.0, 9.0)
    assert joined.plain == (0.0, 2.0)
    assert cases.join([cases.ordinary((-1.0, 0.0)), cases.ordinary((4.0, 5.0))]).range == (
        -1.0,
        5.0,
    )


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        # The stand-in is -20: what lies between it and -1e9 is told apart otherwise.
        ((-19.0, 5.0), True),
        ((-20.0, 5.0), False),
        ((-100.0, -50.0), False),
        ((0.0, 0.0), True),
    ],
)
def test_comparisons_come_out_as_before(bound, expected):
    alone = Cases(MASK.cases[:1], MASK.origins)
    assert cases.same_order(alone, cases.ordinary(bound)) is expected
    assert cases.same_order(cases.ordinary(bound), alone) is expected


def test_comparisons_of_what_did_not_move_are_no_matter():
    assert cases.same_order(cases.ordinary((0.0, 1.0)), cases.ordinary((0.0, 1.0)))
    assert not cases.same_order(MASK, MASK)


@settings(max_examples=40)
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=3), min_size=2, max_size=4))
def test_sums_of_points_are_all_sums(lists):
    found = reduce(lambda a, b: cases.combine(cases.add, a, b), map(cases.points, lists))
    lowest, highest = sum(min(x) for x in lists), sum(max(x) for x in lists)
    assert found.range == pytest.approx((lowest, highest))
