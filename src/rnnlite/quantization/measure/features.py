"""Find features that are lost, as one integer scale for a whole input is too coarse for them.

What enters: samples, the inputs, the type that inputs become. What leaves: a sentence for a
refusal, with the feature and the number of steps that it has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from rnnlite.quantization.params import Array, params_of
from rnnlite.specs import TensorSpec

FEW_STEPS = 16
"""A feature that varies over fewer steps of its input is lost."""


def unlike_features(
    samples: Sequence[Sequence[Array]],
    inputs: Sequence[TensorSpec],
    dtype: str,
    states: Collection[int] = (),
) -> str:
    """The feature with the fewest steps, in words; "" where all have enough.

    Args:
        samples: for each, one array for each input, without batch axis. Features are along each
            axis of fixed size, such as that of the bins of a spectrum.
        inputs: the model's inputs.
        dtype: the integers that inputs become: "int8" or "int16".
        states: inputs that come back as outputs, which have a type of their own.
    """
    poorest, words = float(FEW_STEPS), ""
    for k, spec in enumerate(inputs):
        rows = [np.atleast_1d(row[k]) for row in samples]
        if k in states or not rows or rows[0].dtype.kind != "f":
            continue
        for axis in _feature_axes(rows[0], spec):
            ranges = [_ends(row, axis) for row in rows]
            low = np.min([a for a, _ in ranges], axis=0)
            high = np.max([b for _, b in ranges], axis=0)
            step = params_of((float(low.min()), float(high.max())), dtype).scale
            steps = np.where(high > low, (high - low) / step, np.inf)
            feature = int(np.argmin(steps))
            if steps[feature] < poorest:
                poorest = float(steps[feature])
                last = axis == rows[0].ndim - 1
                which = f"feature {feature}" if last else f"place {feature} along axis {axis}"
                words = (
                    f"input '{spec.name}' has one integer scale for all its features: {which}, "
                    f"{low[feature]:.4g} to {high[feature]:.4g}, has {poorest:.2g} steps of "
                    f"its {high.max() - min(low.min(), 0.0):.4g}"
                )
    return words


def _feature_axes(row: Array, spec: TensorSpec) -> list[int]:
    """The axes of a sample along which there are features; none for a vector."""
    if row.ndim == 1:
        return []
    sizes = spec.sample_shape
    fixed = [a for a, size in enumerate(sizes[:-1]) if size is not None and size > 1]
    return fixed if sizes[-1] is None else [row.ndim - 1, *fixed]


def _ends(row: Array, axis: int) -> tuple[Array, Array]:
    """Smallest and largest value at each index along an axis."""
    others = tuple(a for a in range(row.ndim) if a != axis)
    return row.min(axis=others), row.max(axis=others)
