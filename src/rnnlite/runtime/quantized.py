"""Real numbers as the integers of an input, and integers of an output as real numbers.

What enters: arrays, and the `TensorSpec` of an input or output. What leaves: arrays of its
integers, or of float32. Arrays of what is not quantized stay as they are.
"""

from __future__ import annotations

import numpy as np

from rnnlite.specs import Array, TensorSpec

LIMITS = {name: np.iinfo(name) for name in ("int8", "uint8", "int16", "int32")}


def quantize(array: Array, spec: TensorSpec) -> Array:
    """An array as an input takes it, in the same shape.

    Where the input is not quantized, the array is unchanged. Else it becomes integers of the
    input's dtype, q = x / scale + zero_point, rounded to nearest and saturated. A time step that is
    not masked, but whose features all round to the mask's integer, would be masked: it is moved off
    by one integer.
    """
    if spec.quantization is None:
        return array
    scale, zero_point = spec.quantization
    limits = LIMITS[spec.dtype]

    def integers(values: Array) -> Array:
        found = np.rint(values / scale) + zero_point
        # np.clip takes several times as long for the rows of a chunk.
        return np.asarray(np.minimum(np.maximum(found, limits.min), limits.max))

    values = np.asarray(array, np.float64)
    found = integers(values)
    if spec.mask_value is not None:
        mask = np.asarray(np.float32(spec.mask_value), np.float64)
        code = integers(mask)
        merged = (found == code).all(axis=-1, keepdims=True) & (values != mask)
        moved = found + np.where(values > mask, 1, -1)
        moved = np.where((moved < limits.min) | (moved > limits.max), 2 * found - moved, moved)
        found = np.where(merged, moved, found)
    return np.asarray(found, spec.dtype)


def dequantize(array: Array, spec: TensorSpec) -> Array:
    """An output's integers as float32, x = (q - zero_point) * scale; a copy where not quantized."""
    if spec.quantization is None:
        return array.copy()
    scale, zero_point = spec.quantization
    return np.asarray((array.astype(np.float32) - zero_point) * np.float32(scale), np.float32)
