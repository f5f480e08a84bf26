"""Scores that are updated row by row and keep no rows. NumPy alone.

What enters: one row's output and its label, or two models' outputs. What leaves: records of
`evaluation/records`. If an output has a result for each time step, a row counts once for each step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnnlite.evaluation.records import (
    Agreement,
    Classification,
    ClassScore,
    LengthScore,
    Regression,
)
from rnnlite.specs import Array

BUCKETS = 8
"""Largest number of ranges of length that scores are given for."""


class ByLength:
    """Sums by length of sequence; `ranges` have about equally many rows each."""

    def __init__(self) -> None:
        self._sums: dict[int, Array] = {}

    def add(self, length: int, count: int, *values: float) -> None:
        """Add one row: its length, how many values it has, and their sums."""
        sums = self._sums.setdefault(length, np.zeros(2 + len(values)))
        sums += (1, count, *values)

    def ranges(self) -> list[tuple[int, int, Array]]:
        """(shortest, longest, sums) of each range of lengths; sums (float64): rows, values, ..."""
        lengths = sorted(self._sums)
        total = sum(s[0] for s in self._sums.values())
        found: list[tuple[int, int, Array]] = []
        for length in lengths:
            sums = self._sums[length]
            done = sum(s[0] for *_, s in found)
            full = len(found) / BUCKETS * total
            if found and len(lengths) > BUCKETS and done < full:
                first, _, before = found[-1]
                found[-1] = (first, length, before + sums)
            else:
                found.append((length, length, sums.copy()))
        return found


class ClassificationScore:
    """Counts right and wrong classes.

    Args:
        classes: number of classes.
        names: names of the classes; if (), their numbers.
        top_k: also count a row as right if its class is among the k best.
    """

    def __init__(self, classes: int, names: Sequence[str] = (), top_k: int = 5) -> None:
        self._names = tuple(names) or tuple(str(k) for k in range(classes))
        self._k = min(top_k, classes)
        self._confusion = np.zeros((classes, classes), np.int64)
        self._in_top = 0
        self._lengths = ByLength()

    def add(self, scores: Array, labels: Array, length: int) -> int:
        """Add one row.

        Args:
            scores: (n, classes).
            labels: (n,) class numbers.
            length: time steps of the sequence.

        Returns:
            how many of the n are right.
        """
        picked = scores.argmax(axis=-1)
        np.add.at(self._confusion, (labels, picked), 1)
        own = np.take_along_axis(scores, labels[:, None], axis=-1)
        # Number of classes with a higher score than the right one; NaN counts as higher.
        rank = (~(scores <= own)).sum(axis=-1)
        self._in_top += int((rank < self._k).sum())
        right = int((picked == labels).sum())
        self._lengths.add(length, len(labels), right)
        return right

    def record(self) -> Classification:
        """The scores of all rows that were added."""
        counts = self._confusion
        total = int(counts.sum())
        diagonal = counts.diagonal()
        return Classification(
            count=total,
            accuracy=_share(diagonal.sum(), total),
            top_k=self._k,
            top_k_accuracy=_share(self._in_top, total),
            confusion=tuple(tuple(int(n) for n in row) for row in counts),
            classes=tuple(
                ClassScore(
                    name,
                    count=int(counts[k].sum()),
                    precision=_share(diagonal[k], counts[:, k].sum()),
                    recall=_share(diagonal[k], counts[k].sum()),
                    f1=_share(2 * diagonal[k], counts[k].sum() + counts[:, k].sum()),
                )
                for k, name in enumerate(self._names)
            ),
            lengths=tuple(
                LengthScore(first, last, int(s[0]), _share(s[2], s[1]))
                for first, last, s in self._lengths.ranges()
            ),
        )


class RegressionScore:
    """Errors and correlation of numbers."""

    def __init__(self) -> None:
        self._count = 0
        self._absolute = self._square = self._worst = 0.0
        self._means = np.zeros(2)
        self._products = np.zeros((2, 2))
        self._lengths = ByLength()

    def add(self, found: Array, wanted: Array, length: int) -> float:
        """Add one row: the result and the label, of equal shapes.

        Returns:
            its root mean square error.
        """
        pair = np.stack([np.ravel(found), np.ravel(wanted)]).astype(np.float64)
        error = pair[0] - pair[1]
        n = error.size
        square = float(error @ error)
        self._absolute += float(np.abs(error).sum())
        self._square += square
        self._worst = max(self._worst, float(np.abs(error).max(initial=0)))
        # Means and products of deviations are updated by blocks (Chan, Golub and LeVeque, 1983).
        means = pair.mean(axis=1)
        shift = means - self._means
        total = self._count + n
        deviations = pair - means[:, None]
        self._products += deviations @ deviations.T
        self._products += np.outer(shift, shift) * self._count * n / total
        self._means += shift * n / total
        self._count = total
        self._lengths.add(length, n, square)
        return math.sqrt(square / n)

    def record(self) -> Regression:
        """The scores of all rows that were added."""
        n = max(1, self._count)
        found, wanted = self._products.diagonal()
        spread = math.sqrt(found * wanted)
        return Regression(
            count=self._count,
            mean_absolute_error=self._absolute / n,
            rms_error=math.sqrt(self._square / n),
            largest_error=self._worst,
            correlation=float(self._products[0, 1] / spread) if spread else math.nan,
            explained=float(1 - self._square / wanted) if wanted else math.nan,
            lengths=tuple(
                LengthScore(first, last, int(s[0]), math.sqrt(s[2] / s[1]))
                for first, last, s in self._lengths.ranges()
            ),
        )


class AgreementScore:
    """How far two models agree; `classes` says whether their outputs are scores of classes."""

    def __init__(self, *, classes: bool) -> None:
        self._classes = classes
        self._count = self._values = self._same = 0
        self._square = self._power = self._worst = 0.0

    def add(self, found: Array, other: Array) -> float:
        """Add one row: the outputs of both models, of equal shapes.

        Returns:
            the root mean square of their difference.
        """
        a, b = np.asarray(found, np.float64), np.asarray(other, np.float64)
        difference = a - b
        square = float(np.square(difference).sum())
        self._square += square
        self._power += float(np.square(b).sum())
        self._values += a.size
        self._worst = max(self._worst, float(np.abs(difference).max(initial=0)))
        if self._classes:
            same = classes_of(a) == classes_of(b)
            self._count += same.size
            self._same += int(same.sum())
        return math.sqrt(square / max(1, a.size))

    def record(self) -> Agreement:
        """The scores of all rows that were added."""
        return Agreement(
            values=self._values,
            same_class=_share(self._same, self._count) if self._classes else None,
            rms_difference=math.sqrt(self._square / max(1, self._values)),
            relative_rms=math.sqrt(self._square / self._power) if self._power else math.nan,
            largest_difference=self._worst,
        )


def classes_of(scores: Array) -> Array:
    """The class of each row of scores (..., C); for C = 1, whether the score is above 0.5."""
    if scores.shape[-1] == 1:
        return (scores[..., 0] > 0.5).astype(np.int64)
    picked: Array = scores.argmax(axis=-1)
    return picked


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
