"""Convolutions. Channels are last, as in LiteRT; a `Value` keeps the order of axes.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand (N, M, ...) whose
base is (N, ..., M).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_value, constant, known, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.broadcasting import broadcast
from rnnlite.frontends.onnx.rules.padding import padded
from rnnlite.frontends.onnx.values import Operand, Value, reshaped, stack, with_last
from rnnlite.scan.tensors import Array, Tensor


def channels_last(value: Value, channels: int | None = None) -> Value:
    """(N, C, ...) with a base of (N, ..., C).

    Args:
        value: the operand.
        channels: the number of channels by the weights, for a computed shape may not tell it.
    """
    order = [0, *range(2, value.rank), 1]
    base = value.arranged(order)
    if channels is not None:
        base = with_last(base, channels)
    return Value(base, tuple(order.index(k) for k in range(value.rank)))


def windows(node: Node, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Strides, dilations and pads of a node with windows; pads: all in front, then all behind."""
    rank = len(kernel)
    strides = list(node.get("strides") or [1] * rank)
    dilations = list(node.get("dilations") or [1] * rank)
    pads = list(node.get("pads") or [0] * (2 * rank))
    return strides, dilations, pads


def same_pads(
    node: Node, x: Value, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int] | None:
    """The pads that auto_pad means; None where the node states pads."""
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        return None
    rank = len(kernel)
    if auto == "VALID":
        return [0] * (2 * rank)
    begin, end = [], []
    for k in range(rank):
        extent = (kernel[k] - 1) * dilations[k] + 1
        size = x.shape[2 + k]
        if strides[k] == 1:
            total = extent - 1
        elif size is None:
            return refuse(node, f"{auto} with strides over an axis of any size", "explicit pads")
        else:
            total = max((-(-size // strides[k]) - 1) * strides[k] + extent - size, 0)
        small, large = total // 2, total - total // 2
        begin.append(large if auto == "SAME_LOWER" else small)
        end.append(small if auto == "SAME_LOWER" else large)
    return begin + end


def is_same_upper(node: Node, strides: Sequence[int]) -> bool:
    """Whether padding is TensorFlow's "SAME" with strides, which LiteRT computes for any size."""
    return node.get("auto_pad", "NOTSET") == "SAME_UPPER" and any(s != 1 for s in strides)


@rule("Conv")
def _conv(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    weights = constant(node, inputs[1], "weights").astype(np.float32)
    x = as_value(inputs[0])
    bias = inputs[2] if len(inputs) > 2 else None
    return convolve(node, x, weights, bias)


def convolve(node: Node, x: Value, weights: Array, bias: Argument) -> Value:
    """A convolution with the attributes of a node.

    Args:
        node: the node.
        x: (N, C, ...).
        weights: (M, C / groups, *K).
        bias: (M,) or None.
    """
    kernel = weights.shape[2:]
    strides, dilations, pads = windows(node, kernel)
    groups = int(node.get("group", 1))
    value = channels_last(x, weights.shape[1] * groups)
    rank = len(kernel)
    padding, amounts = "SAME", list[tuple[int, int]]()
    if not is_same_upper(node, strides):
        pads = same_pads(node, x, kernel, strides, dilations) or pads
        padding, amounts = _padding(kernel, strides, dilations, pads)
    if amounts:
        value = padded(value, [(0, 0), (0, 0), *amounts])
    filters = np.moveaxis(weights, (0, 1), (-1, -2))
    base = _product(value.base, filters, groups, strides, dilations, padding)
    result = value.like(base)
    if bias is None:
        return result
    numbers = known(bias)
    if numbers is not None:
        return value.like(tf.nn.bias_add(base, tf.constant(numbers.astype(np.float32))))
    column = as_value(bias)
    return broadcast(tf.add, result, Value(column.base, (0, *[None] * rank)))


def _padding(
    kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int]
) -> tuple[str, list[tuple[int, int]]]:
    """The padding, "SAME" or "VALID", and amounts to pad in front of the convolution."""
    rank = len(kernel)
    pairs = list(zip(pads[:rank], pads[rank:], strict=True))
    if not any(pads):
        return "VALID", []
    totals = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    if all(s == 1 for s in strides) and pairs == [(t // 2, t - t // 2) for t in totals]:
        return "SAME", []
    return "VALID", pairs


def _product(
    x: Tensor,
    filters: Array,
    groups: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> Tensor:
    """A convolution with channels last: depthwise, or one for each group."""
    if groups == 1:
        return _plain(x, filters, strides, dilations, padding)
    channels = Value.of(x).known_size(-1)
    if groups == channels:
        return _depthwise(x, filters, strides, dilations, padding)
    parts = zip(tf.split(x, groups, -1), np.split(filters, groups, -1), strict=True)
    return tf.concat([_plain(a, w, strides, dilations, padding) for a, w in parts], -1)


def _plain(
    x: Tensor, filters: Array, strides: Sequence[int], dilations: Sequence[int], padding: str
) -> Tensor:
    rank = filters.ndim - 2
    kernel = tf.constant(filters)
    if rank == 1:
        return tf.nn.conv1d(x, kernel, strides[0], padding, dilations=dilations[0])
    if rank == 2:
        return tf.nn.conv2d(x, kernel, strides, padding, dilations=dilations)
    return tf.nn.conv3d(x, kernel, [1, *strides, 1], padding, dilations=[1, *dilations, 1])


def _depthwise(
    x: Tensor, filters: Array, strides: Sequence[int], dilations: Sequence[int], padding: str
) -> Tensor:
    """(N, ..., C) with filters (*K, 1, C * m)."""
    channels = Value.of(x).known_size(-1)
    many = filters.shape[-1] // channels
    kernel = filters.reshape(*filters.shape[:-2], channels, many)
    # TensorFlow's depthwise op has one stride for both axes, and ignores it where dilations are not
    # 1.
    holes = max(strides) > 1 and max(dilations) > 1
    if filters.ndim == 5 or len(set(strides)) > 1 or holes:
        parts = zip(tf.split(x, channels, -1), np.split(filters, channels, -1), strict=True)
        return tf.concat([_plain(a, w, strides, dilations, padding) for a, w in parts], -1)
    if filters.ndim == 4:
        return tf.nn.depthwise_conv2d(
            x, tf.constant(kernel), [1, *strides, 1], padding, dilations=list(dilations)
        )
    row = tf.nn.depthwise_conv2d(
        tf.expand_dims(x, 1),
        tf.constant(kernel[None]),
        [1, strides[0], strides[0], 1],
        padding,
        dilations=[1, dilations[0]],
    )
    return tf.squeeze(row, 1)


@rule("ConvTranspose")
def _conv_transpose(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    weights = constant(node, inputs[1], "weights").astype(np.float32)
    value = channels_last(as_value(inputs[0]), weights.shape[0])
    kernel = weights.shape[2:]
    rank = len(kernel)
    strides, dilations, pads = windows(node, kernel)
    if rank > 3:
        return refuse(node, "four axes or more", "one to three axes")
    # A dilated kernel is a larger one with zeros in between.
    weights = _spread_out(weights, dilations)
    more = list(node.get("output_padding") or [0] * rank)
    pads = _cut_off(node, value, weights.shape[2:], strides, more) or pads
    groups = int(node.get("group", 1))
    # (C, M / groups, *K) -> (*K, M / groups, C)
    filters = np.moveaxis(weights, (0, 1), (-1, -2))
    parts = zip(
        tf.split(value.base, groups, -1) if groups > 1 else [value.base],
        np.split(filters, groups, -1),
        strict=True,
    )
    base = tf.concat([_spread(a, w, strides) for a, w in parts], -1)
    cut = [
        (-begin, extra - end)
        for begin, end, extra in zip(pads[:rank], pads[rank:], more, strict=True)
    ]
    result = padded(value.like(base), [(0, 0), (0, 0), *cut])
    bias = inputs[2] if len(inputs) > 2 else None
    if bias is None:
        return result
    numbers = constant(node, bias, "bias").astype(np.float32)
    return broadcast(tf.add, result, numbers.reshape(-1, *[1] * rank))


def _cut_off(
    node: Node, value: Value, extents: Sequence[int], strides: Sequence[int], more: Sequence[int]
) -> list[int] | None:
    """The pads that auto_pad or output_shape mean; None where the node states pads."""
    auto, wanted = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if auto == "VALID":
        return [0] * (2 * len(extents))
    if auto == "NOTSET" and not wanted:
        return None
    begin, end = [], []
    for k, extent in enumerate(extents):
        total, lacking = max(extent + more[k] - strides[k], 0), 0
        if wanted:
            size = value.shape[2 + k]
            if size is None:
                return refuse(node, "output_shape for an axis of any size", "explicit pads")
            whole = (size - 1) * strides[k] + extent + more[k]
            size = list(wanted)[-len(extents) :][k]
            total, lacking = max(whole - size, 0), max(size - whole, 0)
        # Half of the surplus is cut off at each end.
        small, large = total // 2, total - total // 2
        begin.append(small if auto == "SAME_UPPER" else large)
        # Missing rows are added behind, as zeros.
        end.append((large if auto == "SAME_UPPER" else small) - lacking)
    return begin + end


def _spread_out(weights: Array, dilations: Sequence[int]) -> Array:
    """Weights (C, M, *K) with zeros between their elements, for dilations."""
    kernel = weights.shape[2:]
    sizes = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    found = np.zeros((*weights.shape[:2], *sizes), weights.dtype)
    found[(slice(None), slice(None), *(slice(None, None, d) for d in dilations))] = weights
    return found


def _spread(x: Tensor, filters: Array, strides: Sequence[int]) -> Tensor:
    """A transposed convolution without pads: (size - 1) * stride + kernel along each axis."""
    rank = filters.ndim - 2
    sizes = Value.of(x).sizes()
    wanted: list[Any] = [(sizes[1 + k] - 1) * strides[k] + filters.shape[k] for k in range(rank)]
    channels = int(filters.shape[-2])
    if rank == 1:
        x = tf.expand_dims(x, 1)
        spread = _spread(x, filters[None], [1, *strides])
        return reshaped(spread, [sizes[0], wanted[0], channels])
    shape = stack([sizes[0], *wanted, channels])
    function: Any = tf.nn.conv2d_transpose if rank == 2 else tf.nn.conv3d_transpose
    return function(x, tf.constant(filters), shape, list(strides), "VALID")
