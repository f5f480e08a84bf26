"""Matrix products.

What enters: a node of ONNX, and its inputs as operands. What leaves: the product; with constant
weights, one matrix product.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_tensor, as_value, known, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.broadcasting import broadcast
from rnnlite.frontends.onnx.values import Operand, Value, reshaped
from rnnlite.scan.tensors import Array, Tensor


def times(x: Tensor, w: Array) -> Tensor:
    """(..., F) times constant weights (F, G), as one matrix product."""
    if len(x.shape) == 2:
        return tf.matmul(x, tf.constant(w))
    rows = tf.matmul(tf.reshape(x, [-1, w.shape[0]]), tf.constant(w))
    return reshaped(rows, [*Value.of(x).sizes()[:-1], int(w.shape[1])])


@rule("MatMul")
def _matmul(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    return matmul(*[i for i in inputs if i is not None])


def matmul(a: Operand, b: Operand) -> Value:
    """The product of two operands, with the meaning of numpy.matmul."""
    weights = known(b)
    left = as_value(a)
    if weights is not None and weights.ndim == 2 and left.rank >= 2:
        if left.axes[-1] == len(left.base.shape) - 1:
            # Features are last: the order of the other axes does not matter.
            return left.like(times(left.base, weights.astype(np.float32)))
        return Value.of(times(left.plain(), weights.astype(np.float32)))
    x, y = left.plain(), as_tensor(b)
    if len(x.shape) == 1 or len(y.shape) == 1:
        rows = x if len(x.shape) > 1 else tf.expand_dims(x, 0)
        columns = y if len(y.shape) > 1 else tf.expand_dims(y, 1)
        z = tf.matmul(rows, columns)
        z = z if len(x.shape) > 1 else tf.squeeze(z, -2)
        return Value.of(z if len(y.shape) > 1 else tf.squeeze(z, -1))
    return Value.of(tf.matmul(x, y))


@rule("Gemm")
def _gemm(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    a, b, c = [*inputs, None][:3]
    alpha, beta = float(node.get("alpha", 1.0)), float(node.get("beta", 1.0))
    left = as_value(a)
    left = left.transposed([1, 0]) if node.get("transA") else left
    weights = known(b)
    if weights is not None:
        weights = weights.T if node.get("transB") else weights
        product = matmul(left, alpha * weights)
    else:
        right = as_value(b)
        right = right.transposed([1, 0]) if node.get("transB") else right
        product = Value.of(tf.matmul(left.plain(), right.plain()))
        product = product if alpha == 1 else product.like(alpha * product.base)
    if c is None or beta == 0:
        return product
    bias = known(c)
    scaled = beta * bias if bias is not None else c
    if bias is None and beta != 1:
        value = as_value(c)
        scaled = value.like(beta * value.base)
    return broadcast(tf.add, product, scaled)


@rule("Einsum")
def _einsum(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    equation = node.get("equation").replace(" ", "")
    return Value.of(tf.einsum(equation, *[as_tensor(i) for i in inputs if i is not None]))
