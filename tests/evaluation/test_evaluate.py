"""Evaluations of files against what plain predictions give."""

import csv
import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import rnnlite
from evaluation.files import averaging, several, summed
from rnnlite.errors import DataError, ModelError, OutputError
from rnnlite.evaluation.files import evaluate_files
from rnnlite.evaluation.records import Classification, Regression

RNG = np.random.default_rng(6)


def test_a_classifier(model, rows):
    scores = rnnlite.load(model("classifier")).predict(rows)
    labels = RNG.integers(0, 4, 30)
    found = rnnlite.evaluate(model("classifier"), rows, labels, worst=3)
    assert isinstance(found.scores, Classification)
    assert found.scores.accuracy == pytest.approx((scores.argmax(1) == labels).mean())
    assert found.agreement is None
    misses = 1 - scores[np.arange(30), labels]
    assert [w.row for w in found.worst] == np.argsort(-misses)[:3].tolist()
    assert found.worst[0].difference == pytest.approx(misses.max(), rel=1e-6)
    assert found.worst[0].length == len(rows[found.worst[0].row])


def test_names_of_classes_and_text_labels(model, rows):
    names = ["low", "mid", "high", "none"]
    numbers = RNG.integers(0, 4, 30)
    found = rnnlite.evaluate(
        model("classifier"), iter(rows), [names[k] for k in numbers], classes=names
    )
    same = rnnlite.evaluate(model("classifier"), rows, numbers)
    assert found.scores.accuracy == same.scores.accuracy
    assert [c.name for c in found.scores.classes] == names


def test_a_class_a_step(model, rows):
    predicted = rnnlite.load(model("tagger")).predict(rows)
    labels = [RNG.integers(0, 4, len(row)) for row in rows]
    found = rnnlite.evaluate(model("tagger"), rows, labels).scores
    right = [(p.argmax(1) == y).sum() for p, y in zip(predicted, labels, strict=True)]
    assert found.count == sum(map(len, rows))
    assert found.accuracy == pytest.approx(sum(right) / found.count)


def test_one_score_stands_for_two_classes(model, rows):
    scores = rnnlite.load(model("binary")).predict(rows)[:, 0]
    labels = RNG.integers(0, 2, 30)
    found = rnnlite.evaluate(model("binary"), rows, labels).scores
    assert found.accuracy == pytest.approx(((scores > 0.5) == labels).mean())
    assert len(found.classes) == 2


def test_a_regressor(model, rows):
    values = rnnlite.load(model("regressor")).predict(rows)[:, 0]
    labels = values + RNG.normal(0, 0.1, 30)
    found = rnnlite.evaluate(model("regressor"), rows, labels).scores
    assert isinstance(found, Regression)
    assert found.rms_error == pytest.approx(np.sqrt(np.mean((values - labels) ** 2)), rel=1e-5)
    assert found.correlation == pytest.approx(np.corrcoef(values, labels)[0, 1], rel=1e-5)
    whole = rnnlite.evaluate(model("regressor"), rows, np.ones(30, int), task="regression")
    assert whole.scores.mean_absolute_error == pytest.approx(np.abs(values - 1).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
def test_against_another_model_without_labels(model, rows, kind):
    one, other = (rnnlite.load(model(kind, seed)).predict(rows) for seed in (1, 2))
    found = rnnlite.evaluate(model(kind), rows, against=model(kind, 2))
    assert found.scores is None
    same = [(a.argmax(-1) == b.argmax(-1)).ravel() for a, b in zip(one, other, strict=True)]
    assert found.agreement.same_class == pytest.approx(np.concatenate(same).mean())
    rms = [np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(one, other, strict=True)]
    assert found.worst[0].row == int(np.argmax(rms))
    assert found.worst[0].difference == pytest.approx(max(rms), rel=1e-5)


def test_the_other_models_only_output_is_the_one_to_compare_with(model, rows):
    import keras

    keras.utils.set_random_seed(4)
    named = keras.Sequential(
        [keras.Input((None, 3)), keras.layers.GRU(4), keras.layers.Dense(4, name="scores")]
    )
    other = rnnlite.convert(named, verify=False).tflite
    found = rnnlite.evaluate(model("classifier"), rows, against=other)
    wanted = rnnlite.load(model("classifier")).predict(rows) - rnnlite.load(other).predict(rows)
    assert found.agreement.largest_difference == pytest.approx(np.abs(wanted).max(), rel=1e-5)


def test_both(model, rows):
    labels = RNG.integers(0, 4, 30)
    found = rnnlite.evaluate(model("classifier"), rows, labels, against=model("classifier", 2))
    alone = rnnlite.evaluate(model("classifier", 2), rows, labels)
    assert found.other.accuracy == alone.scores.accuracy
    text = str(found)
    for part in ("30 samples, output 'result'", "accuracy", "By class", "By length", "same class"):
        assert part in text
    data = found.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False))["agreement"]["values"] == 120


def test_files_tables_and_the_worst_samples(model, rows, tmp_path):
    labels = RNG.integers(0, 4, 30)
    arrays = {f"frames/{k}": row for k, row in enumerate(rows)}
    np.savez(tmp_path / "d.npz", **arrays, y=labels)
    np.save(tmp_path / "y.npy", labels)
    (tmp_path / "y.txt").write_text("\n".join(map(str, labels)) + "\n")
    expected = rnnlite.evaluate(
        model("classifier"), rows, labels, against=model("classifier", 2)
    ).to_dict()
    for place in ("y", tmp_path / "y.npy", tmp_path / "y.txt"):
        found = evaluate_files(
            model("classifier"),
            tmp_path / "d.npz",
            place,
            against=model("classifier", 2),
            table=tmp_path / "t.csv",
            save=tmp_path / "worst.npz",
        )
        assert found.to_dict() == expected
    with open(tmp_path / "t.csv") as file:
        table = list(csv.DictReader(file))
    assert [int(r["row"]) for r in table] == list(range(30))
    assert [int(r["label"]) for r in table] == labels.tolist()
    assert sum(int(r["right"]) for r in table) / 30 == pytest.approx(found.scores.accuracy)
    with np.load(tmp_path / "worst.npz") as worst:
        assert np.array_equal(worst["arr_0"], rows[found.worst[0].row])
        assert len(worst.files) == 20


def test_a_table_as_parquet(model, rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    np.savez(tmp_path / "d.npz", *rows)
    evaluate_files(
        model("tagger"),
        tmp_path / "d.npz",
        against=model("tagger", 2),
        table=tmp_path / "t.parquet",
    )
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.column_names == ["row", "length", "difference"]
    assert table.column("length").to_pylist() == [len(row) for row in rows]


def test_labels_of_steps_as_a_table(model, rows, tmp_path):
    rows = [rows[0][:1], *rows[:4], rows[1][:1]]
    labels = [np.zeros(len(row), int) for row in rows]
    np.savez(tmp_path / "d.npz", *rows)
    np.savez(tmp_path / "y.npz", **{f"labels/{k}": label for k, label in enumerate(labels)})
    found = evaluate_files(
        model("tagger"), tmp_path / "d.npz", tmp_path / "y.npz", table=tmp_path / "t.csv"
    )
    with open(tmp_path / "t.csv") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["row", "length", "right", "difference"]
    assert sum(int(r["right"]) for r in table) == round(found.scores.accuracy * found.scores.count)


def test_places_that_cannot_be_written(model, rows, tmp_path):
    np.savez(tmp_path / "d.npz", *rows)
    (tmp_path / "y.csv").write_text("0\n" * 30)
    for options, message in [
        ({"save": tmp_path / "d.npz"}, r"d\.npz': the same call reads it"),
        ({"table": tmp_path / "y.csv"}, r"y\.csv': the same call reads it"),
        ({"save": tmp_path / "no" / "w.npz"}, "there is no folder"),
        ({"save": tmp_path / "w.parquet"}, r"expected \.npz; found \.parquet"),
    ]:
        with pytest.raises(OutputError, match=message):
            evaluate_files(model("classifier"), tmp_path / "d.npz", tmp_path / "y.csv", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz", "y.csv"]


def test_nothing_is_left_where_it_fails(model, rows, tmp_path):
    np.savez(tmp_path / "d.npz", *rows)
    np.save(tmp_path / "y.npy", np.zeros(12, int))
    with pytest.raises(
        DataError, match=f"fewer labels than samples; expected {len(rows)}; found 12"
    ):
        evaluate_files(
            model("classifier"), tmp_path / "d.npz", tmp_path / "y.npy", table=tmp_path / "t.csv"
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz", "y.npy"]
    np.savez(tmp_path / "d.npz", *rows)
    with pytest.raises(OutputError, match=r"not written; expected \.csv or \.parquet; found \.txt"):
        evaluate_files(
            model("tagger"),
            tmp_path / "d.npz",
            against=model("tagger"),
            table=tmp_path / "t.txt",
        )


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0] * 31, {}, "more labels than samples; expected 30"),
        ([4] * 30, {}, "row 0 has a label that is no class; expected 0 to 3; found 4"),
        ([0.5] * 30, {"task": "classification"}, "row 0 has a label that is no class"),
        (["cat"] * 30, {}, "no class: 'cat'; expected numbers. Give the names"),
        (["cat"] * 30, {"classes": ["a", "b", "c", "d"]}, "no class: 'cat'; expected a, b, c, d"),
        ([[0, 1]] * 30, {}, "row 0 has another number of labels than results; expected 1; found 2"),
        (
            [[0.5, 1]] * 30,
            {},
            r"row 0 has another number.*expected shape \(4,\); found shape \(2,\)",
        ),
        ([1.0] * 30, {}, r"found shape \(\). If labels are classes, say task='classification'"),
        ([[0.5, 1, 1, float("nan")]] * 30, {}, "row 0 has a label that is NaN or infinite"),
        (["x"] * 30, {"task": "regression"}, "row 0 has a label that is no number; found x"),
        ([0] * 30, {"task": "ranking"}, "unknown task; expected auto, classification, regression"),
        ([0] * 30, {"classes": ["a"]}, "names of the classes are not as many.*expected 4; found 1"),
        (None, {}, "nothing to compare with; expected labels, another model, or both"),
        (5, {}, "labels is no list of labels; found int"),
        ("none.npy", {}, "No such file"),
    ],
)
def test_labels_that_do_not_fit(model, rows, labels, options, message):
    with pytest.raises(DataError, match=message):
        rnnlite.evaluate(model("classifier"), rows, labels, **options)


def test_outputs_that_do_not_fit(model, rows, exits, sequences):
    with pytest.raises(ModelError, match=r"several outputs; expected tags, label.*--output"):
        rnnlite.evaluate(exits.tflite, sequences, [0] * 5)
    with pytest.raises(ModelError, match="no output 'x'; expected tags, label"):
        rnnlite.evaluate(exits.tflite, sequences, [0] * 5, output="x")
    found = rnnlite.evaluate(exits.tflite, sequences, [0] * 5, output="label")
    assert found.scores.count == 5
    with pytest.raises(ModelError, match="of the other model has another shape"):
        rnnlite.evaluate(model("tagger"), rows, against=model("classifier"))
    with pytest.raises(ModelError, match="other model has no such output; expected 'result'; fo"):
        rnnlite.evaluate(model("classifier"), rows, against=exits.tflite)
    with pytest.raises(DataError, match="no samples"):
        rnnlite.evaluate(model("tagger"), [], against=model("tagger"))


def test_lines_of_text(model, rows, tmp_path):
    (tmp_path / "y.txt").write_text("1,2\n")
    with pytest.raises(DataError, match="several values a line; expected one label; found 1, 2"):
        rnnlite.evaluate(model("classifier"), rows, tmp_path / "y.txt")
    (tmp_path / "y.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot read the labels"):
        rnnlite.evaluate(model("classifier"), rows, tmp_path / "y.txt")


REGRESSION = {"task": "regression"}


def plain(*rows):
    """Rows of one step each, and what a model that averages gives for them: the same."""
    return [np.array([row], np.float32) for row in rows]


def test_what_is_no_number_is_the_worst_row():
    """It has no place in an order: none of the others may be lost by it."""
    rows = plain([0.1, 0.2, 0.3], [0.5, 0.1, 0.2], [0.9, 0.8, 0.1], [0.3, 0.3, 0.2])
    # 1 / 0 for the first, by a factor that overflows.
    found = rnnlite.evaluate(
        averaging(factor=3e38), [row * 1e5 for row in rows], against=averaging(), worst=4
    )
    assert sorted(w.row for w in found.worst) == [0, 1, 2, 3]
    rates = [w.difference for w in found.worst]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("worst", [0, 1, 3, 9])
def test_as_many_of_the_worst_as_asked_for(worst):
    rows = plain([0.1, 0, 0], [0.5, 0, 0], [0.9, 0, 0], [0.3, 0, 0])
    labels = np.zeros((4, 3))
    found = rnnlite.evaluate(averaging(), rows, labels, worst=worst, **REGRESSION)
    assert [w.row for w in found.worst] == [2, 1, 3, 0][:worst]


def test_of_equally_bad_rows_the_first_comes_first():
    found = rnnlite.evaluate(
        averaging(), plain(*[[0.5, 0, 0]] * 4), np.zeros((4, 3)), worst=2, **REGRESSION
    )
    assert [w.row for w in found.worst] == [0, 1]


def test_one_score_of_a_half_is_the_first_class():
    """Alike against labels and against the other model."""
    rows = plain([0.5], [0.75], [0.25])
    one = averaging(width=1)
    found = rnnlite.evaluate(one, rows, [0, 1, 0], against=averaging(width=1, offset=0.125))
    assert found.scores.accuracy == 1
    # The other gives 0.625, 0.875, 0.375.
    assert found.other.accuracy == pytest.approx(2 / 3)
    assert found.agreement.same_class == pytest.approx(2 / 3)


def test_a_number_without_axes():
    rows = plain([1.0, 2.0, 3.0], [0.0, 0.5, 0.0])
    found = rnnlite.evaluate(summed(), rows, [6.0, 1.5], **REGRESSION)
    assert found.scores.largest_error == pytest.approx(1.0)
    with pytest.raises(DataError, match="output 'total' has no score for each class"):
        rnnlite.evaluate(summed(), rows, [6, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "there are fewer labels than samples; expected 3; found 2"),
        ([0, 1, 2, 0], "there are more labels than samples; expected 3"),
        ([0, 1, 3], "row 2"),
        (7, "labels is no list of labels; found int"),
    ],
)
def test_labels_that_do_not_go_with_the_samples(labels, message):
    with pytest.raises(DataError, match=message):
        rnnlite.evaluate(averaging(), plain(*[[0.1, 0.2, 0.3]] * 3), labels)


def test_samples_without_an_end_are_not_counted():
    samples = itertools.repeat(plain([0.1, 0.2, 0.3])[0])
    message = "there are fewer labels than samples; expected more than 2; found 2"
    with pytest.raises(DataError, match=message):
        rnnlite.evaluate(averaging(), samples, [0, 1])


def test_no_samples():
    with pytest.raises(DataError, match="there are no samples; expected at least one"):
        rnnlite.evaluate(averaging(), [], [])


def test_records_are_kept_in_order():
    rows = plain([0.1, 0.7, 0.2], [0.5, 0.1, 0.2])
    kept = []
    rnnlite.evaluate(averaging(), rows, [1, 1], against=averaging(offset=0.5), keep=kept.append)
    assert [(r["row"], r["length"], r["label"], r["picked"]) for r in kept] == [
        (0, 1, 1, 1),
        (1, 1, 1, 0),
    ]
    assert [(r["right"], r["other_right"], r["other_picked"]) for r in kept] == [
        (1, 1, 1),
        (0, 0, 0),
    ]
    # Beside another model, the difference is that of both.
    assert [r["difference"] for r in kept] == pytest.approx([0.5, 0.5])


def test_rows_of_steps_have_no_one_label():
    kept = []
    steps = averaging(steps=True)
    rnnlite.evaluate(steps, [np.eye(3, dtype=np.float32)], [[0, 1, 1]], keep=kept.append)
    (record,) = kept
    assert record["right"] == 2
    assert record["difference"] == pytest.approx(1 / 3)
    assert not {"label", "picked"} & record.keys()


OUTPUTS = {
    "none named": (
        {},
        averaging(),
        "the model has several outputs; expected mean, twice. Name one: output= (--output).",
    ),
    "an unknown one": (
        {"output": "label"},
        averaging(),
        "there is no output 'label'; expected mean, twice. Name one: output= (--output).",
    ),
    "of another rank": (
        {"output": "twice"},
        averaging(),
        "output 'scores' of the other model has another shape; expected (None, 3); found (3,).",
    ),
    "of another width": (
        {"output": "mean"},
        averaging(width=3, name="x1", steps=True),
        "output 'x1' of the other model has another shape; expected (3,); found (None, 3).",
    ),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_that_cannot_be_compared(name):
    options, other, message = OUTPUTS[name]
    with pytest.raises(ModelError, match=re.escape(message)):
        rnnlite.evaluate(several(), plain([0.1, 0.2, 0.3]), against=other, **options)


def test_the_other_models_output_of_the_same_name():
    found = rnnlite.evaluate(several(), plain([0.1, 0.2, 0.3]), against=several(), output="twice")
    assert found.output == "twice"
    assert found.agreement.largest_difference == 0


def test_another_model_without_such_an_output():
    rows = plain([0.1, 0.2, 0.3])
    both = rnnlite.load(several())
    both.outputs = tuple(replace(spec, name=f"{spec.name}_2") for spec in both.outputs)
    expected = "the other model has no such output; expected 'mean'; found mean_2, twice_2."
    with pytest.raises(ModelError, match=re.escape(expected)):
        rnnlite.evaluate(several(), rows, against=both, output="mean")


def test_lengths_are_those_of_the_free_axis():
    rows = [np.ones((n, 3), np.float32) for n in (2, 5, 5)]
    found = rnnlite.evaluate(averaging(), rows, np.ones((3, 3)), **REGRESSION)
    assert [(s.first, s.last, s.rows) for s in found.scores.lengths] == [(2, 2, 1), (5, 5, 2)]
