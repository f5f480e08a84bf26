"""Axes of a traced model's inputs that take a single size; which axis of an output is the batch.

What enters: TensorSpecs of inputs, the `Lengths` of a trace, a model as a function of its inputs'
sizes. What leaves: sizes by `Axis`, inputs with these sizes, notes; the batch axis of each output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rnnlite.errors import RnnliteError
from rnnlite.lengths.lengths import NEARBY, Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import TensorSpec


def forced_sizes(lengths: Lengths) -> dict[Axis, int]:
    """Free axis -> its size, for axes that the graph's ops take at one size only."""
    found = {}
    for axis in lengths.pinned():
        asked = [r for r in lengths.requirements if r.kind == "equal" and r.axes == {axis}]
        sizes = (n for n in range(1, NEARBY) if all(r.holds({axis: n}) for r in asked))
        size = next(sizes, None)
        # If several sizes hold, as with strides, it is unknown which one is meant.
        if size is not None and next(sizes, None) is None:
            found[axis] = size
    return found


def with_sizes(specs: Sequence[TensorSpec], sizes: Mapping[Axis, int]) -> tuple[TensorSpec, ...]:
    """The inputs with given sizes for some of their axes."""
    return tuple(
        replace(p, shape=tuple(sizes.get(Axis(k, n), size) for n, size in enumerate(p.shape)))
        for k, p in enumerate(specs)
    )


def size_notes(specs: Sequence[TensorSpec], sizes: Mapping[Axis, int]) -> list[str]:
    """Notes on axes that a model's ops take at one size only."""
    return [
        f"axis {a.axis} of input '{specs[a.input].name}' is {n}: its ops take no other size"
        for a, n in sizes.items()
    ]


BATCHES = (5, 7)
"""Batch sizes that tell the batch axis of outputs: primes, which other axes hardly have."""


def grown_axes(
    traced: Callable[[Sequence[TensorSpec]], ConcreteFunction], specs: Sequence[TensorSpec]
) -> list[int | None] | None:
    """The axis of each output that grows with the batch, from its shapes at two batch sizes.

    Args:
        traced: traces the model for given inputs.
        specs: the inputs.

    Returns:
        for each output its axis: the first where none grows, None for a scalar. None instead of the
        list where the model does not take another batch.
    """
    shapes = []
    for size in BATCHES:
        batch = {
            Axis(k, p.batch_axis): size for k, p in enumerate(specs) if p.batch_axis is not None
        }
        try:
            shapes.append([y.shape for y in traced(with_sizes(specs, batch)).outputs])
        except (RnnliteError, ValueError):
            return None
    found: list[int | None] = []
    for a, b in zip(*shapes, strict=True):
        grown = [k for k in range(a.rank or 0) if (a[k], b[k]) == BATCHES]
        found.append(grown[0] if grown else None if a.rank == 0 else 0)
    return found
