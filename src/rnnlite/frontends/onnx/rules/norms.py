"""Normalizations, and softmax.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand of the shape of the
first input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_value, constant, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.broadcasting import broadcast
from rnnlite.frontends.onnx.values import Operand, Value, reshaped
from rnnlite.scan.tensors import Array


def _along(array: Array, rank: int, axis: int) -> Array:
    """A vector reshaped so that it broadcasts along an axis."""
    return array.reshape([-1 if k == axis else 1 for k in range(rank)])


@rule("BatchNormalization")
def _batch_norm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    if node.get("training_mode"):
        return refuse(node, "training_mode", "evaluation mode", "Export it after model.eval()")
    x = as_value(inputs[0])
    names = ("scale", "bias", "mean", "variance")
    scale, bias, mean, variance = (
        constant(node, i, n).astype(np.float64) for i, n in zip(inputs[1:5], names, strict=True)
    )
    factor = scale / np.sqrt(variance + float(node.get("epsilon", 1e-5)))
    offset = bias - mean * factor
    scaled = broadcast(tf.multiply, x, _along(factor, x.rank, 1).astype(np.float32))
    return broadcast(tf.add, scaled, _along(offset, x.rank, 1).astype(np.float32))


def _normalized(x: Any, axes: list[int], epsilon: float) -> Any:
    mean = tf.reduce_mean(x, axes, keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon)


@rule("LayerNormalization")
def _layer_norm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    value = as_value(inputs[0])
    scale, bias = inputs[1], inputs[2] if len(inputs) > 2 else None
    first = int(node.get("axis", -1)) % value.rank
    axes = list(range(first, value.rank))
    x, epsilon = value.plain(), float(node.get("epsilon", 1e-5))
    result = broadcast(tf.multiply, Value.of(_normalized(x, axes, epsilon)), scale)
    result = result if bias is None else broadcast(tf.add, result, bias)
    if len(node.outputs) == 1:
        return [result]
    mean = tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), axes, keepdims=True)
    return [result, Value.of(mean), Value.of(tf.math.rsqrt(variance + epsilon))]


@rule("InstanceNormalization")
def _instance_norm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    order = [0, *range(2, value.rank), 1]
    x = value.arranged(order)
    axes = list(range(1, value.rank - 1))
    y = _normalized(x, axes, float(node.get("epsilon", 1e-5)))
    back = Value(y, tuple(order.index(k) for k in range(value.rank)))
    scale, bias = (constant(node, i, n) for i, n in zip(inputs[1:], ("scale", "bias"), strict=True))
    back = broadcast(tf.multiply, back, _along(scale, value.rank, 1))
    return broadcast(tf.add, back, _along(bias, value.rank, 1))


@rule("GroupNormalization")
def _group_norm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value, groups = as_value(inputs[0]), int(node.get("num_groups"))
    channels = value.shape[1]
    if channels is None:
        return refuse(node, "channels of unknown number", "a known number")
    n, _, *rest = value.sizes()
    x = reshaped(value.plain(), [n, groups, channels // groups, *rest])
    y = _normalized(x, list(range(2, len(x.shape))), float(node.get("epsilon", 1e-5)))
    result = Value.of(reshaped(y, [n, channels, *rest]))
    scale, bias = (constant(node, i, k) for i, k in zip(inputs[1:], ("scale", "bias"), strict=True))
    if node.version < 21:
        scale, bias = (np.repeat(v, channels // groups) for v in (scale, bias))
    result = broadcast(tf.multiply, result, _along(scale, value.rank, 1))
    return broadcast(tf.add, result, _along(bias, value.rank, 1))


@rule("LpNormalization")
def _lp_norm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    x, axis = value.plain(), int(node.get("axis", -1))
    if int(node.get("p", 2)) == 1:
        norm = tf.reduce_sum(tf.abs(x), axis, keepdims=True)
    else:
        norm = tf.sqrt(tf.reduce_sum(tf.square(x), axis, keepdims=True))
    # A norm of zero leaves zeros.
    return Value.of(x / tf.where(norm > 0, norm, tf.ones_like(norm)))


@rule("Softmax", "LogSoftmax")
def _softmax(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    function = tf.nn.softmax if node.op == "Softmax" else tf.nn.log_softmax
    axis = int(node.get("axis", -1 if node.version >= 13 else 1)) % value.rank
    if node.version < 13 and any(size != 1 for size in value.shape[axis + 1 :]):
        # In older operator sets over all axes from this one on, joined.
        sizes = value.sizes()
        rows = reshaped(value.plain(), [*sizes[:axis], -1])
        return Value.of(reshaped(function(rows), sizes))
    place = value.axes[axis]
    if place is None:
        return value.like(tf.ones_like(value.base) if node.op == "Softmax" else value.base * 0)
    if place == len(value.base.shape) - 1:
        return value.like(function(value.base))
    # LiteRT's softmax is over the last axis.
    order = [k for k in range(value.rank) if k != axis] + [axis]
    moved = function(value.arranged(order))
    return Value(moved, tuple(order.index(k) for k in range(value.rank)))
