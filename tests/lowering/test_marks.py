"""Marks of loops: there and back, and which loops may share a body."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.python.framework import op_def_registry

from rnnlite.lowering.marks import ATTRIBUTE, LOOPS, STEP, Mark, decode, encode, next_number

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


def test_a_plain_mark_says_little():
    plain = Mark(0, "", 0, 1)
    assert (plain.shared, plain.variable_levels, plain.may_be_empty, plain.steps) == (
        False,
        0,
        False,
        (),
    )
    assert decode(encode(plain)) == plain


def test_every_number_is_new():
    numbers = [next_number() for _ in range(5)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_no_op_of_a_source_declares_such_attributes():
    """An attribute that begins with an underscore is nobody's."""
    for name in (ATTRIBUTE, STEP):
        assert name.startswith("_rnnlite_")
    registered = op_def_registry.get("While")
    assert ATTRIBUTE not in {a.name for a in registered.attr}
    assert all(op_def_registry.get(kind) is not None for kind in LOOPS)
