"""Rules of ops that move data: they carry the axis of time along, or cut rows off its ends.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`), or a refusal (StreamingError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.lengths.facts import Content
from rnnlite.lengths.sizes import Size, free
from rnnlite.lengths.values import axes_of, evaluate
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.counts import made_whole
from rnnlite.streaming.emit import FAR, TIME, Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.reshapes import quotient
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.timed import aligned, count_of, plain, unbounded
from rnnlite.streaming.values import (
    TURNED,
    WHOLE,
    Fold,
    Sizes,
    SoFar,
    Static,
    Timed,
    Value,
    refused,
)

EVEN = 1 << 10
"""Steps in which a tensor's rows come at an even rate, and rows in these, at most: where the number
of rows does not grow evenly, two lengths make a fraction of any size."""

BETWEEN = 8
"""The most ops between a SpaceToBatchND and its BatchToSpaceND."""


@rule("ExpandDims")
def expand_dims(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """An axis of 1 is put in."""
    value = as_timed(emitter, op, inputs[0])
    axis = int(emitter.constant(op, 1).reshape(()))
    place = axis if axis >= 0 else op.inputs[0].shape.rank + 1 + axis
    time = value.rows.axis
    return [value.at(time + (place <= time), tf.expand_dims(value.tensor, place))]


@rule("Squeeze")
def squeeze(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Axes of 1 are taken out."""
    value = as_timed(emitter, op, inputs[0])
    sizes, time = emitter.sizes(op.inputs[0]), value.rows.axis
    axes = [int(a) % len(sizes) for a in op.get_attr("squeeze_dims")]
    axes = axes or [k for k, s in enumerate(sizes) if s == 1]
    found = tf.squeeze(value.tensor, axes)
    return [value.at(time - sum(a < time for a in axes), found)]


@rule("EnsureShape")
def ensure_shape(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The input itself."""
    return inputs


@rule("IdentityN")
def identity_n(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The inputs themselves."""
    return inputs


@rule("Transpose")
def transpose(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Axes in another order."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    order = [int(k) for k in emitter.constant(op, 1)]
    found = tf.transpose(value.tensor, order)
    return [Timed(found, value.rows.at(order.index(value.rows.axis)))]


@rule("ConcatV2")
def concat(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Join along another axis than time. Along time, rows of one constant number are padding."""
    *parts, _ = inputs
    rank = op.outputs[0].shape.rank
    axis = int(emitter.constant(op, len(parts)).reshape(())) % rank
    timed = [v for v in parts if isinstance(v, Timed)]
    if any(isinstance(v, SoFar) for v in parts) or not timed:
        raise refused(emitter.place(op), WHOLE, found="a result of all steps beside single steps")
    if {v.rows.axis for v in timed} == {axis}:
        return [_padded(emitter, op, parts, axis)]
    if len(timed) < len(parts) or len({v.rows.axis for v in timed}) > 1:
        raise refused(emitter.place(op), "it has values of its own for each place of the sequence")
    late, rows = aligned(emitter, op, timed)
    return [Timed(tf.concat([v.tensor for v in late], axis), rows)]


def _padded(emitter: Emitter, op: Any, parts: Sequence[Value], axis: int) -> Value:
    """One sequence with constant rows around it, all of one value."""
    place = [k for k, v in enumerate(parts) if isinstance(v, Timed)]
    constants = [
        None if k in place else tf.get_static_value(op.inputs[k]) for k in range(len(parts))
    ]
    values = {float(x) for c in constants if c is not None for x in np.unique(c)}
    known = all(c is not None for k, c in enumerate(constants) if k not in place)
    if len(place) > 1 or not known or len(values) > 1:
        raise refused(emitter.place(op), "it puts sequences one behind the other")
    counts = [0 if c is None else c.shape[axis] for c in constants]
    value = unbounded(emitter, op, plain(emitter, op, as_timed(emitter, op, parts[place[0]])))
    before, behind = sum(counts[: place[0]]), sum(counts[place[0] :])
    return replace(value, before=before, behind=behind, pad=values.pop() if values else 0.0)


@rule("Pad", "PadV2")
def pad(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Pad axes other than time. Padding along time is noted, for the window that follows."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    number = float(emitter.constant(op, 2).reshape(())) if op.type == "PadV2" else 0.0
    axis = value.rows.axis
    content = emitter.analysis.content(op.inputs[1])
    if value.rows.most is not None:
        return [made_whole(emitter, op, value, content, number)]
    paddings = emitter.constant(op, 1).astype(int)
    before, behind = paddings[axis]
    others = paddings.copy()
    others[axis] = 0
    x = value.tensor
    if others.any():
        x = tf.pad(x, others.astype(np.int32), constant_values=number)
    return [Timed(x, value.rows, int(before), int(behind), number)]


@rule("MirrorPad")
def mirror(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Other axes than time are mirrored at their ends."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    paddings = emitter.constant(op, 1).astype(np.int32)
    if paddings[value.rows.axis].any():
        raise refused(emitter.place(op), "it mirrors the sequence at its ends")
    mode = op.get_attr("mode").decode()
    return [Timed(tf.pad(value.tensor, paddings, mode), value.rows)]


@rule("Pack")
def pack(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A new axis."""
    timed = [v for v in inputs if isinstance(v, Timed)]
    if len(timed) < len(inputs) or len({v.rows.axis for v in timed}) > 1:
        raise refused(emitter.place(op), WHOLE, found="single steps beside other things")
    late, rows = aligned(emitter, op, timed)
    axis = int(op.get_attr("axis")) % op.outputs[0].shape.rank
    found = tf.stack([v.tensor for v in late], axis)
    return [Timed(found, rows.at(rows.axis + (axis <= rows.axis)))]


@rule("Unpack", "Split", "SplitV")
def split(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Parts along another axis than time."""
    place = 1 if op.type == "Split" else 0
    value = plain(emitter, op, as_timed(emitter, op, inputs[place]))
    if op.type == "Unpack":
        axis = int(op.get_attr("axis"))
    else:
        axis = int(emitter.constant(op, 0 if op.type == "Split" else 2).reshape(()))
    axis %= op.inputs[place].shape.rank
    if axis == value.rows.axis:
        raise refused(emitter.place(op), "it cuts the sequence into parts")
    tensors = [value.tensor if k == place else emitter.tensor(v, op) for k, v in enumerate(inputs)]
    gone = op.type == "Unpack" and axis < value.rows.axis
    rows = value.rows.at(value.rows.axis - gone)
    return [Timed(y, rows) for y in emitter.copied(op, tensors)]


@rule("ReverseV2", "ReverseSequence", "Roll")
def turn_round(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Reverse or roll along other axes than time."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    rank = op.inputs[0].shape.rank
    each = op.type == "ReverseSequence"
    last = len(inputs) - 1
    axes = [int(op.get_attr("seq_dim"))] if each else emitter.constant(op, last).reshape(-1)
    if value.rows.axis in [int(a) % rank for a in axes]:
        raise refused(emitter.place(op), TURNED)
    rest = [emitter.tensor(v, op) for v in inputs[1:]]
    return [Timed(emitter.copied(op, [value.tensor, *rest])[0], value.rows)]


@rule("Tile")
def tile(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Repeated along other axes than time."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    times = emitter.constant(op, 1)
    if times[value.rows.axis] != 1:
        raise refused(emitter.place(op), "it repeats the sequence")
    return [Timed(tf.tile(value.tensor, times.astype(np.int32)), value.rows)]


@rule("Fill")
def fill(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A tensor of one value with a row for each step."""
    shape, number = inputs
    if not isinstance(shape, Sizes) or not isinstance(number, Static):
        raise refused(emitter.place(op), "it computes with the length of the whole sequence")
    return [_constant_over_time(emitter, op, number.tensor)]


@rule("BroadcastTo")
def broadcast_to(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Repeat a value at each step, or broadcast along other axes than time."""
    value = inputs[0]
    if isinstance(value, Static):
        return [_constant_over_time(emitter, op, value.tensor)]
    value = plain(emitter, op, as_timed(emitter, op, value))
    axis = value.rows.axis + op.outputs[0].shape.rank - op.inputs[0].shape.rank
    new = emitter.sizes(op.outputs[0])
    count = count_of(value)
    shape = [count if k == axis else emitter.number(s, op) for k, s in enumerate(new)]
    return [Timed(tf.broadcast_to(value.tensor, _vector(shape)), value.rows.at(axis))]


def _constant_over_time(emitter: Emitter, op: Any, number: Tensor) -> Timed:
    new = list(emitter.sizes(op.outputs[0]))
    apart = {k: found for k, s in enumerate(new) if (found := _apart(s)) is not None}
    new = [apart[k][0] if k in apart else s for k, s in enumerate(new)]
    rows = rows_of(emitter, op, new)
    count = emitter.clock.count(rows)
    fold = None
    if rows.axis in apart:
        time, others = apart[rows.axis]
        fold = Fold(time, others, 1, count, emitter.place(op))
        count = emitter.number(others, op) * count
    shape = [count if k == rows.axis else emitter.number(s, op) for k, s in enumerate(new)]
    found = tf.broadcast_to(number, _vector(shape))
    found.set_shape([d if isinstance(d, int) else None for d in shape])
    return Timed(found, rows, fold=fold)


def _apart(size: Size) -> tuple[Size, Size] | None:
    """Of an axis of time and others, how long time is and how many places the others have; None
    of an axis that is not such."""
    for other in sorted(axes_of(size) - {TIME}):
        time = quotient(size, free(other))
        if time is not None and TIME in axes_of(time):
            return time, free(other)
    near, far = (evaluate(size, {TIME: n}) for n in (FAR, 2 * FAR))
    if near is None or far is None or TIME not in axes_of(size):
        return None
    places = (far - near) // FAR
    time = quotient(size, places) if places > 1 else None
    return None if time is None else (time, places)


def rows_of(emitter: Emitter, op: Any, sizes: Sequence[Size]) -> Rows:
    """Where the rows of a tensor of a given shape stand, such as those of FILL.

    Raises:
        StreamingError: not exactly one axis grows with the inputs, by one row every so many steps.
    """
    axes = [k for k, s in enumerate(sizes) if TIME in axes_of(s)]
    found = [[evaluate(sizes[k], {TIME: n}) for n in (FAR, 2 * FAR)] for k in axes]
    if len(axes) == 1 and None not in found[0]:
        near, far = (n or 0 for n in found[0])
        rate = Fraction(far - near, FAR)
        if rate > 0 and max(rate.numerator, rate.denominator) <= EVEN:
            stride, many = rate.denominator, rate.numerator
            return Rows(axes[0], stride, 0, near * stride - FAR * many, rate=many)
    raise refused(emitter.place(op), "it computes with the length of the whole sequence")


def _vector(shape: Sequence[Any]) -> Any:
    return shape if all(isinstance(d, int) for d in shape) else tf.stack(shape)


@rule("Range")
def range_(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """range(length): the place of each step in the whole sequence."""
    rows = rows_of(emitter, op, emitter.sizes(op.outputs[0]))
    start, step = (int(emitter.constant(op, k).reshape(())) for k in (0, 2))
    index = emitter.clock.index(rows, emitter.clock.count(rows))
    found = index * step + start if (start, step) != (0, 1) else index
    return [Timed(tf.cast(found, op.outputs[0].dtype), rows)]


@rule("SpaceToBatchND")
def space_to_batch(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The beginning of a dilated convolution: TensorFlow moves every n-th row into the batch.

    Here no row is moved; the value has dilation n instead, which the convolution takes.
    """
    value = as_timed(emitter, op, inputs[0])
    blocks = emitter.constant(op, 1).reshape(-1)
    axis = value.rows.axis
    paddings, crops = emitter.analysis.content(op.inputs[2]), _crops(emitter, op)
    others = [k for k, b in enumerate(blocks, 1) if k != axis and b != 1]
    if not 0 < axis <= len(blocks) or others or paddings is None or crops is None:
        raise refused(emitter.place(op), "it spreads other axes than time over the batch")
    # Rows behind are made up to a multiple, and as many cut off again.
    before, behind = paddings[axis - 1] - crops[axis - 1]
    if not isinstance(before, int) or not isinstance(behind, int):
        raise refused(emitter.place(op), "its padding follows from the length of the sequence")
    if before or behind:
        value = replace(plain(emitter, op, value), before=before, behind=behind)
    return [replace(value, dilation=int(blocks[axis - 1]))]


def _crops(emitter: Emitter, op: Any) -> Content | None:
    """What is cut off where the places are put together again."""
    for _ in range(BETWEEN):
        readers = op.outputs[0].consumers()
        if len(readers) != 1:
            return None
        (op,) = readers
        if op.type == "BatchToSpaceND":
            return emitter.analysis.content(op.inputs[2])
    return None


@rule("BatchToSpaceND")
def batch_to_space(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The end of a dilated convolution. `space_to_batch` moved no row, so this moves none."""
    value = as_timed(emitter, op, inputs[0])
    if value.dilation == 1 or value.before or value.behind:
        raise refused(emitter.place(op), "it takes places of time out of the batch")
    return [Timed(value.tensor, value.rows)]
