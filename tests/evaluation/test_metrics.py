"""Scores row by row equal to those of all rows at once."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.evaluation.metrics import (
    AgreementScore,
    ByLength,
    ClassificationScore,
    RegressionScore,
    classes_of,
)

RNG = np.random.default_rng(4)


def test_classification_against_plain_numpy():
    rows = [(RNG.random((n, 4)), RNG.integers(0, 4, n)) for n in RNG.integers(1, 6, 50)]
    score = ClassificationScore(4, top_k=2)
    right = [score.add(scores, labels, len(labels)) for scores, labels in rows]
    found = score.record()
    scores = np.concatenate([s for s, _ in rows])
    labels = np.concatenate([y for _, y in rows])
    picked = scores.argmax(axis=1)
    assert sum(right) == (picked == labels).sum()
    assert found.count == len(labels)
    assert found.accuracy == pytest.approx((picked == labels).mean())
    best = np.argsort(-scores, axis=1)[:, :2]
    assert found.top_k_accuracy == pytest.approx((best == labels[:, None]).any(axis=1).mean())
    for k, each in enumerate(found.classes):
        assert each.count == (labels == k).sum()
        assert each.recall == pytest.approx((picked[labels == k] == k).mean())
        assert each.precision == pytest.approx((labels[picked == k] == k).mean())
        assert each.f1 == pytest.approx(
            2 * each.precision * each.recall / (each.precision + each.recall)
        )
        assert sum(found.confusion[k]) == each.count
    assert sum(s.rows for s in found.lengths) == 50
    weighted = sum(
        s.score * sum(len(y) for _, y in rows if s.first <= len(y) <= s.last) for s in found.lengths
    )
    assert weighted / found.count == pytest.approx(found.accuracy)


def test_a_class_that_is_never_there():
    score = ClassificationScore(3, ["a", "b", "c"])
    score.add(np.array([[1.0, 0, 0], [1, 0, 0]]), np.array([0, 1]), 1)
    a, b, c = score.record().classes
    assert (a.precision, a.recall) == (0.5, 1)
    assert math.isnan(b.precision)
    assert b.recall == 0
    assert math.isnan(c.recall)
    assert c.name == "c"


def test_regression_against_plain_numpy():
    found, wanted = RNG.normal(3, 2, (40, 5)), RNG.normal(-1, 4, (40, 5))
    wanted += found
    score = RegressionScore()
    errors = [
        score.add(a, b, k % 3 + 1) for k, (a, b) in enumerate(zip(found, wanted, strict=True))
    ]
    record = score.record()
    difference = found - wanted
    assert errors[0] == pytest.approx(np.sqrt(np.mean(difference[0] ** 2)))
    assert record.mean_absolute_error == pytest.approx(np.abs(difference).mean())
    assert record.rms_error == pytest.approx(np.sqrt(np.mean(difference**2)))
    assert record.largest_error == pytest.approx(np.abs(difference).max())
    assert record.correlation == pytest.approx(np.corrcoef(found.ravel(), wanted.ravel())[0, 1])
    explained = 1 - np.sum(difference**2) / np.sum((wanted - wanted.mean()) ** 2)
    assert record.explained == pytest.approx(explained)
    assert [(s.first, s.rows) for s in record.lengths] == [(1, 14), (2, 13), (3, 13)]
    assert record.lengths[1].score == pytest.approx(np.sqrt(np.mean(difference[1::3] ** 2)))


def test_correlation_of_large_means_keeps_its_digits():
    found = RNG.normal(0, 1, 200) + 1e6
    score = RegressionScore()
    for value in found:
        score.add(np.array([value]), np.array([value * 2]), 1)
    assert score.record().correlation == pytest.approx(1, abs=1e-9)


def test_labels_that_do_not_vary():
    score = RegressionScore()
    score.add(np.array([1.0, 2.0]), np.array([3.0, 3.0]), 1)
    assert math.isnan(score.record().correlation)
    assert math.isnan(score.record().explained)


def test_agreement():
    one, other = RNG.normal(0, 1, (30, 4)), RNG.normal(0, 1, (30, 4))
    score = AgreementScore(classes=True)
    differences = [score.add(a, b) for a, b in zip(one, other, strict=True)]
    found = score.record()
    assert found.same_class == pytest.approx((one.argmax(1) == other.argmax(1)).mean())
    assert differences[7] == pytest.approx(np.sqrt(np.mean((one[7] - other[7]) ** 2)))
    assert found.rms_difference == pytest.approx(np.sqrt(np.mean((one - other) ** 2)))
    assert found.relative_rms == pytest.approx(found.rms_difference / np.sqrt(np.mean(other**2)))
    assert found.largest_difference == pytest.approx(np.abs(one - other).max())
    assert AgreementScore(classes=False).record().same_class is None


def test_ranges_of_length_hold_about_as_many_rows_each():
    lengths = ByLength()
    for length in range(1, 101):
        lengths.add(length, 1, 0.5)
    found = lengths.ranges()
    assert found[0][0] == 1
    assert found[-1][1] == 100
    assert len(found) <= 9
    assert all(10 <= s[0] <= 14 for *_, s in found[:-1])
    assert all(before[1] < after[0] for before, after in itertools.pairwise(found))


def test_few_lengths_stand_by_themselves():
    lengths = ByLength()
    for length in (5, 5, 9, 2):
        lengths.add(length, 2, 1.0)
    assert [(a, b, s.tolist()) for a, b, s in lengths.ranges()] == [
        (2, 2, [1, 2, 1]),
        (5, 5, [2, 4, 2]),
        (9, 9, [1, 2, 1]),
    ]


def test_the_class_of_one_score():
    """Above a half, as Keras has it: a half is what integers give often."""
    assert classes_of(np.array([[0.4], [0.5], [0.502]])).tolist() == [0, 0, 1]
    assert classes_of(np.array([[0.4, 0.1], [0.5, 0.9]])).tolist() == [0, 1]


def test_nothing_was_added():
    found = ClassificationScore(3).record()
    assert found.count == 0
    assert math.isnan(found.accuracy)
    assert math.isnan(found.top_k_accuracy)
    assert found.lengths == ()
    numbers = RegressionScore().record()
    assert (numbers.count, numbers.rms_error, numbers.lengths) == (0, 0.0, ())
    assert math.isnan(numbers.correlation)
    agreement = AgreementScore(classes=True).record()
    assert (agreement.values, agreement.rms_difference) == (0, 0.0)
    assert math.isnan(agreement.same_class)
    assert math.isnan(agreement.relative_rms)


@pytest.mark.parametrize(
    ("scores", "label", "top_k", "right"),
    [
        ([0.1, 0.7, 0.2], 1, 1, True),
        ([0.1, 0.7, 0.2], 2, 1, False),
        ([0.1, 0.7, 0.2], 2, 2, True),
        ([0.1, 0.7, 0.2], 0, 2, False),
        # More than there are classes: all of them.
        ([0.1, 0.7, 0.2], 0, 9, True),
        # As good as the best is among the best.
        ([0.4, 0.4, 0.2], 1, 1, True),
        # What is no number is not.
        ([math.nan, 0.4, 0.2], 0, 3, False),
        ([math.nan, 0.4, 0.2], 1, 1, False),
        ([math.nan, 0.4, 0.2], 1, 2, True),
    ],
)
def test_among_the_best(scores, label, top_k, right):
    score = ClassificationScore(3, top_k=top_k)
    score.add(np.array([scores]), np.array([label]), 1)
    found = score.record()
    assert found.top_k == min(top_k, 3)
    assert found.top_k_accuracy == float(right)


def test_classes_without_names_are_numbers():
    assert [c.name for c in ClassificationScore(3).record().classes] == ["0", "1", "2"]


def test_the_confusion_counts_labels_by_row():
    score = ClassificationScore(2)
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    assert score.add(scores, np.array([0, 1, 1]), 3) == 2
    assert score.record().confusion == ((1, 0), (1, 1))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(1, 5), min_size=1, max_size=8),
)
def test_scores_do_not_depend_on_how_rows_are_cut(seed, cuts):
    """Row by row, in blocks, all at once: one record."""
    rng = np.random.default_rng(seed)
    count = sum(cuts)
    found, wanted = rng.normal(5, 1, (2, count))
    scores, labels = rng.random((count, 3)), rng.integers(0, 3, count)
    records = []
    for parts in ([count], cuts, [1] * count):
        numbers, classes, agreement = (
            RegressionScore(),
            ClassificationScore(3, top_k=2),
            AgreementScore(classes=True),
        )
        for block in np.split(np.arange(count), np.cumsum(parts)[:-1]):
            numbers.add(found[block], wanted[block], 1)
            classes.add(scores[block], labels[block], 1)
            agreement.add(scores[block], scores[block][:, ::-1])
        records.append((numbers.record(), classes.record(), agreement.record()))
    for regression, classification, agreement in records[1:]:
        first = records[0]
        assert regression.rms_error == pytest.approx(first[0].rms_error)
        assert regression.largest_error == first[0].largest_error
        if count > 1:
            assert regression.correlation == pytest.approx(first[0].correlation, abs=1e-9)
        assert classification.confusion == first[1].confusion
        assert classification.top_k_accuracy == first[1].top_k_accuracy
        assert agreement.same_class == first[2].same_class
        assert agreement.rms_difference == pytest.approx(first[2].rms_difference)


def test_agreement_of_one_score_a_row():
    score = AgreementScore(classes=True)
    score.add(np.array([0.2]), np.array([0.4]))
    score.add(np.array([0.6]), np.array([0.4]))
    assert score.record().same_class == 0.5


def test_agreement_with_nothing_but_zeros_has_no_relative_difference():
    score = AgreementScore(classes=False)
    assert score.add(np.array([3.0, 4.0]), np.zeros(2)) == pytest.approx(math.sqrt(12.5))
    found = score.record()
    assert found.largest_difference == 4.0
    assert math.isnan(found.relative_rms)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_every_row_is_in_one_range_of_length(lengths):
    found = ByLength()
    for length in lengths:
        found.add(length, 2, 0.5)
    ranges = found.ranges()
    assert sum(s[0] for *_, s in ranges) == len(lengths)
    for first, last, sums in ranges:
        assert sums[0] == sum(first <= length <= last for length in lengths)
        assert sums[1:].tolist() == [2 * sums[0], 0.5 * sums[0]]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(ranges))
    # Asked twice, it says the same.
    again = found.ranges()
    assert [r[:2] for r in again] == [r[:2] for r in ranges]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(again, ranges, strict=True))
