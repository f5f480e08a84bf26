"""How errors change with length: sequences of a given length, and warnings on large errors.

What enters: samples, and errors by length. What leaves: sequences put together from samples;
warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnlite.quantization.params import Array
from rnnlite.report.quantization import OutputAccuracy
from rnnlite.specs import TensorSpec

SEQUENCES = 3
"""How many sequences are put together."""


def sequences_of(
    inputs: Sequence[TensorSpec],
    samples: Sequence[list[Array]],
    length: int,
    count: int = SEQUENCES,
) -> list[list[Array]]:
    """Sequences of one length: samples laid end to end, then cut.

    Args:
        inputs: the model's inputs.
        samples: for each, one array for each input, without batch axis.
        length: the size of every free axis.
        count: how many sequences; fewer where there are fewer samples.

    Returns:
        the sequences; none where the model does not take the length, or an input has several free
        axes.
    """
    if any(length < n for spec in inputs for n in spec.least):
        return []
    rows = []
    for start in range(min(count, len(samples))):
        row = []
        for k, spec in enumerate(inputs):
            axes = [axis for axis, d in enumerate(spec.sample_shape) if d is None]
            if len(axes) > 1:
                return []
            array = samples[start][k]
            if spec.counts:
                array = np.full_like(array, length)
            for axis in axes:
                parts, total, place = [], 0, start
                while total < length:
                    part = samples[place % len(samples)][k]
                    parts.append(part)
                    total += part.shape[axis]
                    place += 1
                array = np.concatenate(parts, axis=axis).take(range(length), axis=axis)
            row.append(array)
        rows.append(row)
    return rows


def course_warnings(
    accuracy: Sequence[OutputAccuracy],
    max_error: float,
    calibrated: tuple[int, int] | None,
    worst: Callable[[int], Sequence[str]],
) -> list[str]:
    """Warnings on errors above `max_error`: at some lengths, or where states are fed back.

    Args:
        accuracy: the errors of each output.
        max_error: the largest relative RMS error that is accepted.
        calibrated: length of the shortest and the longest calibration sample, if there are any.
        worst: gives the tensors where the error enters at a length, in words.
    """
    warnings = [
        f"output '{a.name}' is off by {100 * a.fed_back:.3g} % where samples run one after the "
        "other, each from the states that the one before gave back. Give calibration samples in "
        "the order of use, with the states that the model gives; or take a finer mode"
        for a in accuracy
        if a.fed_back is not None and not a.fed_back <= max_error
    ]
    named: dict[int, str] = {}
    for a in accuracy:
        off = [length for length, error in a.by_length.items() if not error <= max_error]
        if not off:
            continue
        length = max(off, key=lambda n: a.by_length[n])
        if length not in named:
            places = ", ".join(worst(length))
            named[length] = f": the error enters at {places}" if places else ""
        seen = f"; calibration saw {calibrated[0]} to {calibrated[1]} steps" if calibrated else ""
        figures = ", ".join(f"{100 * a.by_length[n]:.3g} % at {n:,} steps" for n in off)
        warnings.append(
            f"output '{a.name}' is off by {figures}{seen}{named[length]}. Give calibration samples "
            "of such lengths, or keep to shorter ones"
        )
    return warnings
