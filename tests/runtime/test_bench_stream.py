"""Times of a stream's calls."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import rnnlite
from rnnlite.cli.main import app
from rnnlite.report.rendering import as_text
from rnnlite.report.timings import StreamTiming
from rnnlite.runtime import bench_stream
from rnnlite.runtime.bench_stream import stream_table, time_stream
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.runtime.stream import Stream
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import Layout, StreamInput
from runtime.files import doubled, summing


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A file whose chunks are of one step."""
    path = tmp_path_factory.mktemp("live") / "live.tflite"
    path.write_bytes(summing())
    return path


def test_each_call_is_counted(live):
    found = time_stream(live, calls=200)
    assert (found.steps, found.calls) == (1, 200)
    ordered = [found.median, found.p90, found.p99, found.p999, found.largest]
    assert ordered == sorted(ordered)
    assert 0 < found.median < 1e6
    assert found.bytes_a_stream is None or found.bytes_a_stream < 1 << 20
    assert time_stream(live, steps=4, calls=20).steps == 4


def test_on_the_command_line(live):
    found = CliRunner().invoke(app, ["bench", str(live), "--stream", "--calls", "50", "--json"])
    assert json.loads(found.stdout)["calls"] == 50
    shown = CliRunner().invoke(app, ["bench", str(live), "--stream", "--calls", "50"])
    assert "Microseconds a chunk (50 calls)" in shown.stdout
    wrong = CliRunner().invoke(app, ["bench", str(live), "--stream", "--plot", "p.png"])
    assert (wrong.exit_code, "leave --stream out" in wrong.stderr) == (2, True)


def test_a_file_without_a_stream():
    with pytest.raises(rnnlite.ModelError, match="the file has no signature 'stream'"):
        time_stream(doubled(), calls=10)


def test_the_table():
    text = as_text(stream_table([StreamTiming(1, 10, 2.0, 3.0, 4.0, 5.0, np.pi, None)]))
    assert "99.9 %" in text
    assert "3.14" in text


def test_of_a_table_what_is_not_known_is_left_out():
    rows = [StreamTiming(n, 10, 2.0, 3.0, 4.0, 5.0, 6.0, b) for n, b in ((1, None), (4, 2048))]
    lines = as_text(stream_table(rows)).splitlines()
    assert lines[0].startswith("Microseconds a chunk (10 calls)")
    one, four = (line.split() for line in lines[2:4])
    assert (one[0], one[-1]) == ("1", "6")
    assert (four[0], four[-1]) == ("4", "2048")


def signature(*inputs, batch=1):
    """Of inputs (name, shape, time, dtype)."""
    specs = tuple(TensorSpec(n, shape, dtype) for n, shape, _, dtype in inputs)
    known = tuple(StreamInput(n, time) for n, _, time, _ in inputs)
    layout = Layout(None, 1, 64, False, known, (), ())
    return Stream(StreamSignature(layout, specs, (), ()), lambda arrays: [], batch)


@pytest.mark.parametrize("steps", [1, 5])
def test_chunks_are_of_so_many_steps(steps):
    stream = signature(("x", (1, None, 3), 1, "float32"))
    found = bench_stream._chunk(stream, steps, np.random.default_rng(0))
    assert (found.shape, found.dtype) == ((steps, 3), np.float32)


def test_chunks_of_a_file_of_fixed_chunks_may_be_longer():
    """It takes any multiple, and runs them one after the other."""
    stream = signature(("x", (1, 2, 3), 1, "float32"))
    assert bench_stream._chunk(stream, 6, np.random.default_rng(0)).shape == (6, 3)


def test_chunks_of_several_inputs():
    stream = signature(("x", (1, None), 1, "int32"), ("speaker", (1, 4), None, "float32"))
    ids, speaker = bench_stream._chunk(stream, 5, np.random.default_rng(0))
    assert (ids.shape, ids.dtype) == ((5,), np.int32)
    assert speaker.shape == (4,)


def test_memory_of_a_stream_that_nobody_tells(monkeypatch):
    monkeypatch.setattr(bench_stream, "_resident", lambda: None)
    assert time_stream(summing(), calls=10).bytes_a_stream is None


@pytest.mark.parametrize(("after", "each"), [(250_000, 2000), (40_000, 0)])
def test_memory_of_a_stream_is_that_of_many_by_their_number(monkeypatch, after, each):
    """It never takes less than nothing: the system may get memory back meanwhile."""
    told = iter([50_000, after])
    monkeypatch.setattr(bench_stream, "_resident", lambda: next(told))
    assert bench_stream.STREAMS == 100
    assert time_stream(summing(), calls=10).bytes_a_stream == each


def test_a_system_without_such_a_file(monkeypatch):
    monkeypatch.setattr(bench_stream, "Path", lambda name: Path("/none", name.lstrip("/")))
    assert bench_stream._resident() is None
