"""The batch axis of inputs and outputs: the first, but for graphs that are time-major the second.

A tensor without batch axis (a flag, a rate) has None. NumPy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]


class Batched:
    """What can be said of anything with `shape` and `batch_axis`."""

    shape: Shape
    batch_axis: int | None

    @property
    def sample_shape(self) -> Shape:
        """The shape without the batch axis."""
        return tuple(d for k, d in enumerate(self.shape) if k != self.batch_axis)

    @property
    def batch(self) -> int | None:
        """Size of the batch axis; None where it is free, 1 where there is none."""
        if self.batch_axis is None or not self.shape:
            return 1
        return self.shape[self.batch_axis]


def batched(array: Array, axis: int | None, count: int = 1) -> Array:
    """A sample as a batch of equal ones."""
    if axis is None:
        return array
    return np.repeat(np.expand_dims(array, axis), count, axis=axis)


def stacked(arrays: Sequence[Array], axis: int | None) -> Array:
    """Samples as a batch."""
    return arrays[0] if axis is None else np.stack(arrays, axis=axis)


def row(array: Array, axis: int | None, place: int) -> Array:
    """One sample of a batch."""
    return array if axis is None or not array.ndim else np.take(array, place, axis=axis)
