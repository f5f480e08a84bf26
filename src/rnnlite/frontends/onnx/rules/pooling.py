"""Pooling. Channels stand last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Emitter, Given, as_value, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.convolutions import channels_last, same_pads, windows
from rnnlite.frontends.onnx.rules.padding import padded
from rnnlite.frontends.onnx.values import Operand, Value
from rnnlite.scan.tensors import Tensor


@rule("MaxPool", "AveragePool")
def _pool(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
    kernel = list(node.get("kernel_shape"))
    strides, dilations, pads = windows(node, kernel)
    x = as_value(inputs[0])
    rank = len(kernel)
    pads = same_pads(node, x, kernel, strides, dilations) or pads
    if any(d != 1 for d in dilations) or rank > 2:
        return refuse(node, "dilations, or three axes", "one or two axes, without dilation")
    stated = list(zip(pads[:rank], pads[rank:], strict=True))
    pairs = stated
    if node.get("ceil_mode") and any(s > 1 for s in strides):
        pairs = _rounded_up(node, x, kernel, strides, stated)
    value = channels_last(x)
    amounts = [(0, 0), (0, 0), *pairs]
    is_max = node.op == "MaxPool"
    filler = np.finfo(np.float32).min if is_max else 0.0
    pooled = _pooled(padded(value, amounts, filler).base, kernel, strides, is_max=is_max)
    includes = bool(node.get("count_include_pad"))
    if is_max or not any(map(any, pairs)) or (includes and pairs == stated):
        return value.like(pooled)
    # The mean is over what is there; what rounding up adds never is.
    there = padded(value.like(tf.ones_like(value.base)), [(0, 0), (0, 0), *stated], float(includes))
    more = [(0, end - own) for (_, end), (_, own) in zip(pairs, stated, strict=True)]
    there = padded(there, [(0, 0), (0, 0), *more])
    return value.like(pooled / _pooled(there.base, kernel, strides, is_max=False))


def _rounded_up(
    node: Node,
    x: Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Pads with which the last window that begins inside is whole."""
    found = []
    for k, (begin, end) in enumerate(pairs):
        size = x.shape[2 + k]
        if size is None:
            return refuse(node, "ceil_mode over an axis of any size", "ceil_mode=0")
        whole = -(-(size + begin + end - kernel[k]) // strides[k]) + 1
        if (whole - 1) * strides[k] >= size + begin:
            whole -= 1
        more = (whole - 1) * strides[k] + kernel[k] - size - begin
        found.append((begin, max(more, 0)))
    return found


def _pooled(x: Tensor, kernel: Sequence[int], strides: Sequence[int], *, is_max: bool) -> Tensor:
    rank = len(kernel)
    x = tf.expand_dims(x, 1) if rank == 1 else x
    sizes, steps = ([1, *v] if rank == 1 else list(v) for v in (kernel, strides))
    function: Any = tf.nn.max_pool2d if is_max else tf.nn.avg_pool2d
    pooled = function(x, sizes, steps, "VALID")
    return tf.squeeze(pooled, 1) if rank == 1 else pooled


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(emitter: Emitter, node: Node, inputs: list[Given]) -> Operand:
    value = channels_last(as_value(inputs[0]))
    axes = list(range(1, value.rank - 1))
    function = tf.reduce_mean if node.op == "GlobalAveragePool" else tf.reduce_max
    return value.like(function(value.base, axes, keepdims=True))
