"""What a quantization did, as data: JSON there and back."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.report.quantization import (
    OpError,
    OutputAccuracy,
    Quantization,
    TrialRecord,
    WeightRecord,
)

NUMBERS = st.floats(0, 1e3)
NAMES = st.text(max_size=8)
WEIGHTS = st.builds(
    WeightRecord,
    NAMES,
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
    st.sampled_from(["int8", "float16"]),
    NAMES,
)
ACCURACY = st.builds(
    OutputAccuracy,
    NAMES,
    NUMBERS,
    NUMBERS,
    st.none() | NUMBERS,
    st.dictionaries(st.integers(1, 99), NUMBERS, max_size=3),
)
RECIPES = st.builds(TrialRecord, NAMES, st.none() | NUMBERS, st.none() | st.integers(0, 99), NAMES)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        Quantization,
        mode=st.sampled_from(["int8", "dynamic"]),
        io=st.sampled_from(["int8", "float32"]),
        inner=NAMES,
        size_before=st.integers(0, 10**7),
        weights=st.lists(WEIGHTS, max_size=2).map(tuple),
        ops=st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(1, 9))),
        kept=st.lists(NAMES, max_size=2).map(tuple),
        samples=st.integers(0, 99),
        lengths=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
        accuracy=st.lists(ACCURACY, max_size=2).map(tuple),
        warnings=st.lists(NAMES, max_size=2).map(tuple),
        max_error=NUMBERS,
        trials=st.lists(RECIPES, max_size=2).map(tuple),
    )
)
def test_there_and_back_through_json(record):
    assert Quantization.from_dict(json.loads(json.dumps(asdict(record)))) == record


def test_records_without_trials_are_read_too():
    values = asdict(Quantization("int8", "int8", "", 0, (), {}))
    del values["trials"]
    assert Quantization.from_dict(values).trials == ()


def test_what_is_not_asked_for_is_unbounded():
    record = Quantization("float16", "float32", "", 10, (), {})
    assert record.max_error == math.inf
    assert (record.lengths, record.accuracy) == (None, ())


def test_an_unknown_field_is_no_record():
    values = {**asdict(Quantization("int8", "int8", "", 0, (), {})), "other": 1}
    with pytest.raises(TypeError, match="other"):
        Quantization.from_dict(values)


@pytest.mark.parametrize(
    ("error", "operands", "own"),
    [(0.05, 0.03, 0.04), (0.05, 0.0, 0.05), (0.03, 0.05, 0.0), (0.0, 0.0, 0.0), (13.0, 5.0, 12.0)],
)
def test_what_an_op_adds_is_as_of_independent_errors(error, operands, own):
    assert OpError("ADD", "x", "", error, operands).own == pytest.approx(own)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1e3), st.floats(0, 1e3))
def test_an_op_adds_no_more_than_its_error(error, operands):
    assert 0 <= OpError("ADD", "x", "", error, operands).own <= error * (1 + 1e-12)


def through_json(**more):
    record = Quantization("int8", "int8", "", 0, (), {}, **more)
    return record, Quantization.from_dict(json.loads(json.dumps(asdict(record))))


def test_errors_of_ops_come_back():
    errors = (OpError("ADD", "a", "l", 0.1, 0.05, "t"), OpError("MUL", "b", "", 0.2, 0.2))
    record, again = through_json(op_errors=errors)
    assert again == record
    assert again.op_errors[0].own == errors[0].own


def test_lengths_are_numbers_again():
    """JSON knows names of fields as texts alone."""
    accuracy = (OutputAccuracy("y", 0.1, 20.0, None, {5: 0.1, 70: 0.2}, left_out=0.5),)
    record, again = through_json(accuracy=accuracy, lengths=(5, 70))
    assert again == record
    assert list(again.accuracy[0].by_length) == [5, 70]
    assert again.lengths == (5, 70)


def test_what_was_read_is_not_changed():
    values = asdict(Quantization("int8", "int8", "", 0, (), {}, kept=("a",)))
    before = json.dumps(values)
    Quantization.from_dict(values)
    assert json.dumps(values) == before


@pytest.mark.parametrize("missing", ["weights", "accuracy", "lengths", "kept", "warnings"])
def test_a_record_without_a_field_that_always_was_is_none(missing):
    values = asdict(Quantization("int8", "int8", "", 0, (), {}))
    del values[missing]
    with pytest.raises(KeyError, match=missing):
        Quantization.from_dict(values)
