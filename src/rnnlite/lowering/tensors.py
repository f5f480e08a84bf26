"""Helpers for symbolic tensors: zeros, shapes, rows, masks.

What enters and leaves: symbolic tensors of the current graph. No loop is made here.
"""

from __future__ import annotations

import tensorflow as tf

from rnnlite.lowering.barriers import LOWEST
from rnnlite.scan.scan import Cuts
from rnnlite.scan.tensors import Count, Tensor, TensorShape

PASSING = ("Identity", "Cast", "Reshape", "ExpandDims", "Tile", "BroadcastTo", "EnsureShape")
"""Kinds of ops that give zeros for zeros."""


def is_zero(tensor: Tensor) -> bool:
    """Whether a symbolic tensor is surely zero: a constant, or a Fill with a constant."""
    value = tf.get_static_value(tensor)
    if value is not None:
        return not value.any()
    op = getattr(tensor, "op", None)
    if op is None:
        return False
    while op.type in PASSING:
        op = op.inputs[0].op
    if op.type == "ZerosLike":
        return True
    if op.type == "Fill":
        return is_zero(op.inputs[1])
    if op.type == "Const":
        return not tf.get_static_value(op.outputs[0]).any()
    return False


def zeros_of_known_shape(state: Tensor, batch: Tensor) -> Tensor:
    """The state; zeros with a free batch are made anew, in a shape known before the model runs."""
    rest = state.shape[1:] if state.shape.rank else None
    if rest is None or state.shape[0] is not None or not rest.is_fully_defined():
        return state
    if not is_zero(state):
        return state
    shape = tf.concat([batch, tf.constant(rest.as_list(), tf.int32)], 0)
    return tf.ensure_shape(tf.zeros(shape, state.dtype), state.shape)


def kept_apart(tensor: Tensor) -> Tensor:
    """A float32 tensor behind a barrier (see `barriers`); other tensors are unchanged."""
    if tensor.dtype != tf.float32:
        return tensor
    return tf.maximum(tensor, tf.constant(LOWEST))


def length_of(x: Tensor) -> Count:
    """The number of time steps: an int, or a scalar where it is free."""
    length = x.shape[0]
    return tf.shape(x)[0] if length is None else int(length)


def gathered(x: Tensor, index: Tensor, count: int, cuts: Cuts | None = None) -> list[list[Tensor]]:
    """The rows of x at `count` indices, each as a list of the parts that `cuts` cuts it in."""
    # GATHER is far cheaper here than a SLICE, whose begin must be put together first.
    chunk = tf.gather(x, index)
    if cuts is not None and count > 1 and x.shape[1] == 1:
        # Of one sequence, parts are cut out of all rows at once, not out of each row.
        rows = tf.reshape(chunk, [count, x.shape[2]])
        return [[rows[k : k + 1, begin:end] for begin, end in cuts] for k in range(count)]
    return [cut(row, cuts) for row in ([chunk] if count == 1 else tf.unstack(chunk, count))]


def cut(row: Tensor, cuts: Cuts | None) -> list[Tensor]:
    """The parts of a row that a cell's step takes."""
    return [row] if cuts is None else [row[..., begin:end] for begin, end in cuts]


def common(a: TensorShape, b: TensorShape) -> TensorShape:
    """The shape that two shapes agree in, axis by axis."""
    if a.rank != b.rank or a.rank is None:
        return tf.TensorShape(None)
    return tf.TensorShape([x if x == y else None for x, y in zip(a, b, strict=True)])


def select(keep: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """new where keep holds, else old; keep (B,) or (B, ...) is broadcast over trailing axes."""
    for _ in range(len(new.shape) - len(keep.shape)):
        keep = tf.expand_dims(keep, -1)
    result = tf.where(keep, new, old)
    result.set_shape(common(new.shape, old.shape))
    return result
