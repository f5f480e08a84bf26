"""What kind of cell a step is, for the report: told by its ops, without a claim to equality."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rnnlite.frontends.tensorflow.emit import Emitter
from rnnlite.frontends.tensorflow.loop import Loop
from rnnlite.frontends.tensorflow.nodes import name_of

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.cell import GraphCell

PRODUCTS = ("MatMul", "BatchMatMulV2", "Conv2D")


def body_names(emitter: Emitter, loop: Loop, references: list[str]) -> list[str]:
    """Names of the nodes of the body, in no order."""
    inner = Emitter(emitter.session, loop.graph, {})
    stop = {name_of(r) for r in [*loop.arguments, *loop.constants]}
    seen: set[str] = set()
    queue = [name_of(r) for r in references]
    while queue:
        name = queue.pop()
        if name in seen or name in stop:
            continue
        seen.add(name)
        node = loop.graph.nodes[name]
        queue += [name_of(r) for r in inner.reads(node)]
    return sorted(seen)


def weight_names(emitter: Emitter, loop: Loop, references: list[str]) -> tuple[str, ...]:
    """Names of the constants that the body multiplies with, as the graph outside has them."""
    found: dict[str, None] = {}
    for name in body_names(emitter, loop, references):
        node = loop.graph.nodes[name]
        if node.op not in PRODUCTS:
            continue
        queue = [loop.graph.inputs(node)[1]]
        seen: set[str] = set()
        while queue:
            reference = loop.graph.origin(queue.pop())
            if name_of(reference) in seen or (
                reference in loop.arguments and reference not in loop.sources
            ):
                continue
            seen.add(name_of(reference))
            if reference in loop.sources:
                outside = emitter.graph.origin(loop.sources[reference])
                if emitter.graph.node(outside).op == "Const":
                    found[name_of(outside)] = None
                continue
            queue += loop.graph.inputs(loop.graph.node(reference))
    return tuple(found)


def describe(cell: GraphCell) -> tuple[str, int | None]:
    """A name and the width of the state."""
    widths = [cell.shapes[r] for r in cell.updates if r in cell.shapes]
    units = [int(s[-1]) for s in widths if s.rank and s[-1] is not None]
    ops: Counter[str] = Counter()
    for name in cell._order():
        ops[cell.graph.nodes[name].op] += 1
    return _name(cell, ops), units[-1] if units else None


def _name(cell: GraphCell, ops: Counter[str]) -> str:
    # A hard sigmoid is a clipped line: Minimum, then Maximum.
    gates = ops["Sigmoid"] + min(ops["Minimum"], ops["Maximum"])
    states = len(cell.states)
    if states == 2 and ops["Sigmoid"] in (0, 3) and gates >= 3 and ops["Tanh"] == 2:
        return "LSTM"
    if states == 1 and gates in (1, 2) and ops["Tanh"] == 1:
        return "GRU"
    if states == 1 and gates == 0 and ops["MatMul"] in (1, 2):
        return "RNN"
    return "graph cell"
