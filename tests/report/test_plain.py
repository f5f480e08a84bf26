"""What JSON does not have, and what stands for it."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.report.plain import number, plain


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (0.5, 0.5),
        (-0.0, -0.0),
        (7, 7),
        (True, True),
        (None, None),
        ("nan", "nan"),
        ((1, (math.nan, 2)), [1, [None, 2]]),
        ([math.inf], [None]),
        ({4: math.nan, "a": {"b": (1.5,)}}, {4: None, "a": {"b": [1.5]}}),
        ((), []),
        ({}, {}),
    ],
)
def test_data_as_json_has_it(value, found):
    assert plain(value) == found
    assert type(plain(value)) is type(found)


def test_what_is_given_is_left_alone():
    given = {"a": [math.nan]}
    plain(given)
    assert math.isnan(given["a"][0])


@pytest.mark.parametrize(("value", "missing", "found"), [(0.0, 9.0, 0.0), (None, 9.0, 9.0)])
def test_what_stands_for_a_missing_number(value, missing, found):
    assert number(value, missing) == found


def test_a_missing_number_is_nan():
    assert math.isnan(number(None))
    assert number(2.5) == 2.5


NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None)
@given(NESTED)
def test_any_data_is_strict_json_and_stays_so(value):
    found = plain(value)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert plain(found) == found
