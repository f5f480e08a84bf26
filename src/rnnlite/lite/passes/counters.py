"""Take values out of loops that nothing reads, such as a second counter.

What enters: a float model, changed in place. What leaves: loops that carry fewer values, and how
many were taken out.

    WHILE (t, n, ...):                        WHILE (t, ...):
        cond: t < end                   ->        cond: t < end
        body: return t + 1, n + 1, ...            body: return t + 1, ...

A loop of TensorFlow counts its iterations, besides the counters of the program. Nothing reads this
second counter, and it takes a tenth of the time of an iteration.

A value is idle if the condition does not read it, if one op alone reads it in the body and makes
its next value, and if nothing reads it behind the loop.
"""

from __future__ import annotations

from typing import TypeVar

from rnnlite.lite.ir import Graph, Model, Op

Item = TypeVar("Item")


def drop_idle_counters(model: Model) -> int:
    """Take idle values out of all loops, in place; gives how many were taken out."""
    loops: dict[tuple[Graph, Graph], list[Op]] = {}
    for op in model.loops():
        cond, body = op.branches
        loops.setdefault((cond, body), []).append(op)
    dropped = 0
    for (cond, body), users in loops.items():
        for place in reversed(range(len(body.inputs))):
            update = _idle_update(cond, body, place)
            if update is None or any(op.outputs[place].is_read for op in users):
                continue
            body.outputs = _without(body.outputs, place)
            body.remove(update)
            for graph in (cond, body):
                graph.inputs = _without(graph.inputs, place)
            for op in users:
                op.inputs = _without(op.inputs, place)
                op.outputs = _without(op.outputs, place)
            dropped += 1
    return dropped


def _idle_update(cond: Graph, body: Graph, place: int) -> Op | None:
    """The one op that makes a carried value from itself and constants, if nothing else reads it."""
    argument, result = body.inputs[place], body.outputs[place]
    if cond.inputs[place].is_read or len(argument.readers) != 1:
        return None
    (update,) = argument.readers
    if update.outputs != (result,):
        return None
    if any(not v.is_constant for v in update.operands if v is not argument):
        return None
    if result.uses or argument.is_result or body.outputs.count(result) != 1:
        return None
    return update


def _without(places: tuple[Item, ...], place: int) -> tuple[Item, ...]:
    return places[:place] + places[place + 1 :]
