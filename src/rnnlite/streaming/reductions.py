"""Rules of reductions. Over other axes than time, each step is computed alone. Over time, a chunk
gives the result of all steps so far.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`); over time a `SoFar`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.lowering.tensors import is_zero
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.timed import along, batch_axis_of, count_of, each_row, filled, plain
from rnnlite.streaming.values import SoFar, Static, Timed, Value, refused

JOINS = {
    "Sum": tf.add,
    "Mean": tf.add,
    "Max": tf.maximum,
    "Min": tf.minimum,
    "Prod": tf.multiply,
    "Any": tf.logical_or,
    "All": tf.logical_and,
}
"""Reductions over time -> the op that joins the result so far with that of a chunk."""

GROWING = ("Sum", "Mean", "Prod")
"""Reductions over time whose result so far may grow without bound."""


def _nothing(kind: str, dtype: tf.DType) -> float:
    """What a reduction of nothing at all gives."""
    if kind == "Max":
        return float(dtype.min)
    if kind == "Min":
        # The first number of a state is a double: of int64, the largest that one holds.
        largest = float(dtype.max)
        return float(np.nextafter(largest, 0)) if int(largest) > dtype.max else largest
    return float(kind in ("Prod", "All"))


@rule(*JOINS)
def reduce(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Reduce over axes other than time step by step, or over time so far."""
    value = each_row(emitter, op, as_timed(emitter, op, inputs[0]))
    rank = op.inputs[0].shape.rank
    axes = sorted({int(a) % rank for a in emitter.constant(op, 1).reshape(-1)})
    keep = bool(op.get_attr("keep_dims"))
    time = value.rows.axis
    if time not in axes:
        found = emitter.copied(op, [value.tensor, tf.constant(axes, op.inputs[1].dtype)])[0]
        return [value.at(time if keep else time - sum(a < time for a in axes), found)]
    if is_zero(op.inputs[0]):
        shape = [emitter.number(s, op) for s in emitter.sizes(op.outputs[0])]
        return [Static(tf.zeros(shape, op.outputs[0].dtype))]
    value = plain(emitter, op, value)
    nothing = _nothing(op.type, op.inputs[0].dtype)
    x = filled(emitter, value, nothing).tensor
    mean = op.type == "Mean"
    chunk = _reduced(op, x, axes, keep, sum_=mean)
    batch = batch_axis_of(chunk, None, emitter.place(op))
    name = "sum" if mean else op.type.lower()
    full, before = emitter.states.take(
        emitter.layer(op),
        name,
        chunk.shape.as_list(),
        chunk.dtype,
        initial=nothing,
        batch_axis=batch,
        grows=op.type in GROWING and chunk.dtype.is_floating,
    )
    after = JOINS[op.type](before, chunk)
    emitter.states.give(full, after)
    return [SoFar(_mean(emitter, value, after, axes) if mean else after, value.rows)]


def _reduced(op: Any, x: Tensor, axes: list[int], keep: bool, *, sum_: bool) -> Tensor:
    reduce_ = tf.reduce_sum if sum_ else getattr(tf, f"reduce_{op.type.lower()}")
    return reduce_(x, axes, keepdims=keep)


def _mean(emitter: Emitter, value: Timed, total: Tensor, axes: list[int]) -> Tensor:
    others = [value.tensor.shape[a] for a in axes if a != value.rows.axis]
    count = tf.cast(emitter.clock.given(value.rows), total.dtype)
    number = float(np.prod([d or 1 for d in others]))
    if number != 1:
        count = count * tf.constant(number, total.dtype)
    count = count if total.shape.rank else count[0]
    # Of integers it is one, rounded towards zero.
    return total / count if total.dtype.is_floating else tf.raw_ops.Div(x=total, y=count)


def last_row(emitter: Emitter, op: Any, value: Timed, *, single: bool) -> SoFar:
    """The last row of the sequence so far.

    Args:
        single: whether the result has no axis of time; else time stays with length 1.
    """
    x, axis = value.tensor, value.rows.axis
    if emitter.clock.all_there(value.rows):
        row = x[along(axis, -1, None)]
        return SoFar(tf.squeeze(row, [axis]) if single else row, value.rows)
    shape = x.shape.as_list()
    shape[axis] = 1
    batch = batch_axis_of(x, axis, emitter.place(op))
    full, before = emitter.states.take(emitter.layer(op), "last", shape, x.dtype, batch_axis=batch)
    there = emitter.clock.there(value.rows, count_of(value))
    index = tf.range(1, tf.shape(there)[0] + 1)
    place = tf.reduce_max(tf.where(there, index, tf.zeros_like(index)), keepdims=True)
    row = tf.gather(tf.concat([before, x], axis), place, axis=axis)
    emitter.states.give(full, row)
    return SoFar(tf.squeeze(row, [axis]) if single else row, value.rows)


@rule("ArgMax", "ArgMin")
def arg(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The place of the largest or smallest element along another axis than time."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    axis = int(emitter.constant(op, 1).reshape(())) % op.inputs[0].shape.rank
    time = value.rows.axis
    if axis == time:
        raise refused(emitter.place(op), "it looks for a place in the sequence")
    found = emitter.copied(op, [value.tensor, emitter.tensor(inputs[1], op)])[0]
    return [Timed(found, value.rows.at(time - (axis < time)))]


@rule("Cumsum", "Cumprod", "CumulativeLogsumexp")
def cumulative(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Cumulate along another axis than time; along time, from the total of the chunks before."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    rank = op.inputs[0].shape.rank
    axis = int(emitter.constant(op, 1).reshape(())) % rank
    time = value.rows.axis
    if axis != time:
        place = tf.constant(axis, op.inputs[1].dtype)
        return [Timed(emitter.copied(op, [value.tensor, place])[0], value.rows)]
    if op.type != "Cumsum":
        raise refused(emitter.place(op), f"{op.type} along time has no streaming form")
    if op.get_attr("reverse"):
        raise refused(emitter.place(op), "it sums from the end of the sequence")
    x = filled(emitter, value).tensor
    total = tf.cumsum(x, axis)
    shape = x.shape.as_list()
    shape[axis] = 1
    batch = batch_axis_of(x, axis, emitter.place(op))
    full, before = emitter.states.take(
        emitter.layer(op), "sum", shape, x.dtype, batch_axis=batch, grows=x.dtype.is_floating
    )
    after = total + before
    emitter.states.give(full, after[along(axis, -1, None)])
    found = after - x if op.get_attr("exclusive") else after
    return [replace(value, tensor=found)]
