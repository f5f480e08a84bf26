"""Evaluations over data files: columns, labels in the data and beside, tables, worst rows."""

import csv
import re

import numpy as np
import pytest

from evaluation.files import averaging
from rnnlite.errors import DataError, ModelError, OutputError
from rnnlite.evaluation import files as module
from rnnlite.evaluation.files import evaluate_files

RNG = np.random.default_rng(3)
ROWS = [RNG.random((n, 3)).astype(np.float32) for n in (4, 2, 7, 1, 5, 2)]
MEANS = np.stack([r.mean(0) for r in ROWS])
PICKED = MEANS.argmax(1)
LABELS = np.array([0, 1, 2, 0, 1, 2])
MODEL = averaging()


@pytest.fixture
def data(tmp_path):
    """Rows by number, and labels beside each: x/0, label/0, ..."""
    arrays = {f"x/{k}": row for k, row in enumerate(ROWS)}
    labels = {f"label/{k}": LABELS[k] for k in range(len(ROWS))}
    np.savez(tmp_path / "d.npz", **arrays, **labels)
    np.save(tmp_path / "y.npy", LABELS)
    return tmp_path / "d.npz"


ACCURACY = (PICKED == LABELS).mean()


@pytest.mark.parametrize("labels", ["column", "file"])
def test_labels_are_a_column_or_a_file(data, labels):
    given = "label" if labels == "column" else data.parent / "y.npy"
    found = evaluate_files(MODEL, data, given)
    assert found.samples == 6
    assert found.output == "scores"
    assert found.scores.accuracy == pytest.approx(ACCURACY)


def test_an_inputs_column_may_have_another_name(data, tmp_path):
    np.savez(tmp_path / "o.npz", **{f"frames/{k}": row for k, row in enumerate(ROWS)})
    found = evaluate_files(MODEL, tmp_path / "o.npz", tmp_path / "y.npy", columns={"x": "frames"})
    assert found.scores.accuracy == pytest.approx(ACCURACY)


def test_several_files_are_one_set(data, tmp_path):
    for k, part in enumerate((slice(0, 2), slice(2, 6))):
        rows = {f"x/{n}": row for n, row in enumerate(ROWS[part])}
        np.savez(tmp_path / f"part{k}.npz", **rows)
    parts = [tmp_path / "part0.npz", tmp_path / "part1.npz"]
    found = evaluate_files(MODEL, parts, tmp_path / "y.npy")
    assert found.samples == 6
    assert found.scores.accuracy == pytest.approx(ACCURACY)


def test_against_another_model_without_labels(data):
    found = evaluate_files(MODEL, data, against=averaging(factor=2.0))
    assert found.scores is None
    assert found.agreement.same_class == 1
    assert found.agreement.rms_difference == pytest.approx(np.sqrt(np.mean(MEANS**2)), rel=1e-5)


def test_both_models_have_scores(data):
    found = evaluate_files(MODEL, data, "label", against=averaging(factor=-1.0))
    assert found.scores.accuracy == pytest.approx(ACCURACY)
    assert found.other.accuracy == pytest.approx((MEANS.argmin(1) == LABELS).mean())


def test_a_row_of_a_table_for_each_sample(data, tmp_path):
    evaluate_files(MODEL, data, "label", against=MODEL, table=tmp_path / "t.csv")
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["row"]) for r in rows] == list(range(6))
    assert [int(r["length"]) for r in rows] == [len(r) for r in ROWS]
    assert [int(r["picked"]) for r in rows] == PICKED.tolist()
    assert [int(r["other_picked"]) for r in rows] == PICKED.tolist()
    assert [float(r["difference"]) for r in rows] == [0.0] * 6


def test_the_worst_samples_are_kept(data, tmp_path):
    found = evaluate_files(MODEL, data, "label", worst=2, save=tmp_path / "w.npz")
    off = 1 - MEANS[np.arange(6), LABELS]
    expected = np.argsort(-off)[:2]
    assert [w.row for w in found.worst] == expected.tolist()
    with np.load(tmp_path / "w.npz") as saved:
        kept = [a for a in saved.values() if a.ndim == 2]
    assert len(kept) == 2
    for row, array in zip(expected, kept, strict=True):
        np.testing.assert_array_equal(array, ROWS[row])


def test_progress_counts_rows(data, monkeypatch):
    bars = []
    real = module.Progress

    class Counted(real):
        def __init__(self, title, total, shown):
            super().__init__(title, total, shown)
            bars.append([title, total, 0])

        def add(self, count=1):
            bars[-1][2] += count

    monkeypatch.setattr(module, "Progress", Counted)
    evaluate_files(MODEL, data, "label")
    assert bars == [["evaluate", 6, 6]]


REFUSED = {
    "no such column": (
        {"labels": "klass"},
        DataError,
        "no column for labels; expected 'klass'; found x, label.",
    ),
    "nothing to compare with": ({}, DataError, "there is nothing to compare with"),
    "no such output": (
        {"labels": "label", "output": "probs"},
        ModelError,
        "there is no output 'probs'; expected scores",
    ),
    "an unknown task": (
        {"labels": "label", "task": "ranking"},
        DataError,
        "unknown task; expected auto, classification, regression; found ranking",
    ),
    "no such model": ({"against": "none.tflite"}, ModelError, "cannot read the LiteRT model"),
    "a kind that is not written": (
        {"labels": "label", "save": "w.txt"},
        OutputError,
        "w.txt",
    ),
    "no folder": ({"labels": "label", "table": "no/t.csv"}, OutputError, "there is no folder"),
    "over the data": (
        {"labels": "label", "save": "d.npz"},
        OutputError,
        "the same call reads it, or writes it too",
    ),
    "over the labels": (
        {"labels": "y.npy", "table": "y.npy"},
        OutputError,
        "the same call reads it, or writes it too",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_everything_as_it_was(data, monkeypatch, name):
    options, error, message = REFUSED[name]
    monkeypatch.chdir(data.parent)
    before = {p.name: p.read_bytes() for p in data.parent.iterdir()}
    given = {k: module.Path(v) if k in ("save", "table") else v for k, v in options.items()}
    with pytest.raises(error, match=re.escape(message)):
        evaluate_files(MODEL, "d.npz", **given)
    assert {p.name: p.read_bytes() for p in data.parent.iterdir()} == before


def test_a_place_is_refused_before_a_row_is_run(data, monkeypatch):
    monkeypatch.setattr(module, "evaluate", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(OutputError):
        evaluate_files(MODEL, data, "label", table=data.parent / "no" / "t.csv")


def test_a_failure_half_way_leaves_no_table(data, tmp_path):
    np.save(tmp_path / "short.npy", LABELS[:3])
    with pytest.raises(DataError, match="fewer labels than samples; expected 6; found 3"):
        evaluate_files(MODEL, data, tmp_path / "short.npy", table=tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
