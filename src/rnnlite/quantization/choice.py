"""Which of several trials is taken: the first that is good enough, else the best.

What enters: measured trials, the cheapest first. What leaves: whether to go on; the trial that is
taken; a record of each. Pure.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from rnnlite.errors import InternalError
from rnnlite.quantization.config import LIMITS
from rnnlite.report.quantization import TrialRecord
from rnnlite.target import LITERT, Costs

LOG = logging.getLogger(__name__)

ENOUGH = {"dynamic": 0.02, "int8": 0.02, "int16x8": 0.01}
"""Mode -> the error at or below which no finer trial is made."""

ENOUGH_IF_LARGE = {"int8": 0.06, "int16x8": 0.01}
"""The same for models whose loops read so many weights in a step that int16 costs far more time
than int8 (`Costs.large_step`). Where outputs are probabilities, an error of 6 % changes up to 6 of
100 decisions (measured on models of names): for these the number of weights is
`Costs.large_step_of_classifiers`."""

GAIN = 0.8
"""A finer precision is taken if it brings the error below this share of the coarser one's."""

T = TypeVar("T")


@dataclass(frozen=True)
class Measured(Generic[T]):
    """A trial that is finalized and measured.

    Attributes:
        trial: the name of the recipe.
        error: largest relative RMS error of its outputs.
        size: bytes of its file.
        content: the model, in any form.
        fed_back: largest relative RMS error where states are fed back from sample to sample.
    """

    trial: str
    error: float
    size: int
    content: T
    fed_back: float = 0.0


class Choice(Generic[T]):
    """The best trial so far, and a record of each.

    Args:
        mode: "dynamic", "int8", "int16x8" or "float16".
        max_error: the largest error that is accepted.
        weights_a_step: the most weights that a loop of the model reads in a step.
        costs: the costs of the target.
    """

    def __init__(
        self, mode: str, max_error: float, weights_a_step: int = 0, costs: Costs = LITERT.costs
    ) -> None:
        self._costs = costs
        self.mode, self.max_error = mode, max_error
        self.weights_a_step = weights_a_step
        self.best: Measured[T] | None = None
        self.records: list[tuple[str, float | None, int | None, str]] = []

    @property
    def acceptable(self) -> bool:
        """Whether there is a trial that would not be refused."""
        return self.best is not None and self.best.error <= self.max_error

    def offer(self, found: Measured[T]) -> None:
        """Record a trial. It is the best from now on if it is clearly better than the best so far.

        It also is if it is the first below the error that is usual for the mode, or the first below
        `max_error`; or if it is clearly better where states are fed back, and the best is too far
        off there.
        """
        best, verdict = self.best, ""
        if best is not None:
            bounds = (min(LIMITS[self.mode], self.max_error), self.max_error)
            saved = any(found.error <= bound < best.error for bound in bounds)
            steadier = (
                best.fed_back > LIMITS[self.mode]
                and found.fed_back < GAIN * best.fed_back
                and found.error <= best.error
            )
            if not (found.error < GAIN * best.error or saved or steadier):
                verdict = f"not clearly better than {best.trial}"
        if not verdict:
            self.best = found
        self._note(found.trial, found.error, found.size, verdict)

    def reject(self, trial: str, verdict: str, size: int | None = None) -> None:
        """Record a trial that gave no model, or was given up."""
        self._note(trial, None, size, verdict)

    def done(self, *, classifies: bool) -> bool:
        """Whether the best trial is good enough.

        Args:
            classifies: whether an output holds probabilities of classes.
        """
        costs = self._costs
        large = costs.large_step_of_classifiers if classifies else costs.large_step
        table = ENOUGH_IF_LARGE if self.weights_a_step >= large else ENOUGH
        enough = table.get(self.mode, ENOUGH.get(self.mode, float("inf")))
        if self.best is None or self.best.fed_back > LIMITS[self.mode]:
            return False
        return self.best.error <= min(enough, self.max_error)

    def result(self) -> tuple[Measured[T], tuple[TrialRecord, ...]]:
        """The best trial, and the records of all."""
        if self.best is None:
            raise InternalError("no precision for the mode")
        chosen = self.best.trial
        return self.best, tuple(
            TrialRecord(
                name,
                error,
                size,
                "taken" if name == chosen else verdict or f"{chosen} is clearly better",
            )
            for name, error, size, verdict in self.records
        )

    def _note(self, trial: str, error: float | None, size: int | None, verdict: str) -> None:
        self.records.append((trial, error, size, verdict))
        figures = [] if error is None else [f"off by {100 * error:.3g} %"]
        figures += [] if size is None else [f"{size:,} bytes"]
        LOG.info("trial '%s': %s", trial, ", ".join([*figures, verdict or "the best so far"]))
