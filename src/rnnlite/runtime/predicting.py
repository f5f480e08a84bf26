"""From checked samples to arrays of a whole batch, and back to results of samples. NumPy alone.

What enters: samples, the model's `TensorSpec`s, what runs whole batches. What leaves: input arrays
as the runtime takes them; each sample's result; columns of results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.runtime.engines import Engines, Run
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.specs import Array, SignatureSpec, TensorSpec, row, stacked


def fixed_batch(inputs: Sequence[TensorSpec]) -> int | None:
    """The batch that a model pins; 1 where an input has no batch axis, None where it is free."""
    if any(spec.batch_axis is None for spec in inputs):
        return 1
    return next((spec.batch for spec in inputs if spec.batch is not None), None)


def as_batch(samples: Sequence[Sequence[Array]], inputs: Sequence[TensorSpec]) -> list[Array]:
    """Samples of equal shapes as one array for each input, quantized where the input is.

    A pinned batch is filled up with copies of the last sample, whose results the caller drops.
    """
    fixed = fixed_batch(inputs)
    rows = list(samples)
    if fixed is not None and len(rows) < fixed:
        rows += [rows[-1]] * (fixed - len(rows))
    return [
        quantize(stacked([sample[n] for sample in rows], spec.batch_axis), spec)
        for n, spec in enumerate(inputs)
    ]


def run_groups(
    engines: Engines,
    groups: Sequence[list[int]],
    samples: Sequence[Sequence[Array]],
    specs: SignatureSpec,
    *,
    raw: bool,
    bar: Progress | None = None,
) -> list[list[Array]]:
    """Run samples, those of a group as one batch.

    Args:
        engines: run whole batches.
        groups: indices of the samples that run together; each index once.
        samples: for each sample, one array for each input, without batch axis.
        specs: what the model takes and gives.
        raw: leave integers as they are.
        bar: the progress bar that each finished sample moves.

    Returns:
        for each sample, one array for each output, without batch axis, in the samples' order.
    """
    results: list[list[Array]] = [[]] * len(samples)

    def work(run: Run, group: list[int]) -> None:
        outputs = run(as_batch([samples[k] for k in group], specs.inputs))
        for place, k in enumerate(group):
            results[k] = [
                result_of(spec, y, place, raw)
                for spec, y in zip(specs.outputs, outputs, strict=True)
            ]
        if bar is not None:
            bar.add(len(group))

    engines.run_batches(work, groups)
    return results


def result_of(spec: TensorSpec, output: Array, place: int, raw: bool) -> Array:
    """The result at a place in a batch, without batch axis; `raw` leaves integers as they are."""
    found = row(output, spec.batch_axis, place)
    return found.copy() if raw else dequantize(found, spec)


def column(rows: Sequence[Array]) -> Any:
    """Results of one output: one array where all have one shape, else a list."""
    shapes = {row.shape for row in rows}
    return np.stack(rows) if len(shapes) == 1 else list(rows)


def positive(name: str, value: Any, default: int) -> int:
    """A count that the user gave, or its default.

    Raises:
        SampleError: it is no int of 1 or more.
    """
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SampleError(
            f"{name} is no {'batch size' if name == 'batch_size' else 'number of bytes'}",
            expected="an int of 1 or more",
            found=repr(value),
        )
    return value
