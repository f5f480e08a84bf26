"""Counts min(length, n), where n is an input or a constant: how often loops of some graphs run.

What enters: ops that compute such a count, and slices that take as many rows as it says. What
leaves: `Bounded` counts, and `Timed` values of which no more rows are there than the count says
(`Rows.most`). Where the rows are padded up to the whole length, the value has no bound any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.lengths.facts import Content
from rnnlite.lengths.sizes import maximum
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.emit import Emitter, count_rule
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.timed import filled, unbounded
from rnnlite.streaming.values import Bounded, SoFar, Static, Timed, Value, refused


@count_rule("Minimum")
def least(emitter: Emitter, op: Any, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """min(length, n), where an input gives n; None where the operands are others.

    Raises:
        StreamingError: an operand is known only at the end of the sequence.
    """
    if any(isinstance(v, SoFar) for v in inputs):
        why = "how many steps are taken is counted over the whole of the sequence"
        raise refused(emitter.place(op), why)
    rest = [v for v in inputs if not isinstance(v, Bounded)]
    if any(not isinstance(v, Static) and not emitter.is_length(v) for v in rest):
        return None
    known = [v for v in inputs if isinstance(v, Bounded)]
    given = [v.tensor for v in rest if isinstance(v, Static)]
    if len(known) + len(given) != 1:
        return None
    return known[:1] or [Bounded(emitter.clock.bound(_number(given[0])))]


@count_rule("Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "Pack")
def passing(emitter: Emitter, op: Any, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """Hand on a count that is cast or reshaped; None where the inputs hold no count, or several."""
    del emitter, op
    counts = [v for v in inputs if isinstance(v, Bounded)]
    return counts if len(counts) == 1 else None


@count_rule("Range")
def places(emitter: Emitter, op: Any, inputs: Sequence[Value]) -> Sequence[Value] | None:
    """range(count): the places 0, 1, 2, ... of its rows; None for any other range."""
    count = inputs[1]
    if not isinstance(count, Bounded):
        return None
    if [int(emitter.constant(op, k).reshape(())) for k in (0, 2)] != [0, 1]:
        return None
    rows = Rows(0, most=count.most)
    index = emitter.clock.index(rows, emitter.clock.count(Rows(0)))
    return [Timed(tf.cast(index, op.outputs[0].dtype), rows)]


def first_rows(emitter: Emitter, op: Any, value: Timed, end: Value) -> Timed | None:
    """x[:end] along time, which is axis 0, where `end` is a count or a number that an input gives.

    Returns:
        the rows; None for any other slice.
    """
    begin, steps = (emitter.analysis.content(op.inputs[k]) for k in (1, 3))
    plain = [None if c is None else list(c.reshape(-1)) for c in (begin, steps)] == [[0], [1]]
    masks = ("end", "ellipsis", "new_axis", "shrink_axis")
    if (
        not plain
        or replace(value.rows, delay=0) != Rows(0)
        or any(op.get_attr(f"{m}_mask") for m in masks)
    ):
        return None
    if isinstance(end, Static):
        end = Bounded(emitter.clock.bound(_number(end.tensor)))
    if not isinstance(end, Bounded):
        return None
    return replace(value, rows=replace(value.rows, most=end.most))


def made_whole(
    emitter: Emitter, op: Any, value: Timed, paddings: Content | None, number: float
) -> Timed:
    """Rows of a bounded count, padded up to the length of the whole sequence.

    Args:
        paddings: the numbers of rows that the op adds, (rank, 2).
        number: what the added rows hold.

    Raises:
        StreamingError: the op adds another number of rows.
    """
    rows = value.rows
    missing = emitter.length - emitter.sizes(op.inputs[0])[rows.axis]
    for behind in (missing, maximum(missing, 0)):
        wanted = np.zeros((len(op.inputs[0].shape), 2), object)
        wanted[rows.axis, 1] = behind
        if paddings is not None and np.array_equal(paddings, wanted):
            found = filled(emitter, value, number)
            return replace(found, rows=replace(rows, most=None))
    unbounded(emitter, op, value)
    return value


def _number(tensor: Tensor) -> Tensor:
    return tf.reshape(tf.cast(tensor, tf.int32), [1])
