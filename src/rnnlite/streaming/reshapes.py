"""The rule of RESHAPE: time stays an axis of its own, is folded into one with others, is unfolded
from it, or has several of its rows stacked into one.

What enters: the emitter, an op of the whole sequence's function, and what its input is for a chunk.
What leaves: what its result is for a chunk (`values`), or a refusal (StreamingError).

    (1, T, W) to (1, T / 2, 2 W)      rows  a b | c d | ...   one row of each two
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from rnnlite.lengths.moves import product
from rnnlite.lengths.sizes import Size, divided, floor_div
from rnnlite.lengths.values import axes_of
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.emit import TIME, Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.timed import FOLDS, count_of, each_row, later, plain, unbounded
from rnnlite.streaming.values import Fold, Timed, Value, refused


@rule("Reshape")
def reshape(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Reshape axes in front of time and behind it.

    Time stays an axis of its own, is folded into one axis with others, or is unfolded from it.
    Several rows may be stacked into one.
    """
    value = each_row(emitter, op, as_timed(emitter, op, inputs[0]))
    old, new = emitter.sizes(op.inputs[0]), emitter.sizes(op.outputs[0])
    axis, fold = value.rows.axis, value.fold
    if fold is None:
        fold = Fold(old[axis], 1, 1, count_of(value), emitter.place(op))
    front = product(old[:axis]) * fold.front
    behind = product(old[axis + 1 :]) * fold.behind
    for place, size in enumerate(new):
        ahead, rest = product(new[:place]), product(new[place + 1 :])
        if size == fold.time and ahead == front:
            return [_regrouped(emitter, op, replace(value, fold=None), place, fold.count)]
        inner, outer = quotient(front, ahead), quotient(behind, rest)
        if TIME in axes_of(size) and inner is not None and outer is not None:
            fold = replace(fold, front=inner, behind=outer)
            count = emitter.number(inner, op) * fold.count * emitter.number(outer, op)
            return [_regrouped(emitter, op, replace(value, fold=fold), place, count)]
    return [_stacked(emitter, op, *_unfolded(emitter, op, value))]


def quotient(size: Size, part: Size) -> Size | None:
    """How many parts a size has, where it is surely a whole number of them."""
    found, exact = divided(size, part)
    return found if exact else None


def _unfolded(emitter: Emitter, op: Any, value: Timed) -> tuple[Timed, Sequence[Size]]:
    """A value whose axis of time is one of its own, and the sizes of the whole."""
    fold, sizes = value.fold, emitter.sizes(op.inputs[0])
    if fold is None:
        return value, sizes
    if fold.front == 1:
        return plain(emitter, op, value), sizes
    axis = value.rows.axis
    front, behind = product(sizes[:axis]) * fold.front, fold.behind * product(sizes[axis + 1 :])
    shape = [emitter.number(front, op), fold.count, emitter.number(behind, op)]
    apart = replace(value, fold=None).at(1, _reshaped(value.tensor, shape))
    return apart, (front, fold.time, behind)


def _stacked(emitter: Emitter, op: Any, value: Timed, old: Sequence[Size]) -> Timed:
    """Several rows as one, late enough that each chunk has whole stacks.

    Args:
        old: sizes of the whole input.

    Raises:
        StreamingError: the result is no such one; or sequences of whole chunks have no whole number
            of stacks.
    """
    new, axis = emitter.sizes(op.outputs[0]), value.rows.axis
    front, behind = product(old[:axis]), product(old[axis + 1 :])
    for place, size in enumerate(new):
        many = quotient(product(new[place + 1 :]), behind)
        if product(new[:place]) != front or not isinstance(many, int):
            continue
        if size != floor_div(old[axis], many):
            continue
        rows = unbounded(emitter, op, value).rows
        more = rows.add // rows.stride
        if more % many:
            raise refused(
                emitter.place(op),
                f"it makes one row of {many}, and there are rows beside those of whole chunks",
                found=f"{more % many} more than a multiple of {many}",
            )
        late = later(emitter, op, value, -rows.delay % many)
        rows = late.rows.stacked(many)
        count = emitter.clock.count(rows)
        return _regrouped(emitter, op, replace(late, rows=rows), place, count)
    raise refused(emitter.place(op), FOLDS, found=f"{op.inputs[0].shape} to {op.outputs[0].shape}")


def _regrouped(emitter: Emitter, op: Any, value: Timed, place: int, count: Any) -> Timed:
    """The value in the shape that an op gives, time at a place of it."""
    sizes = emitter.sizes(op.outputs[0])
    shape = [count if k == place else emitter.number(s, op) for k, s in enumerate(sizes)]
    return value.at(place, _reshaped(value.tensor, shape))


def _reshaped(x: Tensor, shape: Sequence[Any]) -> Tensor:
    free = [k for k, d in enumerate(shape) if not isinstance(d, int)]
    static = [d if isinstance(d, int) else None for d in shape]
    if len(free) == 1:
        shape = [-1 if k in free else d for k, d in enumerate(shape)]
    found = tf.reshape(x, shape if len(free) < 2 else tf.stack(shape))
    found.set_shape(static)
    return found
