"""The one description of an input or output, from the front ends to the runtime.

What enters: what a front end, or a file, says of its inputs and outputs. What leaves:
`TensorSpec`s; batches made of samples, and samples taken out of batches. NumPy alone.

The batch axis is the first one, or the second one of a time-major tensor. It is None for a tensor
without batch axis (a flag, a rate). The time axis is the one that a recurrence runs over, where
that is known.
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
        shape: the size of each axis, the batch axis included; None where an axis is free.
        dtype: NumPy name, e.g. "float32".
        batch_axis: 0, or 1 for a time-major tensor; None where there is none.
        time_axis: the axis of the time steps; None where there is none, or it is not known.
        counts: whether the tensor holds the number of time steps of each sequence.
        least: the least size of each axis that the model takes; () where any size does.
        ids: for token ids, the smallest and largest valid one, where that is known.
        mask_value: the value that masks a time step, where there is one.
        domain: the floats for which the source gives finite numbers: "real", "positive", or "unit"
            (0 to 1).
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
        """The scale of its quantization; None where it has none."""
        return None if self.quantization is None else self.quantization[0]

    @property
    def zero_point(self) -> int | None:
        """The zero point of its quantization; None where it has none."""
        return None if self.quantization is None else self.quantization[1]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
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
        inputs, outputs: in the order of the signature, with its names.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def with_values(
    specs: Sequence[TensorSpec],
    ids: Mapping[str, tuple[int, int]],
    mask_values: Mapping[str, float],
) -> tuple[TensorSpec, ...]:
    """Specs with the ids and mask values that are given by name; see `TensorSpec`."""
    return tuple(replace(s, ids=ids.get(s.name), mask_value=mask_values.get(s.name)) for s in specs)


def batched(array: Array, axis: int | None, count: int = 1) -> Array:
    """A batch of `count` copies of a sample (...) along an axis; the sample itself without axis."""
    if axis is None:
        return array
    return np.repeat(np.expand_dims(array, axis), count, axis=axis)


def stacked(arrays: Sequence[Array], axis: int | None) -> Array:
    """A batch of samples of one shape (...) along an axis; the first sample without axis."""
    return arrays[0] if axis is None else np.stack(arrays, axis=axis)


def row(array: Array, axis: int | None, place: int) -> Array:
    """One sample (...) of a batch along an axis; the whole array without axis."""
    return array if axis is None or not array.ndim else np.take(array, place, axis=axis)
