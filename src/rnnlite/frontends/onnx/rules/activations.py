"""Functions of one operand, element by element.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_value,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Operand
from rnnlite.scan.tensors import Tensor

ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def erf(x: Tensor) -> Tensor:
    """The error function, within 3e-7: LiteRT has no op for it.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
    """
    size = tf.abs(x)
    t = 1 / (1 + 0.3275911 * size)
    total = t * 0
    for factor in reversed(ERF):
        total = t * (factor + total)
    return tf.sign(x) * (1 - total * tf.exp(-tf.square(x)))


UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": tf.abs,
    "Acos": tf.acos,
    "Acosh": tf.acosh,
    "Asin": tf.asin,
    "Asinh": tf.asinh,
    "Atan": tf.atan,
    "Atanh": tf.atanh,
    "Ceil": tf.math.ceil,
    "Cos": tf.cos,
    "Cosh": lambda x: (tf.exp(x) + tf.exp(-x)) * 0.5,
    "Erf": erf,
    "Exp": tf.exp,
    "Floor": tf.floor,
    "HardSwish": lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6),
    "IsNaN": lambda x: tf.not_equal(x, x),
    "Log": tf.math.log,
    "Mish": lambda x: x * tf.tanh(tf.math.softplus(x)),
    "Neg": tf.negative,
    "Not": tf.logical_not,
    "Reciprocal": lambda x: 1 / x,
    "Relu": tf.nn.relu,
    "Round": tf.round,
    "Sigmoid": tf.sigmoid,
    "Sign": tf.sign,
    "Sin": tf.sin,
    "Sinh": lambda x: (tf.exp(x) - tf.exp(-x)) * 0.5,
    "Softplus": tf.math.softplus,
    "Softsign": lambda x: x / (1 + tf.abs(x)),
    "Sqrt": tf.sqrt,
    "Tan": lambda x: tf.sin(x) / tf.cos(x),
    "Tanh": tf.tanh,
}


@rule(*UNARY)
def _unary(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    (x,) = inputs
    value = as_value(x)
    return value.like(UNARY[node.op](value.base))


@rule("Elu", "Selu", "Celu", "ThresholdedRelu", "LeakyRelu", "HardSigmoid", "Gelu", "Swish")
def _activation(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    return value.like(activation(node.op, value.base, node.get("alpha"), node.get("beta"), node))


def activation(
    op: str, x: Tensor, alpha: float | None, beta: float | None, node: Node | None = None
) -> Tensor:
    """An activation function with parameters, by its name in ONNX.

    Args:
        op: the name.
        x: the tensor.
        alpha, beta: the parameters; None for ONNX's defaults.
        node: the node, for further attributes.
    """

    def given(value: float | None, default: float) -> float:
        return default if value is None else float(value)

    match op:
        case "Elu":
            a = given(alpha, 1.0)
            return tf.nn.elu(x) if a == 1 else tf.where(x > 0, x, a * (tf.exp(x) - 1))
        case "Selu":
            a, gamma = given(alpha, 1.67326319217681884765625), 1.05070102214813232421875
            gamma = given(node.get("gamma") if node is not None else None, gamma)
            return gamma * tf.where(x > 0, x, a * (tf.exp(tf.minimum(x, 0.0)) - 1))
        case "Celu":
            a = given(alpha, 1.0)
            return tf.nn.relu(x) + tf.minimum(0.0, a * (tf.exp(tf.minimum(x, 0.0) / a) - 1))
        case "ThresholdedRelu":
            return tf.where(x > given(alpha, 1.0), x, tf.zeros_like(x))
        case "LeakyRelu":
            return tf.nn.leaky_relu(x, given(alpha, 0.01))
        case "HardSigmoid":
            return tf.clip_by_value(given(alpha, 0.2) * x + given(beta, 0.5), 0.0, 1.0)
        case "Swish":
            return x * tf.sigmoid(given(alpha, 1.0) * x)
        case "Gelu":
            if node is not None and node.get("approximate") == "tanh":
                return tf.nn.gelu(x, approximate=True)
            return 0.5 * x * (1 + erf(x * float(np.sqrt(0.5))))
        case "Affine":
            return given(alpha, 1.0) * x + given(beta, 0.0)
        case "ScaledTanh":
            return given(alpha, 1.0) * tf.tanh(given(beta, 1.0) * x)
        case _:
            return UNARY[op](x)


ACTIVATIONS = frozenset(
    [
        *("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus"),
        *("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"),
    ]
)
