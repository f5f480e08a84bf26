"""Which of several quantized models is taken: the first that is good enough, else the best.

What enters: each trial, measured, in the order of its costs. What leaves: whether to go on, the
best by a clear margin, and what became of each. Pure.
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
"""A model whose error is below this is not refined further."""

ENOUGH_IF_LARGE = {"int8": 0.06, "int16x8": 0.01}
"""The same for models with loops that read so many weights at a step that int16 costs far more
than int8 (`Costs.large_step`). But where the outputs are probabilities, an error of 6 % turns up to
6 of 100 decisions (measured on models of names): they are refined up to
`Costs.large_step_of_classifiers`."""

GAIN = 0.8
"""A finer precision is taken if it brings the error below this share of the coarser one's."""

T = TypeVar("T")


@dataclass(frozen=True)
class Measured(Generic[T]):
    """A quantized model that is finalized and measured.

    Attributes:
        trial: the precision, in words.
        error: largest relative RMS error of its outputs.
        size: bytes of its file.
        content: the model itself, in whatever form.
        fed_back: largest relative RMS error where states are fed back from sample to sample.
    """

    trial: str
    error: float
    size: int
    content: T
    fed_back: float = 0.0


class Choice(Generic[T]):
    """The best so far, and what became of each trial.

    Args:
        mode: "dynamic", "int8", "int16x8" or "float16".
        max_error: the largest error that is accepted.
        weights_a_step: the most weights that a loop of the model reads at a step.
        costs: of the target.
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
        """Whether there is one that would not be refused."""
        return self.best is not None and self.best.error <= self.max_error

    def offer(self, found: Measured[T]) -> None:
        """Take a finer one if it is better by a clear margin.

        Or if it is the first within what the mode usually keeps to, or the first to be accepted;
        or if it is better where states are fed back, and the best is too far off there.
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
        """Note a trial that gave no model."""
        self._note(trial, None, size, verdict)

    def done(self, *, classifies: bool) -> bool:
        """Whether the best is good enough.

        Args:
            classifies: whether any output gives classes.
        """
        costs = self._costs
        large = costs.large_step_of_classifiers if classifies else costs.large_step
        table = ENOUGH_IF_LARGE if self.weights_a_step >= large else ENOUGH
        enough = table.get(self.mode, ENOUGH.get(self.mode, float("inf")))
        if self.best is None or self.best.fed_back > LIMITS[self.mode]:
            return False
        return self.best.error <= min(enough, self.max_error)

    def result(self) -> tuple[Measured[T], tuple[TrialRecord, ...]]:
        """The best, and all that were considered."""
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
