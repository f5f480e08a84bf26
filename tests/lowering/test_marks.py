"""Marks of loops: there and back, and which loops may share a body."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.lowering.marks import Mark, decode, encode

MARK = Mark(3, "model/lstm", 1, 4, True, 2, True, ("step", "step_1"))


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Mark,
        scan=st.integers(0, 10**9),
        scope=st.text(),
        level=st.integers(0, 6),
        unroll=st.integers(1, 64),
        shared=st.booleans(),
        variable_levels=st.integers(0, 3),
        may_be_empty=st.booleans(),
        steps=st.lists(st.text(), max_size=4).map(tuple),
    )
)
def test_there_and_back(mark):
    again = decode(encode(mark))
    assert again == mark
    assert hash(again) == hash(mark)


def test_what_is_written_is_json():
    assert json.loads(encode(MARK))["scope"] == "model/lstm"


@pytest.mark.parametrize(
    "changed",
    [{"scan": 4}, {"level": 0}, {"unroll": 1}],
    ids=["another scan", "another level", "another count of steps"],
)
def test_loops_of_other_kinds_share_no_body(changed):
    assert replace(MARK, **changed).family != MARK.family


@pytest.mark.parametrize(
    "changed",
    [{"scope": "other"}, {"variable_levels": 0}, {"may_be_empty": False}, {"steps": ()}],
    ids=["scope", "variables", "empty", "steps"],
)
def test_where_a_loop_stands_does_not_matter(changed):
    assert replace(MARK, **changed).family == MARK.family


def test_a_loop_alone_has_no_family():
    assert replace(MARK, shared=False).family is None
