"""What a quantization did, as data: JSON there and back."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.report.quantization import OutputAccuracy, Quantization, TrialRecord, WeightRecord

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
