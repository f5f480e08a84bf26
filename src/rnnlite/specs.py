"""The one description of an input or output, from the front ends to the runtime.

What enters: what a front end, or a file, says of its inputs and outputs. What leaves:
`TensorSpec`s; samples as batches and the other way round, along a named axis. NumPy alone.

Axes have names here: the batch axis is the first, but the second of a time-major tensor; a tensor
without batch axis (a flag, a rate) has None. The time axis is the one that a recurrence runs over,
where that is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: the source's name for it.
        shape: with the batch axis; None where an axis is free.
        dtype: NumPy name, e.g. "float32".
        batch_axis: 0, but 1 for time-major tensors; None where there is none.
        time_axis: the axis of the time steps; None where there is none, or it is not known.
        counts: whether it holds the number of time steps of each sequence.
        least: the least size of each axis that the model takes; () where any size does.
        ids: for token ids, the smallest and largest valid one, where that is known.
        mask_value: the value that masks a time step, where there is one.
        domain: of which floats the source gives numbers: "real", "positive", or "unit" (0 to 1).
        quantization: (scale, zero point), or None for a float or a plain integer.
        ranked: whether the rank is known; where it is not, as behind a loop of a frozen graph, the
            shape says nothing.
    """

    name: str
    shape: Shape
    dtype: str
    _: KW_ONLY
    batch_axis: int | None = 0
    time_axis: int | None = None
    counts: bool = False
    least: tuple[int, ...] = ()
    ids: tuple[int, int] | None = None
    mask_value: float | None = None
    domain: str = "real"
    quantization: tuple[float, int] | None = None
    ranked: bool = True

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

    @property
    def scale(self) -> float | None:
        """Of its quantization; None where it has none."""
        return None if self.quantization is None else self.quantization[0]

    @property
    def zero_point(self) -> int | None:
        """Of its quantization; None where it has none."""
        return None if self.quantization is None else self.quantization[1]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "shape": self.shape if self.ranked else None,
            "dtype": self.dtype,
            "scale": self.scale,
            "zero_point": self.zero_point,
            "least": self.least,
        }


@dataclass(frozen=True)
class SignatureSpec:
    """What one signature of a file takes and gives.

    Attributes:
        inputs, outputs: in its order, by its names.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def with_values(
    specs: Sequence[TensorSpec],
    ids: Mapping[str, tuple[int, int]],
    mask_values: Mapping[str, float],
) -> tuple[TensorSpec, ...]:
    """Specs with what their values mean, by name; see `TensorSpec`."""
    return tuple(replace(s, ids=ids.get(s.name), mask_value=mask_values.get(s.name)) for s in specs)


def batched(array: Array, axis: int | None, count: int = 1) -> Array:
    """A sample (...) as a batch of `count` equal ones along an axis; as it is without one."""
    if axis is None:
        return array
    return np.repeat(np.expand_dims(array, axis), count, axis=axis)


def stacked(arrays: Sequence[Array], axis: int | None) -> Array:
    """Samples of one shape (...) as a batch along an axis; the first alone without one."""
    return arrays[0] if axis is None else np.stack(arrays, axis=axis)


def row(array: Array, axis: int | None, place: int) -> Array:
    """One sample (...) of a batch along an axis; all of it without one."""
    return array if axis is None or not array.ndim else np.take(array, place, axis=axis)
