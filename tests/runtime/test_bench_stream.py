"""Times of a stream's calls."""

import json

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import rnnlite
from rnnlite.cli.main import app
from rnnlite.runtime.bench_stream import stream_table, time_stream


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A file whose chunks are of one step."""
    x = keras.Input((None, 4), name="x")
    model = keras.Model(x, keras.layers.GRU(3, return_sequences=True)(x))
    path = tmp_path_factory.mktemp("live") / "live.tflite"
    return rnnlite.convert(model, streaming=1).save(path)


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


def test_a_file_without_a_stream(exits):
    with pytest.raises(rnnlite.ModelError, match="the file has no signature 'stream'"):
        time_stream(exits.tflite, calls=10)


def test_the_table():
    from rnnlite.report.tables import as_text
    from rnnlite.report.timings import StreamTiming

    text = as_text(stream_table([StreamTiming(1, 10, 2.0, 3.0, 4.0, 5.0, np.pi, None)]))
    assert "99.9 %" in text
    assert "3.14" in text
