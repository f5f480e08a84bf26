"""The error of an output over samples: relative RMS, decibels, share of equal classes.

What enters: arrays that were found, beside those that were expected. What leaves: the figures.
"""

from __future__ import annotations

import math

import numpy as np

from rnnlite.quantization.params import Array


class ErrorSum:
    """Sums of squares and of equal classes over samples; an error that is not finite is
    infinite."""

    def __init__(self) -> None:
        self.noise = self.signal = 0.0
        self.equal = self.rows = self.values = self.counts = self.different = self.all = 0
        self.classes = True

    def add(self, found: Array, expected: Array) -> None:
        """Add a result and the expected one, of the same shape and any dtype."""
        if expected.dtype.kind in "biu":
            # Integers are numbers of classes or steps: they are right or wrong, as bools are.
            self.different += int(np.sum(found != expected))
            self.counts += expected.size
            self.classes = False
            return
        a, b = found.astype(np.float64), expected.astype(np.float64)
        finite = np.isfinite(b)
        self.noise += float(np.sum(np.square(np.where(finite, a - b, 0.0))))
        self.signal += float(np.sum(np.square(np.where(finite, b, 0.0))))
        self.values += int(np.sum(finite))
        self.all += finite.size
        if _is_distribution(b):
            self.equal += int(np.sum(a.argmax(axis=-1) == b.argmax(axis=-1)))
            self.rows += int(np.prod(b.shape[:-1]))
        else:
            self.classes = False

    def error(self) -> float:
        """RMS of the difference over RMS of what was expected; for integers, the unequal share."""
        if self.counts:
            return self.different / self.counts
        if not math.isfinite(self.noise):
            return math.inf
        # If only zeros are expected, the error is absolute.
        return math.sqrt(self.noise / (self.signal or max(self.values, 1)))

    def snr(self) -> float:
        """The error as a signal-to-noise ratio in decibels."""
        error = self.error()
        return -20 * math.log10(error) if error > 0 else math.inf

    def left_out(self) -> float:
        """The share of expected values that are not finite, and not compared."""
        return 1 - self.values / self.all if self.all else 0.0

    def agreement(self) -> float | None:
        """The share of rows with the same class; None where outputs are no classes."""
        return self.equal / self.rows if self.classes and self.rows else None


def _is_distribution(values: Array) -> bool:
    """Whether the last axis holds probabilities of classes."""
    if values.ndim == 0 or values.shape[-1] < 2 or np.min(values, initial=0.0) < 0:
        return False
    return bool(np.allclose(values.sum(axis=-1), 1, atol=1e-3))
