"""A model over a data set: equal to `predict`, in order, each row once, also after a stop."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import rnnlite
from rnnlite.datasets import predicting
from rnnlite.datasets.opening import read_samples
from rnnlite.errors import DataError, OutputError, SampleError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def expected(tagger, rows):
    return rnnlite.load(tagger).predict(rows)


@pytest.fixture
def parquet(tmp_path, rows):
    array = pa.array([r.tolist() for r in rows], pa.list_(pa.list_(pa.float32(), 3)))
    pa.parquet.write_table(pa.table({"frames": array}), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 7 samples."""
    original = predicting.windows

    def windows(*args, **options):
        return original(*args, **options | {"most": 7})

    monkeypatch.setattr(predicting, "windows", windows)


def results(path):
    if path.suffix == ".npz":
        with np.load(path) as file:
            return [file[f"arr_{k}"] for k in range(len(file.files))]
    column = pa.parquet.read_table(path).column("scores").to_pylist()
    return [np.array(row, np.float32) for row in column]


def interrupt(_):
    raise KeyboardInterrupt


def same(found, expected):
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", [".npz", ".parquet"])
@pytest.mark.parametrize("data", [".npz", ".parquet"])
def test_results_are_those_of_predict(tagger, rows, expected, tmp_path, small_windows, kind, data):
    if data == ".npz":
        np.savez(tmp_path / "in.npz", *rows)
    else:
        array = pa.array([r.tolist() for r in rows])
        pa.parquet.write_table(pa.table({"frames": array}), tmp_path / "in.parquet")
    out = tmp_path / f"out{kind}"
    done = rnnlite.predict_files(tagger, tmp_path / f"in{data}", out)
    same(results(out), expected)
    assert (done.samples, done.resumed) == (40, 0)
    assert str(done) == f"40 samples: scores (any, 4); wrote {out}"
    assert not (tmp_path / f"out{kind}.unfinished").exists()


def test_a_folder_in_natural_order(tagger, rows, expected, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(0, 40, 4):
        np.savez(folder / f"part-{k}.npz", *rows[k : k + 4])
    done = rnnlite.predict_files(tagger, folder, tmp_path / "out.npz")
    same(results(tmp_path / "out.npz"), expected)
    rnnlite.predict_files(tagger, str(folder / "part-?.npz"), tmp_path / "some.npz")
    same(results(tmp_path / "some.npz"), expected[:12])
    assert done.to_dict()["outputs"] == {"scores": [None, 4]}
    np.savez(tmp_path / "single.npz", rows[0])
    one = rnnlite.predict_files(tagger, tmp_path / "single.npz", tmp_path / "one.npz")
    assert str(one).startswith("1 sample: scores")


@pytest.mark.parametrize("kind", [".npz", ".parquet"])
def test_a_run_goes_on_where_it_stopped(
    tagger, parquet, expected, tmp_path, small_windows, monkeypatch, kind
):
    out = tmp_path / f"out{kind}"
    add = predicting.Parts.add

    def fail(parts, columns, first, count):
        if first >= 21:
            raise KeyboardInterrupt
        add(parts, columns, first, count)

    with monkeypatch.context() as patch:
        patch.setattr(predicting.Parts, "add", fail)
        with pytest.raises(KeyboardInterrupt):
            rnnlite.predict_files(tagger, parquet, out)
    assert not out.exists()
    with pytest.raises(OutputError, match=r"has left .*found 21 rows done.*--resume"):
        rnnlite.predict_files(tagger, parquet, out)
    done = rnnlite.predict_files(tagger, parquet, out, resume=True)
    assert (done.samples, done.resumed) == (40, 21)
    same(results(out), expected)


def test_it_goes_on_only_with_the_same(tagger, parquet, tmp_path, monkeypatch):
    out = tmp_path / "out.npz"
    with monkeypatch.context() as patch:
        patch.setattr(predicting.Parts, "finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            rnnlite.predict_files(tagger, parquet, out)
    with pytest.raises(OutputError, match="asked for something else; expected the same options"):
        rnnlite.predict_files(tagger, parquet, out, raw=True, resume=True)
    os.utime(parquet, (1, 1))
    with pytest.raises(OutputError, match="expected the same data"):
        rnnlite.predict_files(tagger, parquet, out, resume=True)
    (tmp_path / "out.npz.unfinished" / "run.json").write_text("{")
    with pytest.raises(OutputError, match="expected the same model, data, options"):
        rnnlite.predict_files(tagger, parquet, out, resume=True)


def test_all_parts_there_are_only_joined(tagger, parquet, expected, tmp_path, monkeypatch):
    out = tmp_path / "out.npz"
    with monkeypatch.context() as patch:
        patch.setattr(predicting.Parts, "finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            rnnlite.predict_files(tagger, parquet, out)
    assert rnnlite.predict_files(tagger, parquet, out, resume=True).resumed == 40
    same(results(out), expected)


SCRIPT = """
import sys, time, rnnlite
from rnnlite.datasets import predicting
original, add = predicting.windows, predicting.Parts.add
predicting.windows = lambda *a, **o: original(*a, **o | {"most": 5})
def slow(*a):
    add(*a)
    time.sleep(0.2)
predicting.Parts.add = slow
rnnlite.predict_files(*sys.argv[1:4], resume=True)
"""


def test_a_killed_run(tagger, parquet, expected, tmp_path):
    (tmp_path / "m.tflite").write_bytes(tagger)
    out = tmp_path / "out.parquet"
    command = [sys.executable, "-c", SCRIPT, tmp_path / "m.tflite", parquet, out]
    child = subprocess.Popen(command)
    folder = tmp_path / "out.parquet.unfinished"
    end = time.monotonic() + 60
    while len(list(folder.glob("*.part"))) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    with pytest.raises(OutputError, match=r"another run is writing '.*out\.parquet'"):
        rnnlite.predict_files(tagger, parquet, out, resume=True)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not out.exists()
    done = rnnlite.predict_files(tagger, parquet, out, resume=True)
    assert 10 <= done.resumed < 40
    same(results(out), expected)


FULL = """
import resource, signal, sys, rnnlite
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    rnnlite.predict_files(*sys.argv[1:4])
except rnnlite.OutputError as e:
    print(e)
"""


def test_a_full_disk(tagger, parquet, expected, tmp_path):
    (tmp_path / "m.tflite").write_bytes(tagger)
    out = tmp_path / "out.npz"
    command = [sys.executable, "-c", FULL, tmp_path / "m.tflite", parquet, out]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"cannot write '{out}"), printed
    assert "File too large" in printed
    assert "--resume" in printed
    assert not out.exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 3000
    rnnlite.predict_files(tagger, parquet, out, resume=True)
    same(results(out), expected)


def test_rows_that_do_not_fit_are_named(tagger, rows, tmp_path):
    np.savez(tmp_path / "in.npz", *rows[:5], np.full((2, 3), np.nan, np.float32))
    with pytest.raises(SampleError, match=r"sample 5 of '.*in\.npz', input 'frames' holds NaN"):
        rnnlite.predict_files(tagger, tmp_path / "in.npz", tmp_path / "out.npz")
    np.save(tmp_path / "one.npy", rows[0])
    np.savez(tmp_path / "huge.npz", *rows[:2], np.full((2, 3), 1e39))
    with pytest.raises(SampleError, match=r"sample 2 of '.*huge\.npz', input 'frames' holds inf"):
        rnnlite.predict_files(
            tagger, [tmp_path / "one.npy", tmp_path / "huge.npz"], tmp_path / "out.npz"
        )
    # Nothing is left to ask about: the next run begins.
    assert not list(tmp_path.glob("out*"))


def test_nothing_is_written_over_what_is_read(tagger, rows, tmp_path):
    np.savez(tmp_path / "in.npz", *rows)
    (tmp_path / "link.npz").hardlink_to(tmp_path / "in.npz")
    before = (tmp_path / "in.npz").read_bytes()
    for out in ("in.npz", "link.npz"):
        with pytest.raises(OutputError, match=r"the same call reads it, or writes it too"):
            rnnlite.predict_files(tagger, tmp_path / "in.npz", tmp_path / out)
    with pytest.raises(OutputError, match=r"in\.npz': the same call reads it"):
        rnnlite.predict_files(tagger, str(tmp_path / "*.npz"), tmp_path / "in.npz")
    assert (tmp_path / "in.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("no/out.npz", "there is no folder"),
        ("out.csv", r"kind that is not written; expected \.npz or \.parquet; found \.csv"),
        ("folder.npz", "it is a folder"),
    ],
)
def test_outputs_that_cannot_be(tagger, parquet, tmp_path, out, message):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError, match=message):
        rnnlite.predict_files(tagger, parquet, tmp_path / out)


def test_data_that_is_not_there(tagger, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in.txt").write_text("")
    for data, message in [
        (tmp_path / "none.npz", "No such file"),
        (tmp_path / "in", "holds no data; expected files of"),
        (str(tmp_path / "*.npz"), "holds no data; expected files of"),
        (tmp_path / "in.txt", "kind that is not read; expected .npz, .npy or .parquet"),
        ([], "no data is given"),
    ]:
        with pytest.raises(DataError, match=message):
            rnnlite.predict_files(tagger, data, tmp_path / "out.npz")
    np.savez(tmp_path / "s.npz", np.ones((2, 3)))
    with pytest.raises(DataError, match=r"given for the input 'y'.*expected frames"):
        rnnlite.predict_files(tagger, tmp_path / "s.npz", tmp_path / "o.npz", columns={"y": "a"})


def test_samples_in_memory(tagger, rows, tmp_path):
    np.savez(tmp_path / "s.npz", *rows)
    same(read_samples(tmp_path / "s.npz", rnnlite.load(tagger).inputs), rows)


def test_the_record_of_a_run_is_json(tagger, parquet, tmp_path, monkeypatch):
    monkeypatch.setattr(predicting.Parts, "finish", lambda _: None)
    rnnlite.predict_files(tagger, parquet, tmp_path / "out.npz")
    found = json.loads((tmp_path / "out.npz.unfinished" / "run.json").read_text())
    assert found["data"][0][0] == str(parquet)
    assert found["options"] == {
        "columns": {},
        "raw": False,
        "kind": ".npz",
        "signature": "serving_default",
        "early": None,
    }
