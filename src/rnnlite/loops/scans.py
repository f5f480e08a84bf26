"""From a loop to a Scan over its sequences.

What enters: a `Loop`. What leaves: a `Raised` Scan, ready to be lowered; or `NotAScan` with the
reason, which is logged.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rnnlite.loops.cell import BodyCell
from rnnlite.loops.loop import Loop, Variable
from rnnlite.loops.nodes import Kind, Ref
from rnnlite.loops.reading import NotAScan, Reading, read
from rnnlite.loops.walks import nodes_of, origin
from rnnlite.scan.scan import Scan
from rnnlite.scan.tensors import Tensor

LOG = logging.getLogger("rnnlite")


@dataclass(frozen=True, eq=False)
class Raised:
    """A loop raised to a Scan. (Lowering goes the other way, from a Scan to a loop.)

    Attributes:
        scan: the Scan. Its states are those of `reading`, in order; its outputs are the rows of
            `outputs`.
        cell: the cell of the Scan.
        reading: which variables of the loop are states, sequences and counters.
        outputs: the variables whose arrays are written, and read behind the loop.
        weights: names of the constants that the body multiplies with.
    """

    scan: Scan
    cell: BodyCell
    reading: Reading
    outputs: tuple[Variable, ...]
    weights: tuple[str, ...]


def scan_of(loop: Loop, *, quiet: bool = False) -> Raised | NotAScan:
    """Raise a loop to a Scan.

    Args:
        loop: the loop.
        quiet: do not log; a loop may be looked at more than once.

    Returns:
        the Scan, not lowered yet; or the reason why it is none.
    """
    found = _scan_of(loop)
    if isinstance(found, NotAScan) and not quiet:
        LOG.info("loop '%s' is no recurrence over time: %s", loop.name, found.reason)
    return found


def _scan_of(loop: Loop) -> Raised | NotAScan:
    reading = read(loop)
    if isinstance(reading, NotAScan):
        return reading
    outputs = tuple(v for v in reading.written if v.wanted)
    sequences: dict[Ref, Tensor] = {}
    inputs: list[Tensor] = []
    for ref, array in reading.rows.items():
        sequences[ref] = x = loop.tensors.first(array, reading.count)
        # Numbers, one a time step, go in as rows of one.
        inputs.append(loop.tensors.column(x) if len(loop.tensors.shape(x) or ()) == 1 else x)
    inputs.append(loop.tensors.steps(reading.count))
    cell = BodyCell(
        region=loop.body.bind({v.argument: v.initial for v in reading.invariants}),
        tensors=loop.tensors,
        states={v.argument: v.tensor for v in reading.states},
        rows=sequences,
        arrays=reading.arrays,
        counters={v.argument: start for v, start in reading.counters.items()},
        updates=[v.update for v in reading.states],
        outputs=[reading.written[v] for v in outputs],
    )
    if cell.refused is not None:
        return cell.refused
    last = _only_last(loop, reading, outputs)
    scan = Scan(
        cell=cell,
        inputs=tuple(inputs),
        initial_states=tuple(v.tensor for v in reading.states),
        all_outputs=bool(outputs) and not last,
        last_output=last,
        batched=False,
        name=loop.name,
    )
    return Raised(scan, cell, reading, outputs, _weights(loop, reading, cell))


def _only_last(loop: Loop, reading: Reading, outputs: tuple[Variable, ...]) -> bool:
    """Whether of all that the loop writes the last rows alone are read, and none is padding."""
    return bool(outputs) and all(
        v.last and v.rows is not None and loop.tensors.is_full(v.rows, reading.count)
        for v in outputs
    )


def _weights(loop: Loop, reading: Reading, cell: BodyCell) -> tuple[str, ...]:
    """Names of the constants that the body multiplies with, as the graph outside has them."""
    fixed = {v.argument for v in reading.invariants} | loop.outside
    found: dict[str, None] = {}
    for node in nodes_of(loop.body, cell.body.results):
        if node.kind in (Kind.MATMUL, Kind.PRODUCT):
            for ref in _leaves(loop, node.operands[1]):
                if ref in fixed and ref in loop.weights:
                    found[loop.weights[ref]] = None
    return tuple(found)


def _leaves(loop: Loop, weights: Ref) -> list[Ref]:
    """What no node of the body makes, among what weights are made of."""
    found: dict[Ref, None] = {}
    seen: set[str] = set()
    queue = [weights]
    while queue:
        ref = origin(loop.body, queue.pop())
        node = loop.body.node(ref)
        if node is None:
            found[ref] = None
        elif node.name not in seen:
            seen.add(node.name)
            queue += node.reads
    return list(found)
