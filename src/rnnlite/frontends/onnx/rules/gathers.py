"""Gathers and scatters.

What enters: a node of ONNX, and its inputs as operands. What leaves: elements or rows picked by
indices, or put at them. Indices from the end are counted from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_tensor,
    as_value,
    known,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Dims, Operand, Size, Value, is_known, reshaped, stack
from rnnlite.scan.tensors import Array, Tensor


@rule("Gather")
def _gather(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data, ids = inputs
    axis, places = int(node.get("axis", 0)), known(ids)
    if isinstance(data, Dims) and places is not None:
        return Dims(data.entries[places.astype(int)])
    if isinstance(data, np.ndarray) and not isinstance(ids, np.ndarray):
        return Value.of(tf.gather(tf.constant(data), _wrapped(ids, data.shape[axis]), axis=axis))
    value = as_value(data)
    axis = axis % value.rank
    place = value.axes[axis]
    if places is not None and places.ndim == 0 and place is not None:
        return _one_of(value, axis, place, int(places))
    return Value.of(tf.gather(value.plain(), _wrapped(ids, value.size(axis)), axis=axis))


def _one_of(value: Value, axis: int, place: int, number: int) -> Value:
    """x[..., n, ...], with the axes of the base in their order."""
    index: list[Any] = [slice(None)] * len(value.base.shape)
    index[place] = number
    rest = [a for k, a in enumerate(value.axes) if k != axis]
    moved = tuple(a - 1 if a is not None and a > place else a for a in rest)
    return Value(value.base[tuple(index)], moved)


def _wrapped(ids: Argument, size: Size) -> Tensor:
    """Indices counted from the front; computed ones are taken to be so already."""
    numbers = known(ids)
    if numbers is None:
        return as_tensor(ids)
    if not np.any(numbers < 0):
        return tf.constant(numbers)
    if is_known(size):
        return tf.constant(np.where(numbers < 0, numbers + size, numbers))
    return tf.constant(numbers.astype(np.int32)) + size * tf.constant(
        (numbers < 0).astype(np.int32)
    )


@rule("GatherElements")
def _gather_elements(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, ids = as_tensor(inputs[0]), inputs[1]
    axis = int(node.get("axis", 0)) % len(x.shape)
    places = _grid(_turned(ids, x, axis), axis)
    return Value.of(tf.gather_nd(x, places))


def _grid(ids: Tensor, axis: int) -> Tensor:
    """For each element of `ids`, the full index (..., rank) of the element that it points to."""
    shape = tf.shape(ids)
    rank = len(ids.shape)
    coordinates = []
    for k in range(rank):
        if k == axis:
            coordinates.append(tf.cast(ids, tf.int32))
            continue
        line = tf.reshape(tf.range(shape[k]), [-1 if j == k else 1 for j in range(rank)])
        coordinates.append(tf.broadcast_to(line, shape))
    return tf.stack(coordinates, axis=-1)


@rule("GatherND")
def _gather_nd(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, batch = as_tensor(inputs[0]), int(node.get("batch_dims", 0))
    return Value.of(tf.gather_nd(x, _places(inputs[1], x, batch), batch_dims=batch))


def _places(ids: Argument, x: Tensor, batch: int = 0) -> Tensor:
    """Indices (..., axes) into a tensor behind its batch axes, counted from the front."""
    numbers = known(ids)
    if numbers is not None and not np.any(numbers < 0):
        return tf.constant(numbers.astype(np.int32))
    places = tf.cast(as_tensor(ids), tf.int32)
    if numbers is None:
        return places
    count = numbers.shape[-1]
    sizes = stack(Value.of(x).sizes()[batch : batch + count])
    return tf.where(places < 0, places + sizes, places)


@rule("ScatterND", "ScatterElements")
def _scatter(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    reduction = node.get("reduction", "none")
    if reduction not in ("none", "add"):
        return refuse(node, f"reduction='{reduction}'", "none or add")
    places = known(inputs[1]) if node.op == "ScatterND" and reduction == "none" else None
    x, ids, updates = (as_tensor(i) for i in inputs if i is not None)
    box = None if places is None else _box(places, x.shape.as_list())
    if box is not None:
        sizes = [end - begin for begin, end in box]
        rest = Value.of(x).sizes()[len(box) :]
        return Value.of(_placed(x, reshaped(updates, [*sizes, *rest]), box))
    if node.op == "ScatterElements":
        axis = int(node.get("axis", 0)) % len(x.shape)
        ids = _grid(_turned(inputs[1], x, axis), axis)
    else:
        ids = _places(inputs[1], x)
    ids = tf.cast(ids, tf.int32)
    shape = tf.shape(x)
    if reduction == "add":
        return Value.of(x + tf.ensure_shape(tf.scatter_nd(ids, updates, shape), x.shape))
    touched = tf.scatter_nd(ids, tf.ones_like(updates), shape)
    placed = tf.scatter_nd(ids, updates, shape)
    result = tf.where(tf.cast(touched, tf.bool), placed, x)
    result.set_shape(x.shape)
    return Value.of(result)


def _box(places: Array, shape: Sequence[int | None]) -> list[tuple[int, int]] | None:
    """The ends (a, b), (c, d), ... if indices (..., axes) are the part x[a:b, c:d, ...]; else None.

    Exporters write an assignment to a part of a tensor with such indices.
    """
    count = places.shape[-1]
    sizes = [n or 0 for n in shape[:count]]
    rows = places.reshape(-1, count)
    rows = np.where(rows < 0, rows + sizes, rows)
    if not len(rows) or None in shape[:count]:
        return None
    begins, ends = rows[0], rows[-1] + 1
    if np.any(ends <= begins) or np.any(ends > sizes) or np.prod(ends - begins) != len(rows):
        return None
    lines = [np.arange(a, b) for a, b in zip(begins, ends, strict=True)]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, count)
    if not np.array_equal(grid, rows):
        return None
    return [(int(a), int(b)) for a, b in zip(begins, ends, strict=True)]


def _placed(x: Tensor, updates: Tensor, box: Sequence[tuple[int, int]], axis: int = 0) -> Tensor:
    """x with a part replaced, by concatenation: it has integer kernels, and scatters have none."""
    if axis == len(box):
        return updates
    (begin, end), size = box[axis], Value.of(x).known_size(axis)
    lead = (slice(None),) * axis
    if (begin, end) == (0, size):
        return _placed(x, updates, box, axis + 1)
    inner = _placed(x[(*lead, slice(begin, end))], updates, box, axis + 1)
    parts = [x[(*lead, slice(0, begin))]] if begin else []
    parts += [inner, *([x[(*lead, slice(end, None))]] if end < size else [])]
    return tf.concat(parts, axis)


def _turned(ids: Argument, x: Tensor, axis: int) -> Tensor:
    """Indices along an axis, counted from the front."""
    numbers = known(ids)
    size = x.shape[axis]
    if numbers is not None and (size is not None or not np.any(numbers < 0)):
        return tf.constant(np.where(numbers < 0, numbers + (size or 0), numbers))
    tensor = tf.cast(as_tensor(ids), tf.int32)
    whole = size if size is not None else tf.shape(x)[axis]
    return tf.where(tensor < 0, tensor + whole, tensor)
