"""Find the sizes of free axes that are not time, by running the source.

A graph may leave every axis free, even that of the features, or the batch axis of a state (layers,
B, units). What enters: inputs, the lengths that follow from their free axes, and the source. What
leaves: the size of each axis at which the source runs with one size alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from rnnlite.frontends.functions import Runner
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.protos import GraphDef
from rnnlite.specs import TensorSpec, with_values

GATES = (1, 2, 3, 4)

STEPS = 6
"""Time steps of the runs."""

OTHERS = (3, 5)
"""Two sizes. An axis at which either one runs is taken to run at any size."""

LARGEST, MOST = 4096, 128
"""The largest size that is tried; the most sizes that are tried."""


def only_sizes(
    run: Runner,
    specs: Sequence[TensorSpec],
    lengths: Lengths,
    definition: GraphDef,
    ids: Mapping[str, tuple[int, int]],
) -> dict[Axis, int]:
    """The sizes of free axes that are not time, where only one size runs; 1 for a batch axis.

    Args:
        run: runs the source.
        specs: its inputs.
        lengths: tells which free axes are time.
        definition: the GraphDef. The sizes in the shapes of its constants are tried.
        ids: see `TensorSpec.ids`.
    """
    found: dict[Axis, int] = {}
    loose = [a for a in lengths.axes if a not in lengths.times] if lengths.times else []

    def accepts(axis: Axis, size: int) -> bool:
        values = {a: STEPS if a in lengths.times else found.get(a, 1) for a in lengths.axes}
        values[axis] = size
        try:
            run(random_inputs(with_values(specs, ids, {}), length=values, batch=1))
        except Exception:  # noqa: BLE001 - the source's own refusal, of any kind
            return False
        return True

    for axis in loose:
        if any(accepts(axis, n) for n in OTHERS):
            continue
        fitting = [n for n in _sizes(definition) if accepts(axis, n)]
        if len(fitting) == 1:
            found[axis] = fitting[0]
    return found


def _sizes(definition: GraphDef) -> list[int]:
    """1, for a batch, and the sizes of the weights' axes."""
    return list(dict.fromkeys([1, *_weight_sizes(definition)]))[:MOST]


def _weight_sizes(definition: GraphDef) -> Iterator[int]:
    """The sizes of the axes; and of a kernel of [x, h], rows less the units of 1 to 4 gates."""
    for node in definition.node:
        if node.op != "Const" or node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        dims = [d.size for d in node.attr["value"].tensor.tensor_shape.dim]
        found = [*dims]
        if len(dims) == 2:
            found += [dims[0] - dims[1] // gates for gates in GATES]
        yield from (n for n in found if 1 < n <= LARGEST and n not in OTHERS)
