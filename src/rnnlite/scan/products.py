"""The matrix products of cells: the projection of inputs, and that of a step.

What enters: kernels as arrays and symbolic tensors. What leaves: symbolic tensors of the current
graph. `Projection` says where inputs are projected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from rnnlite.scan.projection import Projection
from rnnlite.scan.tensors import Array, Tensor, fixed


def dense_over_time(x: Tensor, kernel: Array, bias: Array | None) -> Tensor:
    """(T, B, F) @ (F, G) + (G,) as one matrix product over all time steps -> (T, B, G)."""
    features, width = kernel.shape
    batch = x.shape[1]
    flat = tf.reshape(x, [-1, features])
    product = tf.matmul(flat, tf.constant(kernel))
    if bias is not None:
        product = tf.nn.bias_add(product, tf.constant(bias))
    if batch is not None:
        return tf.reshape(product, [-1, batch, width])
    shape = tf.shape(x)
    return tf.reshape(product, tf.concat([shape[:2], [width]], 0))


def by_remainder_rows(count: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A function for rows @ kernel that multiplies each of the last `count` rows on its own."""

    def product(rows: Tensor, kernel: Tensor) -> Tensor:
        batch = fixed(rows, 0)
        together = [] if batch == count else [rows[: batch - count]]
        alone = [rows[k : k + 1] for k in range(batch - count, batch)]
        return tf.concat([tf.matmul(part, kernel) for part in (*together, *alone)], 0)

    return product


COUNTS = {Projection.HOISTED: 1, Projection.IN_LOOP: 3, Projection.FUSED: 2}
"""How many constants `step_weights` gives for each projection."""


def step_weights(
    projection: Projection, kernel: Array, recurrent_kernel: Array, bias: Array | None
) -> list[Tensor]:
    """The constants that `gates` takes.

    HOISTED: the recurrent kernel U (H, G). IN_LOOP: U, the kernel W (F, G) and a bias (G,). FUSED:
    [W; U] (F + H, G) and a bias.
    """
    if projection is Projection.HOISTED:
        return [tf.constant(recurrent_kernel)]
    if bias is None:
        bias = np.zeros(kernel.shape[-1], np.float32)
    if projection is Projection.IN_LOOP:
        return [tf.constant(w) for w in (recurrent_kernel, kernel, bias)]
    return [tf.constant(np.concatenate([kernel, recurrent_kernel], 0)), tf.constant(bias)]


def gates(
    projection: Projection,
    product: Callable[[Tensor, Tensor], Tensor],
    row: Tensor,
    h: Tensor,
    weights: Sequence[Tensor],
) -> Tensor:
    """x W + h U + b (B, G), from a row x (B, F); with HOISTED, the row is x W + b already."""
    if projection is Projection.FUSED:
        kernel, bias = weights
        return tf.nn.bias_add(product(tf.concat([row, h], -1), kernel), bias)
    recurrent_kernel, *rest = weights
    return projected_row(product, row, rest) + product(h, recurrent_kernel)


def projected_row(
    product: Callable[[Tensor, Tensor], Tensor], row: Tensor, weights: Sequence[Tensor]
) -> Tensor:
    """x W + b of a row x; without weights, the row itself, which is projected already."""
    if not weights:
        return row
    kernel, bias = weights
    return tf.nn.bias_add(product(row, kernel), bias)
