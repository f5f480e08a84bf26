"""Run the exits of a file one after the other, until one is sure.

What enters: samples, and the score from which an exit is sure. What leaves: for each sample the
result of the first exit that is sure, the number of that exit, and its score. NumPy alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnnlite.errors import ModelError, SampleError
from rnnlite.report.exits import Exit
from rnnlite.runtime.predicting import as_batch, result_of
from rnnlite.runtime.samples import Sample, listed
from rnnlite.specs import Array, TensorSpec

Score = Callable[[Array], float]
"""A function from an exit's result for one sample to a number: how sure the exit is."""


@dataclass(frozen=True)
class EarlyResult:
    """What `Model.predict_early` gives.

    Attributes:
        outputs: for each sample the result of the exit that it left by.
        exits: (N,), the number of that exit, from 0.
        scores: (N,), the score of that exit.
        names: of the exits, in the order in which they are run.
    """

    outputs: list[Array]
    exits: Array
    scores: Array
    names: tuple[str, ...]

    @property
    def shares(self) -> dict[str, float]:
        """The share of samples that left by each exit."""
        count = max(len(self.exits), 1)
        return {n: float(np.sum(self.exits == k)) / count for k, n in enumerate(self.names)}


def max_prob(scores: Array) -> float:
    """The largest probability along the last axis, averaged over all other axes."""
    return float(np.max(scores, axis=-1).mean())


def take_score(score: str | Score) -> Score:
    """The score that the caller names or gives.

    Raises:
        SampleError: there is none of this name.
    """
    if callable(score):
        return score
    if score == "max_prob":
        return max_prob
    raise SampleError(
        "score is no score",
        expected="'max_prob', or a function from an exit's result to a number",
        found=repr(score),
    )


def take_threshold(threshold: Any) -> float:
    """The threshold that the caller gives.

    Raises:
        SampleError: it is no number, or is NaN, which no score reaches.
    """
    is_number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    if not is_number or math.isnan(threshold):
        raise SampleError(
            "threshold is no number", expected="a number, such as 0.9", found=repr(threshold)
        )
    return float(threshold)


class Runnable(Protocol):
    """What `predict_early` needs of a model."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs."""
        ...

    @property
    def exits(self) -> tuple[Exit, ...]:
        """The exits, in the order in which they run."""
        ...

    def run(self, arrays: Sequence[Array], *, signature: str | None = None) -> list[Array]:
        """Run a signature on whole batches, as `Model.run` does."""
        ...


def predict_early(
    model: Runnable, samples: Iterable[Sample], threshold: float, score: str | Score
) -> EarlyResult:
    """Run the exits of a file on each sample until one is sure: see `Model.predict_early`."""
    require_exits(model)
    sure, bound = take_score(score), take_threshold(threshold)
    left = [leave(model, sample, bound, sure) for sample in listed(samples, model.inputs)]
    results, places, scores = zip(*left, strict=True)
    return EarlyResult(
        list(results), np.array(places), np.array(scores), tuple(e.output for e in model.exits)
    )


def require_exits(model: Runnable) -> None:
    """Refuse a file without exits.

    Raises:
        ModelError: it was not converted with exits.
    """
    if not model.exits:
        raise ModelError(
            "the file has no exits",
            expected="signatures 'exit/<output>'",
            found=", ".join(f"'{s.name}'" for s in model.outputs) + " in one signature",
            remedy="Convert its source with exits=True",
        )


def leave(
    model: Runnable, sample: Sequence[Array], bound: float, sure: Score
) -> tuple[Array, int, float]:
    """Run exits on one checked sample until one is sure, or to the last.

    Args:
        sample: an array for each input, without batch axis.
        bound: the score from which an exit is sure.
        sure: gives the score of a result.

    Returns:
        the result of that exit, without batch axis, dequantized; the number of the exit; its score.
    """
    specs = {spec.name: spec for spec in model.outputs}
    given = as_batch([sample], model.inputs)
    by_name = dict(zip([spec.name for spec in model.inputs], given, strict=True))
    place, value = -1, -math.inf
    for name, found in run_exits(model, by_name):
        result = result_of(specs[name], found, 0, raw=False)
        place, value = place + 1, float(sure(result))
        if value >= bound:
            break
    return result, place, value


def run_exits(model: Runnable, given: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Run the exits in order, each when its result is asked for; nothing is computed twice.

    Args:
        model: the model that has the exits.
        given: the inputs by name, as the runtime takes them.

    Yields:
        the name of the output, and the result for the whole batch, as integers where it is
        quantized.
    """
    known = dict(given)
    for one in model.exits:
        found = model.run([known[name] for name in one.inputs], signature=one.signature)
        known.update(zip(one.outputs[1:], found[1:], strict=True))
        yield one.output, found[0]
