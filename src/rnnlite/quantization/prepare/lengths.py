"""Find out whether two free axes are the same time axis, from the ops between them.

What enters: a value and one of its axes. What leaves: all axes of values in front of it that surely
have the same size, at any length of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rnnlite.lite.ir import Op, Value
from rnnlite.lite.ir.values import FREE

Axis = tuple[Value, int]
"""A value and one of its axes."""

ELEMENTWISE = frozenset(
    {
        *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE"),
        *("SELECT", "SELECT_V2", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "CAST"),
        *("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"),
        *("NEG", "SQUARE", "SQRT", "RSQRT", "EXP", "LOG", "ABS", "TANH", "LOGISTIC", "SOFTMAX"),
        *("RELU", "RELU6", "ELU", "GELU", "LEAKY_RELU", "HARD_SWISH", "PRELU"),
    }
)
"""Ops that compute each element of the result from the elements at its place; they broadcast."""

RESHAPES = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})


def same_axes(value: Value, axis: int) -> set[Axis]:
    """Axes that have the size of an axis of a value: of this value and of those it is made of."""
    found: set[Axis] = set()
    waiting = [(value, axis)]
    while waiting:
        place = waiting.pop()
        if place in found:
            continue
        found.add(place)
        op = place[0].producer
        if op is not None:
            waiting += _in_front(op, *place)
    return found


def _in_front(op: Op, value: Value, axis: int) -> list[Axis]:
    if op.kind in ELEMENTWISE:
        places = [(v, axis - value.rank + v.rank) for v in op.operands]
        return [(v, a) for v, a in places if a >= 0 and v.dims[a] == FREE]
    if op.kind in RESHAPES:
        moved = reshaped(value.dims, op.input(0).dims, axis)
        return [] if moved is None else [(op.input(0), moved)]
    if op.kind == "TRANSPOSE":
        order = op.input(1).integers()
        return [] if order is None else [(op.input(0), order[axis])]
    if op.kind == "GATHER" and not op.integer("axis") and not op.integer("batchDims"):
        return [(op.input(1), axis)] if axis < op.input(1).rank else []
    return []


def reshaped(new: Sequence[int], old: Sequence[int], axis: int) -> int | None:
    """The place of a free axis before a RESHAPE that only moves axes of fixed size; else None."""
    free = [k for k, d in enumerate(new) if d == FREE], [k for k, d in enumerate(old) if d == FREE]
    if axis not in free[0] or len(free[0]) != len(free[1]):
        return None
    if len(free[0]) > 1 and [d for d in new if d != 1] != [d for d in old if d != 1]:
        return None
    if _product(new) != _product(old):
        return None
    return free[1][free[0].index(axis)]


def _product(sizes: Sequence[int]) -> int:
    return prod(d for d in sizes if d != FREE)
