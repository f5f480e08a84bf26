"""Give each reader of a constant row, spread by an op, a row of its own.

What enters: a float model. What leaves: the same model, in which no two ops read one tensor that
FILL and the like make of a constant. The official converter makes equal ones one; recurrences of
equal size, which begin with rows of zeros, would share it, and so one grid: the quiet ones would
lose their steps to the loud ones.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_tensor

SPREADS = {"FILL": 1, "BROADCAST_TO": 0, "TILE": 0, "RESHAPE": 0}
"""Ops whose result is a constant if the operand at this place is one, whatever its size."""


def separate_fills(model: Any) -> int:
    """Copy the ops that spread float constants, in place, one for each reader.

    Returns:
        How many copies were made.
    """
    return sum(_separate(model, content) for content in model.subgraphs)


def _separate(model: Any, content: Any) -> int:
    ops = list(content.operators or [])
    spread = _spread(model, content, ops)
    made = 0
    # Backwards: what is in front of a copied op has as many readers more.
    for op in reversed(ops):
        tensor = int(op.outputs[0]) if len(op.outputs) else -1
        if tensor not in spread:
            continue
        uses = [(o, k) for o in content.operators for k, t in enumerate(o.inputs) if t == tensor]
        kept = int(Counter(map(int, content.outputs))[tensor] == 0)
        for reader, place in uses[kept:]:
            twin = copy(op)
            twin.inputs = list(op.inputs)
            result = new_tensor(content, tensor, "float32")
            twin.outputs = [result]
            at = next(k for k, o in enumerate(content.operators) if o is op)
            content.operators = [*content.operators[:at], twin, *content.operators[at:]]
            reader.inputs = [result if k == place else int(t) for k, t in enumerate(reader.inputs)]
            made += 1
    return made


def _spread(model: Any, content: Any, ops: list[Any]) -> set[int]:
    """Float tensors that such ops make of constants."""
    found: set[int] = set()
    for op in ops:
        place = SPREADS.get(flatbuffer.op_name(model, op))
        if place is None:
            continue
        operand = int(op.inputs[place])
        constant = flatbuffer.content(model, content.tensors[operand]) is not None
        tensor = content.tensors[int(op.outputs[0])]
        if (constant or operand in found) and flatbuffer.dtype_name(tensor) == "float32":
            found.add(int(op.outputs[0]))
    return found
