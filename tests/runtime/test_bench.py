"""Timing a file: what is reported (never how long it took)."""

import struct
import sys

import pytest

import rnnlite
from rnnlite.report.tables import as_text
from rnnlite.runtime.bench import bench_tables, picture, time_model


def test_one_record_a_length(exits):
    timings = time_model(exits.tflite, lengths=[3, 20], repeats=3)
    assert [t.length for t in timings] == [3, 20]
    for t in timings:
        assert 0 < t.minimum <= t.median <= t.p90 <= t.p99
        assert t.microseconds_a_step == pytest.approx(1000 * t.median / t.length)
    assert "median" in as_text(bench_tables(timings))


def test_a_pinned_length_is_timed_once(exits_model):
    data = rnnlite.convert(exits_model, sequence_length=6, verify=False).tflite
    timings = time_model(data, lengths=[3, 20], repeats=3)
    assert [t.length for t in timings] == [None]


def test_the_picture_is_a_png_of_its_size(exits):
    data = picture(time_model(exits.tflite, lengths=[3, 20], repeats=3), "exits")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (700, 400)


def test_without_matplotlib_the_package_is_named(exits, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    timings = time_model(exits.tflite, lengths=[3], repeats=3)
    with pytest.raises(rnnlite.DependencyError, match=r"matplotlib.*pip install matplotlib"):
        picture(timings, "exits")
