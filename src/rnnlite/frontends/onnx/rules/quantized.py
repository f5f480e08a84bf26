"""Quantized ops, computed in float32; rnnlite quantizes the result by itself.

What enters: a node of ONNX, and its inputs as operands. What leaves: the real numbers in float32,
scale * (integer - zero point); from ops that quantize, integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_value,
    constant,
    known,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import WIDER, Node
from rnnlite.frontends.onnx.rules.convolutions import convolve
from rnnlite.frontends.onnx.rules.products import matmul
from rnnlite.frontends.onnx.values import Operand, Value
from rnnlite.scan.tensors import Array


def _spread(array: Array, rank: int, axis: int, block: int) -> Array:
    """One number, or one for each place along an axis, or for each block of them."""
    if array.size == 1:
        return array.reshape(())
    if block:
        return np.repeat(array, block, axis % rank)
    return array.reshape([-1 if k == axis % rank else 1 for k in range(rank)])


@rule("DequantizeLinear")
def _dequantize(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, scale, zero_point = [*inputs, None][:3]
    axis, numbers = int(node.get("axis", 1)), known(x)
    step = constant(node, scale, "scale").astype(np.float32)
    offset = np.zeros(1) if zero_point is None else constant(node, zero_point, "zero point")
    rank = numbers.ndim if numbers is not None else as_value(x).rank
    block = int(node.get("block_size", 0))
    step, offset = (_spread(np.asarray(v), rank, axis, block) for v in (step, offset))
    if numbers is not None:
        return ((numbers.astype(np.float32) - offset.astype(np.float32)) * step).astype(np.float32)
    value = as_value(x)
    shift = offset.astype(np.float32)
    if not step.ndim and not shift.ndim:
        return value.like((tf.cast(value.base, tf.float32) - shift) * step)
    return Value.of((tf.cast(value.plain(), tf.float32) - shift) * step)


@rule("QuantizeLinear")
def _quantize(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, scale, zero_point = [*inputs, None][:3]
    value = as_value(x)
    axis = int(node.get("axis", 1))
    step = constant(node, scale, "scale").astype(np.float32)
    kind, low, high = _integers(node, zero_point)
    offset = np.zeros(1) if zero_point is None else constant(node, zero_point, "zero point")
    block = int(node.get("block_size", 0))
    step = _spread(np.asarray(step), value.rank, axis, block)
    shift = _spread(np.asarray(offset), value.rank, axis, block).astype(np.float32)
    value = value if not step.ndim and not shift.ndim else Value.of(value.plain())
    integers = tf.round(value.base / step) + shift
    clipped = tf.clip_by_value(integers, low, high)
    return value.like(tf.cast(tf.cast(clipped, tf.int32), kind))


def _integers(node: Node, zero_point: Argument) -> tuple[str, float, float]:
    """The type that a node quantizes to, as one of whole bytes, and its limits."""
    if zero_point is not None:
        name = constant(node, zero_point, "zero point").dtype.name
    else:
        number = int(node.get("output_dtype", 0))
        name = INTEGERS.get(number, str(number)) if number else "uint8"
    if name not in INTEGERS.values():
        return refuse(node, f"the type {name} as its result", "integers")
    bits = int(name.removeprefix("u").removeprefix("int"))
    low = 0.0 if name[0] == "u" else -(2.0 ** (bits - 1))
    return WIDER.get(name, name), low, low + 2.0**bits - 1


INTEGERS = {
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    21: "uint4",
    22: "int4",
    25: "uint2",
    26: "int2",
}
"""Types to quantize to, by their numbers in ONNX."""


@rule("DynamicQuantizeLinear")
def _dynamic(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    value = as_value(inputs[0])
    x = value.base
    low, high = tf.minimum(tf.reduce_min(x), 0.0), tf.maximum(tf.reduce_max(x), 0.0)
    # Where all is zero, the scale is 1, as in ONNX Runtime: 0 / 0 would be NaN.
    scale = tf.where(high > low, (high - low) / 255.0, 1.0)
    zero_point = tf.clip_by_value(tf.round(-low / scale), 0.0, 255.0)
    integers = tf.clip_by_value(tf.round(x / scale) + zero_point, 0.0, 255.0)
    bytes_ = [tf.cast(tf.cast(t, tf.int32), tf.uint8) for t in (integers, zero_point)]
    return [value.like(bytes_[0]), Value.of(scale), Value.of(bytes_[1])]


def _centred(operand: Argument, zero_point: Argument) -> Operand:
    """Integers minus their zero point, in float32."""
    numbers = known(operand)
    offset = np.zeros((), np.int32) if zero_point is None else known(zero_point)
    if numbers is not None and offset is not None:
        return numbers.astype(np.float32) - offset.astype(np.float32)
    value = as_value(operand)
    x = tf.cast(value.base, tf.float32)
    shift: Any = (
        offset.astype(np.float32)
        if offset is not None
        else tf.cast(as_value(zero_point).plain(), tf.float32)
    )
    if shift.shape.rank if tf.is_tensor(shift) else np.size(shift) > 1:
        return Value.of(tf.cast(value.plain(), tf.float32) - shift)
    return value.like(x - shift)


@rule("MatMulInteger")
def _matmul_integer(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    a, b, zero_point_a, zero_point_b = [*inputs, None, None][:4]
    product = matmul(_centred(a, zero_point_a), _centred(b, zero_point_b))
    return product.like(tf.cast(tf.round(product.base), tf.int32))


@rule("ConvInteger")
def _conv_integer(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, w, zero_point_x, zero_point_w = [*inputs, None, None][:4]
    if zero_point_w is not None:
        zero_point_w = constant(node, zero_point_w, "zero point").reshape(-1, 1, 1, 1)
    weights = _centred(w, zero_point_w)
    numbers = weights if isinstance(weights, np.ndarray) else constant(node, None, "weights")
    result = convolve(node, as_value(_centred(x, zero_point_x)), numbers, None)
    return result.like(tf.cast(tf.round(result.base), tf.int32))
