"""Reductions over axes: sums, means, maxima and others; ArgMax and TopK.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand without the reduced
axes, or with size 1 there; indices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_tensor,
    as_value,
    constant,
    numbers_of,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.broadcasting import of_sizes
from rnnlite.frontends.onnx.values import Dims, Operand, Value


def _log_sum_exp(x: Any, axes: Any, keepdims: bool) -> Any:
    top = tf.stop_gradient(tf.reduce_max(x, axes, keepdims=True))
    total = tf.math.log(tf.reduce_sum(tf.exp(x - top), axes, keepdims=True)) + top
    return total if keepdims else tf.squeeze(total, axes)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceSum": tf.reduce_sum,
    "ReduceMean": tf.reduce_mean,
    "ReduceMax": tf.reduce_max,
    "ReduceMin": tf.reduce_min,
    "ReduceProd": tf.reduce_prod,
    "ReduceL1": lambda x, a, keepdims: tf.reduce_sum(tf.abs(x), a, keepdims=keepdims),
    "ReduceL2": lambda x, a, keepdims: tf.sqrt(tf.reduce_sum(tf.square(x), a, keepdims=keepdims)),
    "ReduceSumSquare": lambda x, a, keepdims: tf.reduce_sum(tf.square(x), a, keepdims=keepdims),
    "ReduceLogSum": lambda x, a, keepdims: tf.math.log(tf.reduce_sum(x, a, keepdims=keepdims)),
    "ReduceLogSumExp": lambda x, a, keepdims: _log_sum_exp(x, a, keepdims),
}


@rule(*REDUCTIONS)
def _reduce(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data, axes = inputs[0], numbers_of(node, inputs, 1, "axes")
    keep = bool(node.get("keepdims", 1))
    if isinstance(data, Dims):
        total = _of_sizes(node.op, data)
        if total is not None:
            return Dims(total.entries.reshape(1)) if keep and data.shape else total
        data = as_value(data)
    value = as_value(data)
    if not axes:
        if node.get("noop_with_empty_axes"):
            return value
        axes = list(range(value.rank))
    if value.dtype == tf.bool:
        # The maximum of bools is whether any is True.
        value = value.like(tf.cast(value.base, tf.int32))
        found = _over(node.op, value, axes, keep)
        return found.like(found.base > 0)
    return _over(node.op, value, axes, keep)


OF_TWO = {"ReduceProd": "Mul", "ReduceSum": "Add", "ReduceMin": "Min", "ReduceMax": "Max"}
"""Reduction -> the op of two numbers by which it reduces sizes."""


def _of_sizes(op: str, data: Dims) -> Dims | None:
    """A reduction of sizes to one number; None where that is not followed."""
    if op not in OF_TWO or not data.flat():
        return None
    total, *rest = [Dims(entry) for entry in data.flat()]
    for entry in rest:
        found = of_sizes(OF_TWO[op], total, entry)
        if not isinstance(found, Dims):
            return None
        total = found
    return total


def _over(op: str, value: Value, axes: Sequence[int], keep: bool) -> Value:
    gone = [a % value.rank for a in axes]
    places = [value.axes[a] for a in gone]
    if None in places:
        x = REDUCTIONS[op](value.plain(), gone, keepdims=keep)
        return Value.of(x)
    x = REDUCTIONS[op](value.base, places, keepdims=keep)
    if keep:
        return value.like(x)
    left = sorted(a for k, a in enumerate(value.axes) if a is not None and a not in places)
    rest = [a for k, a in enumerate(value.axes) if k not in gone]
    return Value(x, tuple(None if a is None else left.index(a) for a in rest))


@rule("ArgMax", "ArgMin")
def _arg(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x = as_tensor(inputs[0])
    axis = int(node.get("axis", 0)) % len(x.shape)
    if node.get("select_last_index"):
        last = tf.reverse(x, [axis])
        place = tf.shape(x, tf.int64)[axis] - 1 - _places(node, last, axis)
    else:
        place = _places(node, x, axis)
    return Value.of(tf.expand_dims(place, axis) if node.get("keepdims", 1) else place)


def _places(node: Node, x: Any, axis: int) -> Any:
    function = tf.argmax if node.op == "ArgMax" else tf.argmin
    return function(x, axis, output_type=tf.int64)


@rule("TopK")
def _top_k(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    x = as_tensor(inputs[0])
    count = inputs[1] if len(inputs) > 1 else np.asarray(node.get("k"))
    k: Any = (
        count.flat()[0]
        if isinstance(count, Dims)
        else int(constant(node, count, "number k").reshape(()))
    )
    rank = len(x.shape)
    axis = int(node.get("axis", -1)) % rank
    order = [*(a for a in range(rank) if a != axis), axis]
    moved = x if axis == rank - 1 else tf.transpose(x, order)
    moved = moved if node.get("largest", 1) else -moved
    values, places = tf.math.top_k(moved, k)
    values = values if node.get("largest", 1) else -values
    back = list(np.argsort(order))
    return [
        Value.of(t if axis == rank - 1 else tf.transpose(t, back))
        for t in (values, tf.cast(places, tf.int64))
    ]
