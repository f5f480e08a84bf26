"""Take out the barriers against the official converter (`lowering.barriers`).

    MAXIMUM(x, the lowest float32)    ->    x

What enters: a float model, changed in place. What leaves: an equal one.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.lowering.barriers import LOWEST


def drop_barriers(model: Model) -> int:
    """Let the readers of each barrier read its operand instead, in place.

    Returns:
        How many barriers were taken out.
    """
    count = 0
    for graph in model.graphs:
        for op in graph.ops:
            kept = _behind(op) if op.kind == "MAXIMUM" else None
            if kept is None or op.output.is_result:
                continue
            for reader, place in op.output.uses:
                reader.set_input(place, kept)
            graph.remove(op)
            count += 1
    return count


def _behind(op: Op) -> Value | None:
    """What a barrier lets through; None of any other maximum."""
    a, b = op.input(0), op.input(1)
    for value, limit in ((a, b), (b, a)):
        number = limit.constant("float32")
        if number is not None and number.size == 1 and float(number.item()) == LOWEST:
            return value
    return None
