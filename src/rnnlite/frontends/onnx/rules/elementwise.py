"""Functions of two and more operands, element by element; casts.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand of the shape that
the inputs broadcast to.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
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
from rnnlite.frontends.onnx.rules.broadcasting import broadcast, entries_of, of_sizes
from rnnlite.frontends.onnx.values import Dims, Operand, Value
from rnnlite.scan.tensors import Tensor


@rule("PRelu")
def _prelu(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x, slope = inputs

    def prelu(a: Tensor, b: Tensor) -> Tensor:
        return tf.nn.relu(a) + b * tf.minimum(a, 0.0)

    return broadcast(prelu, x, slope)


def _divide(a: Tensor, b: Tensor) -> Tensor:
    """A quotient. Integers are divided in int32, as LiteRT requires, and rounded towards zero."""
    if a.dtype.is_integer:
        quotient = tf.raw_ops.Div(x=tf.cast(a, tf.int32), y=tf.cast(b, tf.int32))
        return tf.cast(quotient, a.dtype)
    return a / b


def _power(a: Tensor, b: Tensor) -> Tensor:
    exponent = tf.get_static_value(b)
    if exponent is not None and np.size(exponent) == 1:
        number = float(np.reshape(exponent, ()))
        if number == 2:
            return tf.square(a)
        if number == 0.5 and a.dtype.is_floating:
            return tf.sqrt(a)
        if number == -0.5 and a.dtype.is_floating:
            return tf.math.rsqrt(a)
        if number == 3:
            return a * a * a
    if a.dtype.is_integer and b.dtype.is_floating:
        # The power is computed in floats, and truncated.
        return tf.cast(tf.pow(tf.cast(a, b.dtype), b), a.dtype)
    return tf.pow(a, tf.cast(b, a.dtype))


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": _divide,
    "Pow": _power,
    "And": tf.logical_and,
    "Or": tf.logical_or,
    "Xor": tf.not_equal,
    "Equal": tf.equal,
    "Greater": tf.greater,
    "GreaterOrEqual": tf.greater_equal,
    "Less": tf.less,
    "LessOrEqual": tf.less_equal,
    "BitwiseAnd": tf.bitwise.bitwise_and,
    "BitwiseOr": tf.bitwise.bitwise_or,
}


@rule(*BINARY)
def _binary(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    a, b = inputs
    counted = of_sizes(node.op, a, b)
    if counted is not None:
        return counted
    return broadcast(BINARY[node.op], a, b)


@rule("Max", "Min", "Sum", "Mean")
def _several(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    functions: dict[str, Callable[[Any, Any], Any]] = {
        "Max": tf.maximum,
        "Min": tf.minimum,
        "Sum": operator.add,
        "Mean": operator.add,
    }
    result, *rest = [i for i in inputs if i is not None]
    for other in rest:
        counted = of_sizes(node.op, result, other)
        result = counted if counted is not None else broadcast(functions[node.op], result, other)
    if node.op == "Mean":
        value = as_value(result)
        return value.like(value.base / len(inputs))
    return result


@rule("Mod")
def _mod(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    a, b = inputs
    counted = None if node.get("fmod") else of_sizes("Mod", a, b)
    if counted is not None:
        return counted
    return broadcast(_remainder if node.get("fmod") else tf.math.floormod, a, b)


def _remainder(a: Tensor, b: Tensor) -> Tensor:
    """The remainder with the sign of the dividend, as in C."""
    if a.dtype.is_floating:
        left = tf.math.floormod(tf.abs(a), tf.abs(b))
        return tf.where(a < 0, -left, left)
    left = tf.math.floormod(a, b)
    unlike = tf.logical_and(tf.not_equal(left, 0), tf.not_equal(a < 0, b < 0))
    return tf.where(unlike, left - b, left)


@rule("Clip")
def _clip(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    low, high = [*inputs[1:], None, None][:2]
    low = low if low is not None else node.get("min")
    high = high if high is not None else node.get("max")
    x = value.base
    if low is not None:
        x = tf.maximum(x, tf.cast(_scalar(low), x.dtype))
    if high is not None:
        x = tf.minimum(x, tf.cast(_scalar(high), x.dtype))
    return value.like(x)


def _scalar(operand: Any) -> Any:
    number = operand if isinstance(operand, float) else known(operand)
    return tf.reshape(as_tensor(operand), []) if number is None else np.reshape(number, ())


@rule("Where")
def _where(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    condition, a, b = inputs
    chosen = known(condition)
    left, right = (entries_of(i) for i in (a, b))
    if chosen is not None and left is not None and right is not None:
        chosen, left, right = np.broadcast_arrays(chosen, left, right)
        return Dims(np.where(chosen, left, right))
    if chosen is not None and chosen.size == 1 and isinstance(a, Value) and isinstance(b, Value):
        one, other = (a, b) if bool(chosen.reshape(())) else (b, a)
        if chosen.ndim <= one.rank and one.shape == other.shape:
            return one
    tensors = [as_tensor(i) for i in inputs if i is not None]
    return Value.of(tf.where(*tensors))


NUMPY_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float32",
    11: "float32",
    12: "uint32",
    13: "uint64",
    16: "float32",
}


@rule("Cast", "CastLike")
def _cast(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    x = inputs[0]
    if node.op == "CastLike":
        like = known(inputs[1])
        kind = as_value(inputs[1]).dtype.as_numpy_dtype if like is None else like.dtype
        name = np.dtype(kind).name
        if name not in NUMPY_TYPES.values():
            return refuse(node, f"the type {name} as its result", "numbers or booleans")
    else:
        number = int(node.get("to", 0))
        name = NUMPY_TYPES.get(number) or refuse(
            node, f"the type {number} as its result", "numbers or booleans"
        )
    if isinstance(x, Dims):
        return x if name in ("int32", "int64") else Value.of(x.tensor(name))
    value = as_value(x)
    if value.dtype == name:
        return value
    if name == "bool":
        return value.like(tf.not_equal(value.base, tf.zeros([], value.dtype)))
    base = value.base
    if value.dtype.is_floating and name.startswith("uint"):
        base = tf.cast(base, "int32")
    return value.like(tf.cast(base, name))
