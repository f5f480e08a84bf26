"""Give each reader of a constant row, spread by an op, a row of its own.

What enters: a float model. What leaves: the same model, in which no two ops read one tensor that
FILL and the like make of a constant. The official converter makes equal ones one; recurrences of
equal size, which begin with rows of zeros, would share it, and so one scale: the quiet ones
would lose their steps to the loud ones.
"""

from __future__ import annotations

from rnnlite.lite.ir import Graph, Model, Value

SPREADS = {"FILL": 1, "BROADCAST_TO": 0, "TILE": 0, "RESHAPE": 0}
"""Ops whose result is a constant if the operand at this place is one, whatever its size."""


def separate_fills(model: Model) -> int:
    """Copy the ops that spread float constants, in place, one for each reader.

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
