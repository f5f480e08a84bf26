"""Timing a file: what is run and reported (never how long it took)."""

import struct
import sys

import numpy as np
import pytest

from rnnlite.errors import DependencyError, ModelError
from rnnlite.report.rendering import as_text
from rnnlite.report.timings import Timing
from rnnlite.runtime import bench
from rnnlite.runtime.bench import bench_tables, picture, random_arrays, random_of, time_model
from rnnlite.runtime.model import load
from rnnlite.specs import TensorSpec
from runtime.files import doubled, exits, pair


def timing(length=10, **changed):
    known = {
        "threads": 1,
        "repeats": 3,
        "cold": 4.0,
        "median": 2.0,
        "p90": 3.0,
        "p99": 3.5,
        "minimum": 1.0,
        "microseconds_a_step": length and 2000 / length,
    }
    return Timing(length, **{**known, **changed})


def test_one_record_a_length():
    timings = time_model(doubled(), lengths=[3, 20], repeats=5)
    assert [t.length for t in timings] == [3, 20]
    for t in timings:
        assert (t.threads, t.repeats) == (1, 5)
        assert 0 < t.minimum <= t.median <= t.p90 <= t.p99
        assert t.microseconds_a_step == pytest.approx(1000 * t.median / t.length)


def test_a_pinned_length_is_timed_once():
    """x is (1, 3): there is nothing to choose."""
    (found,) = time_model(exits(), lengths=[3, 20], repeats=3)
    assert (found.length, found.microseconds_a_step) == (None, None)


def test_a_file_is_timed_by_its_path(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(doubled())
    assert len(time_model(path, lengths=[2], repeats=3)) == 1
    with pytest.raises(ModelError):
        time_model(tmp_path / "none.tflite", lengths=[2])


class Counted:
    """A model that notes the shapes it runs."""

    inputs = (TensorSpec("x", (None, None, 2), "float32"),)

    def __init__(self):
        self.ran = []

    def run(self, arrays):
        self.ran.append(arrays[0].shape)


def test_the_first_run_is_apart_and_others_warm_up(monkeypatch):
    model = Counted()
    ticks = iter(range(0, 1000))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(ticks) / 1000)
    found = bench._time_one(model, 4, 2, 5)
    assert model.ran == [(1, 4, 2)] * (1 + bench.WARM_UP_RUNS + 5)
    # Each run takes a tick, a millisecond.
    assert found.cold == pytest.approx(1.0)
    assert [found.minimum, found.median, found.p90, found.p99] == pytest.approx([1.0] * 4)
    assert (found.threads, found.repeats) == (2, 5)
    assert found.microseconds_a_step == pytest.approx(250)


def test_percentiles(monkeypatch):
    """Runs of 1, 2, ... 10 ms."""
    timings = [5.0, *range(1, 11)]
    at, ticks = 0.0, []
    for timing in timings:
        ticks += [at, at + timing / 1000]
        at += 1.0
    told = iter(ticks)
    monkeypatch.setattr(bench, "WARM_UP_RUNS", 0)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(told))
    found = bench._time_one(Counted(), 2, 1, 10)
    assert found.cold == pytest.approx(5.0)
    assert found.minimum == pytest.approx(1.0)
    assert found.median == pytest.approx(5.5)
    assert found.p90 == pytest.approx(np.percentile(range(1, 11), 90))
    assert found.p99 == pytest.approx(np.percentile(range(1, 11), 99))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("spec", "shape", "dtype"),
    [
        (TensorSpec("x", (None, None, 3), "float32"), (1, 7, 3), np.float32),
        (TensorSpec("x", (4, None, 3), "float32"), (4, 7, 3), np.float32),
        (TensorSpec("x", (None, None, 3), "float32", batch_axis=1), (7, 1, 3), np.float32),
        (TensorSpec("x", (5,), "float32", batch_axis=None), (5,), np.float32),
        (TensorSpec("x", (1, 9), "float16"), (1, 9), np.float16),
        (TensorSpec("ids", (1, None), "int64"), (1, 7), np.int64),
        (TensorSpec("mask", (1, None), "bool"), (1, 7), np.bool_),
        (TensorSpec("q", (1, None), "int8", quantization=(0.5, 3)), (1, 7), np.int8),
        (TensorSpec("n", (None,), "int32", counts=True), (1,), np.int32),
    ],
)
def test_inputs_at_random(spec, shape, dtype):
    found = random_of(spec, 7, RNG)
    assert found.shape == shape
    assert found.dtype == dtype


def test_ids_are_in_every_vocabulary():
    found = random_of(TensorSpec("ids", (1, 500), "int32"), 1, RNG)
    assert set(found.ravel().tolist()) == {0, 1}


def test_integers_of_real_numbers_are_of_the_whole_range():
    spec = TensorSpec("q", (1, 5000), "int8", quantization=(0.5, 3))
    found = random_of(spec, 1, RNG)
    assert found.min() < -120
    assert found.max() > 120


def test_steps_that_are_counted_are_all_there():
    found = random_of(TensorSpec("n", (3,), "int32", counts=True), 7, RNG)
    assert found.tolist() == [7, 7, 7]
    assert random_of(TensorSpec("mask", (1, 4), "bool"), 7, RNG).all()


def test_inputs_of_a_model_are_as_long_as_each_other():
    model = load(pair())
    assert [a.shape for a in random_arrays(model, 6, RNG)] == [(1, 6, 2)] * 2
    # Of a pinned length nothing is asked.
    assert [a.shape for a in random_arrays(model, None, RNG)] == [(1, 1, 2)] * 2


def test_the_table():
    lines = as_text(bench_tables([timing(10), timing(None)])).splitlines()
    assert lines[0].strip() == "Latency in milliseconds (threads: 1, runs: 3)"
    assert [line.split()[0] for line in lines[2:]] == ["10", "pinned"]
    assert lines[2].split() == ["10", "4", "1", "2", "3", "3.5", "200"]
    # A pinned length has no steps to be divided by.
    assert lines[3].split() == ["pinned", "4", "1", "2", "3", "3.5"]


def test_the_picture_is_a_png_of_its_size():
    data = picture([timing(3), timing(20), timing(None)], "a file")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (700, 400)


def test_without_matplotlib_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DependencyError, match=r"matplotlib.*pip install matplotlib"):
        picture([timing()], "a file")
