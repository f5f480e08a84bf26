"""Timing a file: what is reported (never how long it took)."""

import pytest

import rnnlite
from rnnlite.bench import bench_tables, time_model
from rnnlite.tables import as_text


def test_one_record_a_length(exits):
    timings = time_model(exits.tflite, lengths=[3, 20], repeats=3)
    assert [t.length for t in timings] == [3, 20]
    for t in timings:
        assert 0 < t.minimum <= t.median <= t.p90
        assert t.microseconds_a_step == pytest.approx(1000 * t.median / t.length)
    assert "median" in as_text(bench_tables(timings))


def test_a_pinned_length_is_timed_once(exits_model):
    data = rnnlite.convert(exits_model, sequence_length=6, verify=False).tflite
    timings = time_model(data, lengths=[3, 20], repeats=3)
    assert [t.length for t in timings] == [None]
