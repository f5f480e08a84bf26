"""What kind of cell a step is, for the report: told by its ops, without a claim to equality."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnlite.sources.graph.cell import GraphCell


def describe(cell: GraphCell) -> tuple[str, int | None]:
    """A name and the width of the state."""
    widths = [cell.shapes[r] for r in cell.updates if r in cell.shapes]
    units = [int(s[-1]) for s in widths if s.rank and s[-1] is not None]
    ops: Counter[str] = Counter()
    for name in cell._order():
        ops[cell.graph.nodes[name].op] += 1
    return _name(cell, ops), units[-1] if units else None


def _name(cell: GraphCell, ops: Counter[str]) -> str:
    gates = ops["Sigmoid"]
    states = len(cell.states)
    if states == 2 and gates == 3 and ops["Tanh"] == 2:
        return "LSTM"
    if states == 1 and gates in (1, 2) and ops["Tanh"] == 1:
        return "GRU"
    if states == 1 and gates == 0 and ops["MatMul"] in (1, 2):
        return "RNN"
    return "graph cell"
