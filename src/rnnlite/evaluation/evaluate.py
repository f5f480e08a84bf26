"""Runs one model or two over labelled samples, and scores the results.

What enters: any number of samples and labels. What leaves: an `Evaluation`, and a record for each
row. Only the rows that run together are held in memory.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.errors import DataError, ModelError
from rnnlite.evaluation.labels import TASKS, LabelReader, as_labels
from rnnlite.evaluation.metrics import (
    AgreementScore,
    ClassificationScore,
    RegressionScore,
)
from rnnlite.evaluation.records import Evaluation, WorstRow
from rnnlite.lite.files import ModelSource
from rnnlite.runtime.model import Model, load
from rnnlite.runtime.samples import Sample
from rnnlite.specs import Array, TensorSpec

Record = dict[str, Any]
"""What was found for one row: a row of the table that `files` writes."""

Score = ClassificationScore | RegressionScore


def evaluate(
    model: Model | ModelSource,
    samples: Iterable[Sample],
    labels: Iterable[Any] | str | Path | None = None,
    *,
    against: Model | ModelSource | None = None,
    output: str | None = None,
    task: str = "auto",
    classes: Sequence[str] = (),
    top_k: int = 5,
    worst: int = 20,
    keep: Callable[[Record], None] | None = None,
    batch_size: int | None = None,
) -> Evaluation:
    """Score a model on labelled samples, or compare it with another, sample by sample.

    Args:
        model: a loaded model, or the path or content of a .tflite file.
        samples: any number of samples; see `Model.predict`.
        labels: one for each sample: a class, a class for each time step, or numbers of the output's
            shape. An iterable, or a .npy, .npz, .parquet or text file. If None, the model is only
            compared with `against`.
        against: another LiteRT model, such as the float one that an int8 one was made from.
        output: the output to evaluate; needed if there are several.
        task: "classification", "regression", or "auto": whole numbers and texts are classes.
        classes: names of the classes, in the order of their numbers; labels may be these.
        top_k: also count a row as right if its class is among the k best.
        worst: how many of the worst rows to name.
        keep: called with the record of each row, in order.
        batch_size: see `Model.predict`.

    Raises:
        SampleError: a sample does not fit a model.
        DataError: there are no samples, or neither labels nor another model; or labels do not fit
            the samples or the output.
        ModelError: a model is no LiteRT model, or has no such output.
    """
    first = model if isinstance(model, Model) else load(model)
    other = against if isinstance(against, Model) or against is None else load(against)
    if labels is None and other is None:
        raise DataError(
            "there is nothing to compare with", expected="labels, another model, or both"
        )
    spec = _output(first, output)
    scores = (spec.sample_shape or (1,))[-1] or 1
    found = _OutputScores(spec, LabelReader(task, classes, scores), tuple(classes), top_k)
    labelled = None if labels is None else as_labels(labels)
    pair, fed = itertools.tee(samples)
    results = _results(first, fed, spec.name, batch_size)
    others: Iterator[Array] | None = None
    if other is not None:
        spec_too = _counterpart(spec, other)
        fed_too, pair = itertools.tee(pair)
        others = _results(other, fed_too, spec_too.name, batch_size)
    count = 0
    ranked: list[tuple[float, int, int]] = []
    for row, (sample, result) in enumerate(zip(pair, results, strict=True)):
        count += 1
        length = _length(sample, first.inputs)
        label = None if labelled is None else _next_label(labelled, row, samples)
        record = found.add(row, result, label, None if others is None else next(others), length)
        # NaN has no place in an order: it counts as worse than any number.
        off = record["difference"]
        entry = (math.inf if math.isnan(off) else off, -row, length)
        (heapq.heappush if len(ranked) < worst else heapq.heappushpop)(ranked, entry)
        if keep is not None:
            keep(record)
    if not count:
        raise DataError("there are no samples", expected="at least one")
    if labelled is not None and next(labelled, None) is not None:
        raise DataError("there are more labels than samples", expected=str(count))
    return found.evaluation(count, sorted(ranked, reverse=True))


@dataclass
class _OutputScores:
    """Scores of one output, row by row."""

    spec: TensorSpec
    reader: LabelReader
    names: tuple[str, ...]
    top_k: int
    scores: tuple[Score, Score] | None = None
    agreement: AgreementScore | None = None

    def add(self, row: int, result: Array, label: Any, other: Array | None, length: int) -> Record:
        """Score one row, and return its record."""
        record: Record = {"row": row, "length": length}
        if label is not None:
            record |= self._score(row, result, label, other, length)
        if other is None:
            return record
        if other.shape != result.shape:
            raise DataError(
                f"the models give different shapes for row {row}",
                expected=str(result.shape),
                found=str(other.shape),
            )
        if self.agreement is None:
            classes = self.reader.task == TASKS[0] or (
                label is None and self.reader.task == "auto" and _is_scores(self.spec)
            )
            self.agreement = AgreementScore(classes=classes)
        record["difference"] = self.agreement.add(result, other)
        return record

    def _score(
        self, row: int, result: Array, label: Any, other: Array | None, length: int
    ) -> Record:
        task = self.reader.settle(label)
        if self.scores is None:
            self.scores = (self._new_score(task), self._new_score(task))
        if task == TASKS[1]:
            wanted = self.reader.numbers(label, result.shape, row)
            record = _both("error", self.scores, result, wanted, other, length)
            return record | {"difference": record["error"]}
        scores = _as_scores(result)
        others = None if other is None else _as_scores(other)
        wanted = self.reader.classes(label, len(scores), row)
        record = _both("right", self.scores, scores, wanted, others, length)
        own = np.take_along_axis(scores, wanted[:, None], axis=-1)
        record["difference"] = float(1 - own.mean())
        if len(self.spec.sample_shape) == 1:  # so that all rows have the same columns
            record |= {"label": int(wanted[0]), "picked": int(scores[0].argmax())}
            if others is not None:
                record["other_picked"] = int(others[0].argmax())
        return record

    def _new_score(self, task: str) -> Score:
        if task == TASKS[1]:
            return RegressionScore()
        if not self.spec.sample_shape or self.spec.shape[-1] is None:
            raise DataError(
                f"output '{self.spec.name}' has no score for each class",
                found=f"shape {self.spec.shape}",
                remedy="Say task='regression' (--task regression)",
            )
        return ClassificationScore(max(2, self.spec.shape[-1]), self.names, self.top_k)

    def evaluation(self, count: int, ranked: Sequence[tuple[float, int, int]]) -> Evaluation:
        """The evaluation of all rows that were added."""
        both = None if self.scores is None else [score.record() for score in self.scores]
        return Evaluation(
            samples=count,
            output=self.spec.name,
            scores=None if both is None else both[0],
            other=None if both is None or self.agreement is None else both[1],
            agreement=None if self.agreement is None else self.agreement.record(),
            worst=tuple(WorstRow(-place, length, value) for value, place, length in ranked),
        )


def _both(
    name: str,
    scores: tuple[Score, Score],
    result: Array,
    wanted: Array,
    other: Array | None,
    length: int,
) -> Record:
    """Add a row to the scores of one model, or of both; the results, by name."""
    record: Record = {name: scores[0].add(result, wanted, length)}
    if other is not None:
        record[f"other_{name}"] = scores[1].add(other, wanted, length)
    return record


def _as_scores(result: Array) -> Array:
    """Scores (n, classes), n = 1 or time steps; one score s stands for the two (1 - s, s)."""
    scores = result.reshape(-1, result.shape[-1])
    return scores if scores.shape[1] > 1 else np.concatenate([1 - scores, scores], axis=1)


def _is_scores(spec: TensorSpec) -> bool:
    return bool(spec.sample_shape) and (spec.shape[-1] or 0) > 1


def _results(
    model: Model, samples: Iterable[Sample], output: str, batch_size: int | None
) -> Iterator[Array]:
    for result in model.predict_iter(samples, batch_size=batch_size):
        yield result[output] if isinstance(result, dict) else result


def _output(model: Model, name: str | None) -> TensorSpec:
    names = [spec.name for spec in model.outputs]
    if name is None and len(names) == 1:
        return model.outputs[0]
    if name not in names:
        raise ModelError(
            "the model has several outputs" if name is None else f"there is no output '{name}'",
            expected=", ".join(names),
            remedy="Name one: output= (--output)",
        )
    return model.outputs[names.index(name)]


def _counterpart(spec: TensorSpec, model: Model) -> TensorSpec:
    """The other model's output to compare with: of the same name, or its only one."""
    found = {other.name: other for other in model.outputs}
    other = model.outputs[0] if len(found) == 1 else found.get(spec.name)
    if other is None:
        raise ModelError(
            "the other model has no such output", expected=f"'{spec.name}'", found=", ".join(found)
        )
    if len(spec.sample_shape) != len(other.sample_shape) or spec.shape[-1:] != other.shape[-1:]:
        raise ModelError(
            f"output '{other.name}' of the other model has another shape",
            expected=str(spec.sample_shape),
            found=str(other.sample_shape),
        )
    return other


def _next_label(labels: Iterator[Any], row: int, samples: Iterable[Sample]) -> Any:
    for label in labels:
        return label
    # An iterator may have no end: it is not counted.
    expected = str(len(samples)) if isinstance(samples, Sized) else f"more than {row}"
    raise DataError("there are fewer labels than samples", expected=expected, found=str(row))


def _length(sample: Sample, inputs: Sequence[TensorSpec]) -> int:
    """Time steps of a sample: its size along the first free axis of the first input with one."""
    place = next((k for k, spec in enumerate(inputs) if None in spec.sample_shape), 0)
    spec = inputs[place]
    if isinstance(sample, Mapping):
        sample = sample[spec.name]
    elif len(inputs) > 1:
        sample = sample[place]
    shape = np.shape(sample)
    axis = spec.sample_shape.index(None) if None in spec.sample_shape else 0
    return shape[axis] if shape else 1
