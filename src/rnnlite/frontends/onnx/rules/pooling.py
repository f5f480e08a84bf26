"""Pooling. Channels are last.

What enters: a node of ONNX, and its inputs as operands. What leaves: the largest or the mean
element of each window: a `Value` of shape (N, C, ...), whose tensor `base` is (N, ..., C).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_value, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.rules.convolutions import (
    channels_last,
    is_same_upper,
    same_pads,
    windows,
)
from rnnlite.frontends.onnx.rules.padding import padded
from rnnlite.frontends.onnx.values import Operand, Value
from rnnlite.scan.tensors import Tensor


@rule("MaxPool", "AveragePool")
def _pool(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    kernel = list(node.get("kernel_shape"))
    strides, dilations, pads = windows(node, kernel)
    x = as_value(inputs[0])
    rank = len(kernel)
    is_max = node.op == "MaxPool"
    includes = bool(node.get("count_include_pad"))
    value = channels_last(x)
    pool = _Pool(tuple(kernel), tuple(strides), tuple(dilations), is_max)
    if is_same_upper(node, strides) and not includes and pool.is_plain:
        return value.like(pool.run(value.base, "SAME"))
    pads = same_pads(node, x, kernel, strides, dilations) or pads
    stated = list(zip(pads[:rank], pads[rank:], strict=True))
    pairs = stated
    if node.get("ceil_mode") and any(s > 1 for s in strides):
        pairs = _rounded_up(node, x, pool.extents, strides, stated)
    amounts = [(0, 0), (0, 0), *pairs]
    filler = np.finfo(np.float32).min if is_max else 0.0
    pooled = pool.run(padded(value, amounts, filler).base)
    if is_max or not any(map(any, pairs)) or (includes and pairs == stated):
        return value.like(pooled)
    # The mean is over elements that exist; those that rounding up adds never count.
    there = padded(value.like(tf.ones_like(value.base)), [(0, 0), (0, 0), *stated], float(includes))
    more = [(0, end - own) for (_, end), (_, own) in zip(pairs, stated, strict=True)]
    there = padded(there, [(0, 0), (0, 0), *more])
    return value.like(pooled / pool.run(there.base))


@dataclass(frozen=True)
class _Pool:
    """The windows of a node: kernel, strides and dilations along each axis; maximum or mean."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    is_max: bool

    @property
    def is_plain(self) -> bool:
        """Whether TensorFlow has an op for it."""
        return len(self.kernel) <= 2 and all(d == 1 for d in self.dilations)

    @property
    def extents(self) -> list[int]:
        """The rows that a window spans along each axis."""
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]

    def run(self, x: Tensor, padding: str = "VALID") -> Tensor:
        """Pool x (N, ..., C), which is padded already."""
        if self.is_plain:
            return _pooled(x, self.kernel, self.strides, padding, is_max=self.is_max)
        # Windows over several axes are windows along one axis after the other.
        for k, size in enumerate(self.kernel):
            x = self._along(x, k, size)
        return x

    def _along(self, x: Tensor, k: int, size: int) -> Tensor:
        reach = self.extents[k] - 1
        parts = []
        for begin in range(0, reach + 1, self.dilations[k]):
            rows = slice(begin, (begin - reach) or None, self.strides[k])
            parts.append(x[(slice(None),) * (k + 1) + (rows,)])
        total = parts[0]
        for part in parts[1:]:
            total = tf.maximum(total, part) if self.is_max else total + part
        return total if self.is_max else total / size


def _rounded_up(
    node: Node,
    x: Value,
    extents: Sequence[int],
    strides: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """The pads of ceil_mode: the last window that begins inside is whole."""
    found = []
    for k, (begin, end) in enumerate(pairs):
        size = x.shape[2 + k]
        if size is None:
            # As many rows as may be missing, as long as no window begins behind the given rows.
            if strides[k] + end > extents[k]:
                return refuse(
                    node,
                    "ceil_mode over an axis of any size with windows shorter than a step",
                    "ceil_mode=0, or windows at least as long as step and pad",
                )
            found.append((begin, end + strides[k] - 1))
            continue
        whole = -(-(size + begin + end - extents[k]) // strides[k]) + 1
        if (whole - 1) * strides[k] >= size + begin:
            whole -= 1
        more = (whole - 1) * strides[k] + extents[k] - size - begin
        found.append((begin, max(more, 0)))
    return found


def _pooled(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], padding: str, *, is_max: bool
) -> Tensor:
    rank = len(kernel)
    x = tf.expand_dims(x, 1) if rank == 1 else x
    sizes, steps = ([1, *v] if rank == 1 else list(v) for v in (kernel, strides))
    function: Any = tf.nn.max_pool2d if is_max else tf.nn.avg_pool2d
    pooled = function(x, sizes, steps, padding)
    return tf.squeeze(pooled, 1) if rank == 1 else pooled


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = channels_last(as_value(inputs[0]))
    axes = list(range(1, value.rank - 1))
    function = tf.reduce_mean if node.op == "GlobalAveragePool" else tf.reduce_max
    return value.like(function(value.base, axes, keepdims=True))
