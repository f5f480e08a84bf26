"""Gathers and scatters."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Emitter,
    Given,
    as_tensor,
    as_value,
    known,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Dims, Operand, Value
from rnnlite.scan.tensors import Tensor


@rule("Gather")
def _gather(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
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
    plain = value.plain()
    return Value.of(tf.gather(plain, _wrapped(ids, plain.shape[axis]), axis=axis))


def _one_of(value: Value, axis: int, place: int, number: int) -> Value:
    """x[..., n, ...] with the axes in the order in which they stand."""
    index: list[Any] = [slice(None)] * len(value.base.shape)
    index[place] = number
    rest = [a for k, a in enumerate(value.axes) if k != axis]
    moved = tuple(a - 1 if a is not None and a > place else a for a in rest)
    return Value(value.base[tuple(index)], moved)


def _wrapped(ids: Given, size: int | None) -> Tensor:
    """Ids counted from the front."""
    numbers = known(ids)
    if numbers is not None:
        if size is not None:
            numbers = np.where(numbers < 0, numbers + size, numbers)
        return tf.constant(numbers)
    return as_tensor(ids)


@rule("GatherElements")
def _gather_elements(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
    x, ids = as_tensor(inputs[0]), inputs[1]
    axis = int(node.get("axis", 0)) % len(x.shape)
    places = _grid(_turned(ids, x, axis), axis)
    return Value.of(tf.gather_nd(x, places))


def _grid(ids: Tensor, axis: int) -> Tensor:
    """The place of each element of `ids` in the tensor that they point into along `axis`."""
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
def _gather_nd(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
    x, ids = (as_tensor(i) for i in inputs if i is not None)
    return Value.of(tf.gather_nd(x, ids, batch_dims=int(node.get("batch_dims", 0))))


@rule("ScatterND", "ScatterElements")
def _scatter(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
    if node.get("reduction", "none") != "none":
        return refuse(node, f"reduction='{node.get('reduction')}'", "none")
    x, ids, updates = (as_tensor(i) for i in inputs if i is not None)
    if node.op == "ScatterElements":
        axis = int(node.get("axis", 0)) % len(x.shape)
        ids = _grid(_turned(inputs[1], x, axis), axis)
    ids = tf.cast(ids, tf.int32)
    shape = tf.shape(x)
    touched = tf.scatter_nd(ids, tf.ones_like(updates), shape)
    placed = tf.scatter_nd(ids, updates, shape)
    result = tf.where(tf.cast(touched, tf.bool), placed, x)
    result.set_shape(x.shape)
    return Value.of(result)


def _turned(ids: Given, x: Tensor, axis: int) -> Tensor:
    """Ids along an axis, counted from the front."""
    numbers = known(ids)
    size = x.shape[axis]
    if numbers is not None and (size is not None or not np.any(numbers < 0)):
        return tf.constant(np.where(numbers < 0, numbers + (size or 0), numbers))
    tensor = tf.cast(as_tensor(ids), tf.int32)
    whole = size if size is not None else tf.shape(x)[axis]
    return tf.where(tensor < 0, tensor + whole, tensor)
