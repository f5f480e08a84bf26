"""Rewrite pooling over three axes, which LiteRT lacks, as pooling over two and then over one.

What enters: a graph. What leaves: what to compute in the place of each MaxPool3D and AvgPool3D with
channels last.

    (B, D, H, W, C) -> (B D, H, W, C), pooled over H and W
                    -> (B, D, H' W', C), pooled over D -> (B, D', H', W', C)

A maximum of maxima is the maximum. A mean of means is the mean, for all rows of a window have
equally many values: padding is never counted.
"""

from __future__ import annotations

from functools import partial

import tensorflow as tf

from rnnlite.lite.before_translation.convolutions import Instead, reshaped, size
from rnnlite.scan.tensors import Graph, Tensor

POOLS = {"MaxPool3D": tf.nn.max_pool2d, "AvgPool3D": tf.nn.avg_pool2d}
"""Kind of op -> the function that pools over two axes."""


def pools(graph: Graph) -> dict[str, Instead]:
    """Name of an op -> what to compute instead."""
    found: dict[str, Instead] = {}
    for op in graph.get_operations():
        if op.type not in POOLS or op.get_attr("data_format") != b"NDHWC":
            continue
        windows, strides = (tuple(op.get_attr(name)[1:4]) for name in ("ksize", "strides"))
        compute = partial(
            pooled,
            kind=op.type,
            windows=windows,
            strides=strides,
            padding=op.get_attr("padding").decode(),
        )
        found[op.name] = Instead((op.inputs[0],), compute)
    return found


def pooled(
    x: Tensor,
    kind: str,
    windows: tuple[int, int, int],
    strides: tuple[int, int, int],
    padding: str,
) -> Tensor:
    """x (B, D, H, W, C), pooled over D, H and W.

    Args:
        kind: a key of `POOLS`.
        windows, strides: sizes and strides along D, H and W.
        padding: "SAME" or "VALID".
    """
    pool = POOLS[kind]
    batch, depth, channels = size(x, 0), size(x, 1), size(x, 4)
    if windows[1:] != (1, 1) or strides[1:] != (1, 1):
        planes = reshaped(x, [batch * depth, size(x, 2), size(x, 3), channels])
        planes = pool(planes, windows[1:], strides[1:], padding)
        x = reshaped(planes, [batch, depth, size(planes, 1), size(planes, 2), channels])
    if windows[0] == strides[0] == 1:
        return x
    rows, columns = size(x, 2), size(x, 3)
    lines = reshaped(x, [batch, depth, rows * columns, channels])
    lines = pool(lines, (windows[0], 1), (strides[0], 1), padding)
    return reshaped(lines, [batch, size(lines, 1), rows, columns, channels])
