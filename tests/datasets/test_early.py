"""Data sets by the exits of a file: what is written equals `predict_early`, also after a stop."""

import json

import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.datasets import predicting
from rnnlite.errors import DataError, ModelError, OutputError, SampleError

L = keras.layers
THRESHOLD = 0.3


def two_exits(sequence):
    """(T, 3) to "early" (4) and "late" (4); or (T, 4) both, if `sequence`; or the first alone."""
    keras.utils.set_random_seed(3)
    frames = keras.Input((None, 3), name="frames")
    states = L.GRU(5, return_sequences=True)(frames)
    more = L.LSTM(6, return_sequences=True)(states)
    pooled = {"early": L.GlobalAveragePooling1D()(states), "late": more[:, -1]}
    whole = {"early": states, "late": more}
    outputs = [
        L.Dense(4, activation="softmax", name=n)((whole if n in sequence else pooled)[n])
        for n in ("early", "late")
    ]
    return rnnlite.convert(keras.Model(frames, outputs), exits=True, verify=False).tflite


@pytest.fixture(scope="module")
def model():
    return two_exits(())


@pytest.fixture
def data(tmp_path, rows):
    np.savez(tmp_path / "in.npz", *rows)
    return tmp_path / "in.npz"


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 7 samples."""
    original = predicting.windows
    monkeypatch.setattr(
        predicting, "windows", lambda *args, **options: original(*args, **options | {"most": 7})
    )


def require_same(path, expected):
    with np.load(path) as found:
        count = len(expected.outputs)
        assert len(found.files) == 3 * count
        for k in range(count):
            np.testing.assert_array_equal(found[f"output/{k}"], expected.outputs[k])
            assert found[f"exit/{k}"] == expected.exits[k]
            assert found[f"score/{k}"] == pytest.approx(expected.scores[k])


def test_rows_leave_by_the_first_exit_that_is_sure(model, data, rows, tmp_path):
    done = rnnlite.predict_files(model, data, tmp_path / "out.npz", early=THRESHOLD)
    expected = rnnlite.load(model).predict_early(rows, THRESHOLD)
    assert set(expected.exits) == {0, 1}
    require_same(tmp_path / "out.npz", expected)
    assert done.shares == expected.shares
    assert json.loads(json.dumps(done.to_dict()))["shares"] == expected.shares
    share = expected.shares["early"]
    left = f"left by early {share:.0%}, late {1 - share:.0%};"
    assert str(done).startswith(f"40 samples: output (4), exit (), score (); {left}")


def test_an_interrupted_run_goes_on_with_the_same_threshold(
    model, data, rows, tmp_path, small_windows, monkeypatch
):
    out = tmp_path / "out.npz"
    with monkeypatch.context() as patch:
        seen = []
        original = predicting.Parts.add

        def add(self, *args):
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(args)
            original(self, *args)

        patch.setattr(predicting.Parts, "add", add)
        with pytest.raises(KeyboardInterrupt):
            rnnlite.predict_files(model, data, out, early=THRESHOLD)
    with pytest.raises(OutputError, match="was asked for something else; expected the same opt"):
        rnnlite.predict_files(model, data, out, early=0.9, resume=True)
    done = rnnlite.predict_files(model, data, out, early=THRESHOLD, resume=True)
    expected = rnnlite.load(model).predict_early(rows, THRESHOLD)
    require_same(out, expected)
    assert done.resumed == 14
    assert done.shares["early"] == np.mean(expected.exits[14:] == 0)


def test_a_column_of_parquet_each(model, data, rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    rnnlite.predict_files(model, data, tmp_path / "out.parquet", early=THRESHOLD)
    expected = rnnlite.load(model).predict_early(rows, THRESHOLD)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column("exit").to_pylist() == list(expected.exits)
    np.testing.assert_allclose(table.column("score").to_pylist(), expected.scores, atol=1e-7)
    np.testing.assert_array_equal(table.column("output").to_pylist(), np.stack(expected.outputs))


def test_exits_of_different_kinds(data, rows, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    mixed = two_exits(("early",))
    rnnlite.predict_files(mixed, data, tmp_path / "out.npz", early=THRESHOLD)
    require_same(tmp_path / "out.npz", rnnlite.load(mixed).predict_early(rows, THRESHOLD))
    expected = r"different kinds; expected one kind, for one column; found early \[None, 4\], late"
    with pytest.raises(OutputError, match=expected):
        rnnlite.predict_files(mixed, data, tmp_path / "out.parquet", early=THRESHOLD)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"raw": True}, "raw"),
        ({"batch_size": 2, "engine": "ray"}, "batch_size, engine"),
        ({"signature": "serving_default"}, "signature"),
        ({"max_batch_bytes": 99}, "max_batch_bytes"),
    ],
)
def test_what_means_nothing_beside_it_is_refused(model, data, tmp_path, options, found):
    expected = f"exits are run for one sample at a time, in this process; .*; found {found}. Leave"
    with pytest.raises(DataError, match=expected):
        rnnlite.predict_files(model, data, tmp_path / "out.npz", early=0.5, **options)


def test_no_threshold_and_no_exits(model, tagger, data, tmp_path):
    with pytest.raises(SampleError, match="threshold is no number"):
        rnnlite.predict_files(model, data, tmp_path / "out.npz", early=True)
    with pytest.raises(ModelError, match="the file has no exits"):
        rnnlite.predict_files(tagger, data, tmp_path / "out.npz", early=0.5)
    assert not (tmp_path / "out.npz").exists()
