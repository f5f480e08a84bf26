"""Short sequences to calibrate on: the first steps of samples.

What enters: checked samples. What leaves: their first 1, 2, 4 and 8 steps, as far as the model
takes them. Means over time, weighted sums and last states vary most in short sequences, which
calibration data seldom hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlite.quantization.params import Array
from rnnlite.specs import TensorSpec

STEPS = (1, 2, 4, 8)
"""How many steps are taken; more, where the model needs a least number."""
MOST = 12
"""How many samples are cut at most, taken evenly from all."""


def prefixes(rows: Sequence[list[Array]], inputs: Sequence[TensorSpec]) -> list[list[Array]]:
    """The beginnings of some samples.

    Args:
        rows: samples, one array for each input, without batch axis.
        inputs: the model's inputs. Where one has several free axes, nothing is cut.

    Returns:
        samples of the same form. Where the first steps are all padding, the last ones are taken.
    """
    axes = [[k for k, d in enumerate(spec.sample_shape) if d is None] for spec in inputs]
    if not any(axes) or any(len(free) > 1 for free in axes):
        return []
    least = max(
        (
            spec.least[axis]
            for spec in inputs
            if spec.least
            for axis, d in enumerate(spec.shape)
            if d is None and axis != spec.batch_axis
        ),
        default=1,
    )
    found = []
    for row in rows[:: -(-len(rows) // MOST)]:
        longest = max(a.shape[f[0]] for a, f in zip(row, axes, strict=True) if f)
        for steps in (least - 1 + n for n in STEPS):
            if steps >= longest:
                break
            for last in (False, True):
                short = [
                    _cut(a, spec, f[0] if f else None, steps, last=last)
                    for a, spec, f in zip(row, inputs, axes, strict=True)
                ]
                if not _is_padding(short, row, inputs):
                    found.append(short)
                    break
    return found


def _cut(array: Array, spec: TensorSpec, axis: int | None, steps: int, *, last: bool) -> Array:
    if spec.counts:
        return np.minimum(array, steps).astype(array.dtype)
    if axis is None or array.shape[axis] <= steps:
        return array
    size = array.shape[axis]
    return array.take(range(size - steps, size) if last else range(steps), axis=axis)


def _is_padding(short: Sequence[Array], row: Sequence[Array], inputs: Sequence[TensorSpec]) -> bool:
    """Whether only zeros, or only the mask value, are left of an input."""
    for cut, whole, spec in zip(short, row, inputs, strict=True):
        for value in {0, spec.mask_value}:
            if value is not None and np.all(cut == value) and not np.all(whole == value):
                return True
    return False
