"""Copy constants that FILL and the like broadcast, so that each reader has its own copy.

What enters: a float model. What leaves: the same model, in which no two ops read one result of
FILL and the like. The official converter merges equal FILLs. So recurrences of equal size, whose
states start as zeros, would share one tensor, and with it one scale: the states of small range
would lose precision.
"""

from __future__ import annotations

from rnnlite.lite.ir import Graph, Model, Value

SPREADS = {"FILL": 1, "BROADCAST_TO": 0, "TILE": 0, "RESHAPE": 0}
"""Ops -> the operand whose numbers the result holds: constant if this operand is constant."""


def separate_fills(model: Model) -> int:
    """Copy the ops that broadcast float constants, in place, one for each reader.

    Returns:
        How many copies were made.
    """
    return sum(_separate(graph) for graph in model.graphs)


def _separate(graph: Graph) -> int:
    spread = _spread(graph)
    made = 0
    # Backwards: what is in front of a copied op has as many readers more.
    for op in reversed(graph.ops):
        value = op.outputs[0] if op.outputs else None
        if value is None or value not in spread or len(value.uses) + value.is_result < 2:
            continue
        order = {reader: k for k, reader in enumerate(graph.ops)}
        uses = sorted(value.uses, key=lambda use: (order[use.op], use.place))
        for reader, place in uses[int(not value.is_result) :]:
            result = graph.like(value)
            graph.insert(op, op.twin(op.inputs, [result]))
            reader.set_input(place, result)
            made += 1
    return made


def _spread(graph: Graph) -> set[Value]:
    """Float values that such ops make of constants."""
    found: set[Value] = set()
    for op in graph.ops:
        if op.kind in SPREADS and op.output.type == "float32":
            operand = op.input(SPREADS[op.kind])
            if operand.is_constant or operand in found:
                found.add(op.output)
    return found
