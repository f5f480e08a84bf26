"""Features that one integer scale for a whole input leaves nothing of.

What enters: samples, the inputs, the type that they come to. What leaves: a sentence for a refusal,
naming the feature and the steps that it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlite.quantization.params import Array, params_of
from rnnlite.specs import TensorSpec

FEW_STEPS = 16
"""A feature that varies over less than so many steps of its input is poor."""


def unlike_features(
    samples: Sequence[Sequence[Array]], inputs: Sequence[TensorSpec], dtype: str
) -> str:
    """The feature that is poorest in steps, in words; "" where all have enough.

    Args:
        samples: one array an input each, without batch axis; features are the last axis.
        inputs: the model's inputs.
        dtype: of the integers that inputs become: "int8" or "int16".
    """
    poorest, words = float(FEW_STEPS), ""
    for k, spec in enumerate(inputs):
        rows = [np.atleast_1d(row[k]) for row in samples]
        if not rows or rows[0].dtype.kind != "f":
            continue
        width = rows[0].shape[-1] if rows[0].ndim > 1 else 1
        values = np.concatenate([row.reshape(-1, width) for row in rows])
        low, high = values.min(axis=0), values.max(axis=0)
        step = params_of((float(low.min()), float(high.max())), dtype).scale
        steps = np.where(high > low, (high - low) / step, np.inf)
        feature = int(np.argmin(steps))
        if steps[feature] < poorest:
            poorest = float(steps[feature])
            words = (
                f"input '{spec.name}' has one integer scale for all its features: feature "
                f"{feature}, {low[feature]:.4g} to {high[feature]:.4g}, has {poorest:.2g} steps of "
                f"its {high.max() - min(low.min(), 0.0):.4g}"
            )
    return words
