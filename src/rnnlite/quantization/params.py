"""Quantization parameters: real = scale * (integer - zero point). NumPy alone.

What enters: ranges and arrays of real numbers. What leaves: scales, zero points and integers. int8
activations are asymmetric, int16 activations and all weights symmetric, as the LiteRT quantization
specification has it (https://ai.google.dev/edge/litert/models/quantization_spec).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Range = tuple[float, float]

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}
WEIGHT_LIMIT = 127
"""Weights are in -127..127, so that a sum of two products of weights and inputs never wraps."""

HEADROOM = {"int8": 1.1, "int16": 2.0}
"""The factor by which ranges of activations are wider than calibration saw: new samples exceed
these a little, and int16 has a bit to spare."""

SCALE_FACTORS = np.concatenate([[1.0], np.linspace(0.8, 1.25, 91)])
"""Scales that are tried for weights, relative to the one that takes the largest weight to 127."""

BLOCK = 1 << 14
"""How many weights are worked on at a time, to find their scales."""


@dataclass(frozen=True)
class QuantizationParams:
    """Quantization parameters of a tensor: real = scale * (integer - zero_point).

    Attributes:
        dtype: "int8" or "int16".
        scale: the distance of two neighbouring values; a float32 number.
        zero_point: the integer that stands for 0.0.
    """

    dtype: str
    scale: float
    zero_point: int

    @property
    def range(self) -> Range:
        """Smallest and largest value that an integer stands for."""
        low, high = LIMITS[self.dtype]
        return (low - self.zero_point) * self.scale, (high - self.zero_point) * self.scale

    def covers(self, values: Range) -> bool:
        """Whether the range holds another one, up to half a step below and one step above."""
        low, high = self.range
        return values[0] >= low - 0.5 * self.scale and values[1] <= high + 1.01 * self.scale

    def quantize(self, values: Array) -> Array:
        """Real numbers as the nearest integers of the dtype, saturated, in the same shape."""
        low, high = LIMITS[self.dtype]
        scaled = np.rint(np.asarray(values, np.float64) / self.scale) + self.zero_point
        return np.asarray(np.clip(scaled, low, high), self.dtype)


def range_of(values: Array) -> Range:
    """Smallest and largest element of an array of any shape; (inf, -inf) for an empty one."""
    return float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))


def union(a: Range, b: Range) -> Range:
    """The smallest range that holds both."""
    return min(a[0], b[0]), max(a[1], b[1])


def width(values: Range) -> float:
    """The width of a range, extended to zero: every quantized range holds zero."""
    return max(values[1], 0.0) - min(values[0], 0.0)


def params_of(values: Range, dtype: str, *, headroom: bool = True) -> QuantizationParams:
    """The parameters for a range; 0.0 is exactly an integer.

    Args:
        values: smallest and largest value.
        dtype: "int8" (asymmetric) or "int16" (symmetric).
        headroom: False for constants, whose range is known.
    """
    low, high = min(values[0], 0.0), max(values[1], 0.0)
    if headroom:
        low, high = low * HEADROOM[dtype], high * HEADROOM[dtype]
    if dtype == "int16":
        largest = max(-low, high)
        return QuantizationParams(dtype, _float32(largest / 32767) if largest > 0 else 2.0**-15, 0)
    if high - low <= 0:
        return QuantizationParams(dtype, 2.0**-7, 0)
    scale = _float32((high - low) / 255)
    return QuantizationParams(dtype, scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def symmetric(values: Range) -> QuantizationParams:
    """int8 parameters with zero point 0, as kernels that are computed need them."""
    largest = max(abs(values[0]), abs(values[1]))
    return QuantizationParams(
        "int8", _float32(largest / WEIGHT_LIMIT) if largest > 0 else 2.0**-7, 0
    )


def channel_scales(weights: Array, axis: int | None) -> Array:
    """One scale for each index of an axis (or one for all), float32, never zero.

    Scales around the one that takes the largest weight to 127 are tried. Each channel gets the one
    with the smallest squared error of its weights, saturation included.

    Args:
        weights: any shape.
        axis: the axis of the output channels, or None for a single scale.
    """
    rows = weights.reshape(1, -1) if axis is None else np.moveaxis(weights, axis, 0)
    rows = rows.reshape(len(rows), -1).astype(np.float64)
    plain = np.max(np.abs(rows), axis=1, initial=0.0) / WEIGHT_LIMIT
    best = plain.copy()
    # In parts that stay in the processor's cache: large kernels take half the time.
    step = max(1, BLOCK // max(rows.shape[1], 1))
    for begin in range(0, len(rows), step):
        part = slice(begin, begin + step)
        best[part] = _least_error(rows[part], plain[part])
    # A channel of zeros gets the median of the scales: it has none of its own, and its bias needs
    # one.
    usual = float(np.median(best[plain > 0])) if np.any(plain > 0) else 2.0**-7
    return np.where(plain > 0, best, usual).astype(np.float32)


def _least_error(rows: Array, plain: Array) -> Array:
    """For each row, the scale around a plain one that has the smallest squared error."""
    best, least = plain.copy(), np.full(len(rows), np.inf)
    off = np.empty_like(rows)
    for factor in SCALE_FACTORS:
        scales = np.where(plain > 0, plain * factor, 1.0)[:, None]
        np.rint(np.divide(rows, scales, out=off), out=off)
        np.clip(off, -WEIGHT_LIMIT, WEIGHT_LIMIT, out=off)
        np.subtract(np.multiply(off, scales, out=off), rows, out=off)
        errors = np.sum(np.square(off, out=off), axis=1)
        better = errors < least
        best[better], least[better] = scales[better, 0], errors[better]
    return best


def quantize_weights(weights: Array, scales: Array, axis: int | None) -> Array:
    """Weights rounded to the nearest int8 within -127..127."""
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = -1
    by = scales.astype(np.float64).reshape(shape if axis is not None else [1] * weights.ndim)
    rounded = np.rint(weights.astype(np.float64) / by)
    return np.clip(rounded, -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)


def _float32(value: float) -> float:
    return float(np.float32(max(value, 2.0**-60)))
