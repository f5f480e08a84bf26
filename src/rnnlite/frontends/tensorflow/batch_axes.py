"""Which axis of each output of a graph grows with the batch.

What enters: a `Traced` graph, and the graph as TensorFlow runs it. What leaves: an axis for each
output, None where it has none.
"""

from __future__ import annotations

from rnnlite.frontends.functions import Runner, trace
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.sizes import BATCHES, grown_axes
from rnnlite.frontends.tensorflow.tracing import Traced
from rnnlite.specs import with_values

LENGTHS = (11, 13)
"""Lengths at which the graph is run to tell the batch axis from the time axis."""


def batch_axes_of_outputs(traced: Traced, reference: Runner) -> list[int | None]:
    """The axis of each output that grows with the batch.

    The batch axis of an output is its first axis, unless shapes say otherwise. Where an input is
    time-major, the graph is traced at two batch sizes, and the shapes compared. Where an output may
    be time-major, as in front of CTC, the graph is run, and the results compared.
    """
    specs, outputs = traced.specs, traced.function.outputs
    if all(p.batch_axis is None for p in specs):
        return [None] * len(outputs)
    sizes = {p.batch for p in specs}
    if any(p.batch_axis != 0 for p in specs):
        axes = grown_axes(lambda sized: trace(traced.call, sized, autograph=False), specs)
        grown: list[int | None] = axes or [0] * len(outputs)
        # Where none grows, as with states that are given for one sequence, the first may be time.
        pairs = zip(grown, outputs, strict=True)
        doubtful = [a is not None and y.shape[a] not in sizes for a, y in pairs]
        if not any(doubtful):
            return grown
        seen = _measured_axes(traced, reference)
        return [b if odd else a for odd, a, b in zip(doubtful, grown, seen, strict=True)]
    if None not in sizes and all(not y.shape.rank or y.shape[0] in sizes for y in outputs):
        return [0] * len(outputs)
    return _measured_axes(traced, reference)


def _measured_axes(traced: Traced, reference: Runner) -> list[int | None]:
    """The axes, from what the graph gives for two batches, or at two lengths of its only batch.

    An output of another size, such as rows of all time steps, has none if there is one batch.
    """
    specs = traced.specs
    free = any(p.batch is None for p in specs)
    cases = [(size, LENGTHS[0]) for size in BATCHES] if free else [(1, n) for n in LENGTHS]
    runs = []
    for size, length in cases:
        inputs = random_inputs(with_values(specs, traced.ids, {}), length=length, batch=size)
        try:
            found = [y.shape for y in reference(inputs)]
        except Exception:  # noqa: BLE001 - the source's own refusal of a size, of any kind
            return [0] * len(traced.function.outputs)
        batch = size if free else max(p.batch or 1 for p in specs)
        runs.append([{k for k, d in enumerate(shape) if d == batch} for shape in found])
    axes: list[int | None] = []
    for k, sets in enumerate(zip(*runs, strict=True)):
        common = set.intersection(*sets)
        scalar = traced.function.outputs[k].shape.rank == 0
        axes.append(min(common) if common else None if scalar or not free else 0)
    return axes
