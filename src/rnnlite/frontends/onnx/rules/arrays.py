"""Ops that move elements: transposes, joins, parts, repetitions.

What enters: a node of ONNX, and its inputs as operands. What leaves: operands with the same
elements in other places. A Transpose computes nothing: it notes the order of axes (`values`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_tensor,
    as_value,
    constant,
    known,
    numbers_of,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.shapes import is_same
from rnnlite.frontends.onnx.values import Dims, Operand, Size, Value, is_known, reshaped, stack


@rule("Transpose")
def _transpose(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    order = node.get("perm") or list(range(value.rank))[::-1]
    moved = value.transposed(order)
    return moved if moved.axes != value.axes or value.joined is None else value


@rule("StackedRows")
def _stacked_rows(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    """Rows of a loop (T, ...) with time at another axis, or joined along one of their own axes."""
    value = as_value(inputs[0])
    order = list(range(1, value.rank))
    rank = value.rank - 1 if node.get("joins") else value.rank
    axis = int(node.get("axis")) % rank
    order.insert(axis, 0)
    moved = value.transposed(order)
    if not node.get("joins"):
        return moved
    if moved.shape[axis + 1] == 1:
        return Value(moved.base, (*moved.axes[: axis + 1], *moved.axes[axis + 2 :]))
    sizes = moved.sizes()
    sizes[axis : axis + 2] = [-1 if value.shape[0] is None else sizes[axis] * sizes[axis + 1]]
    return Value.of(reshaped(moved.plain(), sizes))


@rule("WrittenRows")
def _written_rows(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    """Rows of a loop (T, ...) put into a buffer that has time at another axis.

    The rows of the buffer that the loop does not reach stay. There are none where the loop runs as
    often as the buffer is long.
    """
    rows, buffer, count = as_value(inputs[0]), as_value(inputs[1]), inputs[2]
    order, axis = list(range(1, rows.rank)), int(node.get("axis"))
    order.insert(axis, 0)
    moved = rows.transposed(order)
    number, size = known(count), buffer.size(axis)
    runs = (
        number.item() if number is not None else count.flat()[0] if isinstance(count, Dims) else 0
    )
    if (is_known(runs) and is_known(size) and runs == size) or is_same(runs, size):
        return moved
    first: list[Size] = [0] * rows.rank
    first[axis] = rows.size(0)
    rest = tf.slice(buffer.plain(), stack(first), [-1] * rows.rank)
    return Value.of(tf.concat([moved.plain(), rest], axis))


@rule("Unsqueeze")
def _unsqueeze(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data, axes = inputs[0], numbers_of(node, inputs, 1, "axes") or []
    if isinstance(data, Dims):
        if data.entries.ndim == 0:
            return Dims(data.entries.reshape(1))
        data = as_value(data)
    value = as_value(data)
    rank = value.rank + len(axes)
    places = sorted(a % rank for a in axes)
    found: list[int | None] = list(value.axes)
    for place in places:
        found.insert(place, None)
    return Value(value.base, tuple(found))


@rule("Squeeze")
def _squeeze(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data, axes = inputs[0], numbers_of(node, inputs, 1, "axes")
    if isinstance(data, Dims):
        return Dims(data.entries.reshape(())) if data.entries.size == 1 else data
    value = as_value(data)
    if axes is None:
        axes = [k for k, size in enumerate(value.shape) if size == 1]
    gone = {a % value.rank for a in axes}
    kept = [k for k in range(value.rank) if k not in gone]
    if all(value.axes[k] is None for k in gone):
        return Value(value.base, tuple(value.axes[k] for k in kept))
    return Value.of(reshaped(value.plain(), [value.size(k) for k in kept]))


@rule("Flatten")
def _flatten(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    axis = int(node.get("axis", 1))
    axis = axis + value.rank if axis < 0 else axis
    return Value.of(
        reshaped(value.plain(), [_product(value.sizes()[:axis]), _product(value.sizes()[axis:])])
    )


def _product(sizes: Sequence[Size]) -> Size:
    total: Size = 1
    for size in sizes:
        total = size if is_known(total) and total == 1 else total * size
    return total


@rule("Concat")
def _concat(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    parts = [i for i in inputs if i is not None]
    if any(isinstance(p, Dims) for p in parts):
        entries = [_as_entries(p) for p in parts]
        if None not in entries:
            return Dims.vector([e for part in entries for e in part or []])
    values = [as_value(p) for p in parts]
    values = [v for v in values if 0 not in v.shape] or values[:1]
    axis = int(node.get("axis", 1))
    lead = next((v for v in values if not v.is_plain), values[0])
    axis = axis % lead.rank
    place = lead.axes[axis]
    if place is not None and all(
        v.axes == lead.axes and len(v.base.shape) == len(lead.base.shape) for v in values
    ):
        return lead.like(tf.concat([v.base for v in values], place))
    return Value.of(tf.concat([v.plain() for v in values], axis))


def _as_entries(operand: Operand) -> list[Size] | None:
    if isinstance(operand, Dims):
        return operand.flat()
    if isinstance(operand, np.ndarray) and operand.dtype.kind in "iu" and operand.ndim <= 1:
        return [int(n) for n in operand.reshape(-1)]
    return None


@rule("Split")
def _split(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    axis, count = int(node.get("axis", 0)), len(node.outputs)
    sizes = numbers_of(node, inputs, 1, "split")
    data = inputs[0]
    if isinstance(data, Dims):
        sizes = sizes or [len(data.flat()) // count] * count
        ends = np.cumsum(sizes)[:-1]
        return [Dims(part) for part in np.split(data.entries, ends)]
    value = as_value(data)
    axis = axis % value.rank
    if sizes is None:
        whole = value.shape[axis]
        if whole is None:
            return refuse(node, "equal parts of an axis of any size", "an axis of known size")
        part = -(-whole // count)
        sizes = [min(part, whole - k * part) for k in range(count)]
    place = value.axes[axis]
    if place is None:
        return [value] if sizes == [1] else refuse(node, "parts of an axis of one", "one part")
    if value.base.shape[place] is None:
        return _cut(value, place, sizes)
    return [value.like(part) for part in tf.split(value.base, sizes, axis=place)]


def _cut(value: Value, axis: int, sizes: Sequence[int]) -> list[Operand]:
    """Parts of given sizes of an axis of unknown size, from the front on."""
    found: list[Operand] = []
    start = 0
    for size in sizes:
        begin = [0] * len(value.base.shape)
        width = [-1] * len(value.base.shape)
        begin[axis], width[axis] = start, size
        found.append(value.like(tf.slice(value.base, begin, width)))
        start += size
    return found


@rule("Tile")
def _tile(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value, operand = as_value(inputs[0]), inputs[1]
    if isinstance(operand, Dims):
        return Value.of(tf.tile(value.plain(), stack(operand.flat())))
    numbers = known(operand)
    if numbers is None:
        return Value.of(tf.tile(value.plain(), tf.cast(as_tensor(operand), tf.int32)))
    return Value.of(tf.tile(value.plain(), [int(n) for n in numbers]))


@rule("ReverseSequence")
def _reverse_sequence(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value, lengths = as_value(inputs[0]), inputs[1]
    batch, time = int(node.get("batch_axis", 1)), int(node.get("time_axis", 0))
    if _is_whole(value.size(time), lengths):
        place = value.axes[time]
        return value if place is None else value.like(tf.reverse(value.base, [place]))
    order = [batch, time, *(k for k in range(value.rank) if k not in (batch, time))]
    x = value.arranged(order)
    counts = tf.expand_dims(tf.cast(as_tensor(lengths), tf.int32), 1)
    steps = tf.expand_dims(tf.range(tf.shape(x)[1]), 0)
    places = tf.where(steps < counts, counts - 1 - steps, steps)
    turned = tf.gather(x, places, axis=1, batch_dims=1)
    return Value(turned, tuple(order.index(k) for k in range(value.rank)))


def _is_whole(size: Size, lengths: Argument) -> bool:
    """Whether all lengths equal the size of the axis."""
    if isinstance(lengths, Dims):
        return all(is_same(size, e) or (is_known(e) and e == size) for e in lengths.flat())
    numbers = known(lengths)
    if numbers is not None:
        return is_known(size) and bool(np.all(numbers == size))
    number = as_value(lengths).number
    return number is not None and is_same(size, number)


@rule("Trilu")
def _trilu(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x = as_tensor(inputs[0])
    k = inputs[1] if len(inputs) > 1 else None
    shift = int(constant(node, k, "k").reshape(())) if k is not None else 0
    rows = tf.expand_dims(tf.range(tf.shape(x)[-2]), 1)
    columns = tf.expand_dims(tf.range(tf.shape(x)[-1]), 0)
    kept = columns - rows >= shift if node.get("upper", 1) else columns - rows <= shift
    return Value.of(tf.where(kept, x, tf.zeros_like(x)))


@rule("OneHot")
def _one_hot(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    ids, depth, values = inputs
    count = int(constant(node, depth, "depth").reshape(()))
    table = constant(node, values, "values").reshape(-1)
    off, on = table
    x = tf.cast(as_tensor(ids), tf.int32)
    x = tf.where(x < 0, x + count, x)
    axis = int(node.get("axis", -1)) % (len(x.shape) + 1)
    return Value.of(tf.one_hot(x, count, on, off, axis=axis, dtype=table.dtype))


@rule("CumSum")
def _cumsum(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    axis = int(constant(node, inputs[1], "axis").reshape(())) % value.rank
    place = value.axes[axis]
    flags = {"exclusive": bool(node.get("exclusive")), "reverse": bool(node.get("reverse"))}
    if place is None:
        return value.like(tf.zeros_like(value.base)) if flags["exclusive"] else value
    return value.like(tf.cumsum(value.base, place, **flags))


@rule("DepthToSpace", "SpaceToDepth")
def _depth(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value, block = as_value(inputs[0]), int(node.get("blocksize"))
    x = value.arranged([0, 2, 3, 1])
    n, h, w, _ = Value.of(x).sizes()
    c = Value.of(x).known_size(-1)
    is_depth_first = node.get("mode", "DCR") == "DCR"
    if node.op == "DepthToSpace":
        rest = c // block**2
        inner = [block, block, rest] if is_depth_first else [rest, block, block]
        x = reshaped(x, [n, h, w, *inner])
        order = [0, 1, 3, 2, 4, 5] if is_depth_first else [0, 1, 4, 2, 5, 3]
        x = reshaped(tf.transpose(x, order), [n, h * block, w * block, rest])
    else:
        x = reshaped(x, [n, h // block, block, w // block, block, c])
        order = [0, 1, 3, 2, 4, 5] if is_depth_first else [0, 1, 3, 5, 2, 4]
        x = reshaped(tf.transpose(x, order), [n, h // block, w // block, c * block**2])
    return Value(x, (0, 3, 1, 2))
