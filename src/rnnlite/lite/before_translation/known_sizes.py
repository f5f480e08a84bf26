"""Reshapes with sizes that are known while tracing, but not in the graph.

What enters: a graph as it was traced, and the same graph frozen. What leaves: what to compute in
the place of Reshape ops: a Reshape whose known sizes are constants.

`Tensor.set_shape` keeps sizes only in the traced graph; they are lost when the graph is written and
read again. UpSampling1D of Keras 2 ends so, as it computes the new shape of a tensor of free length
from the old one. The official converter refuses a convolution if it does not know the number of
channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import tensorflow as tf
from tensorflow.python.framework.tensor_util import constant_value_as_shape

from rnnlite.lite.before_translation.convolutions import Instead
from rnnlite.scan.tensors import Graph, Operation, Tensor


def is_said_aside(op: Operation) -> bool:
    """Whether a Reshape's last size is known while tracing, but not from its operands."""
    return op.type == "Reshape" and _is_lost(op, constant_value_as_shape(op.inputs[1]))


def known_sizes(traced: Graph, frozen: Graph) -> dict[str, Instead]:
    """Name of a Reshape -> what to compute instead."""
    said = {op.name: op for op in traced.get_operations() if is_said_aside(op)}
    found = {}
    for op in frozen.get_operations():
        known = said.get(op.name)
        if known is not None and _is_lost(known, op.outputs[0].shape):
            sizes = known.outputs[0].shape.as_list()
            found[op.name] = Instead(tuple(op.inputs), partial(reshape, sizes))
    return found


def reshape(sizes: Sequence[int | None], x: Tensor, shape: Tensor) -> Tensor:
    """x in a shape (rank,) of int32 or int64, with constants for the sizes that are known."""
    parts = [shape[k : k + 1] if size is None else [size] for k, size in enumerate(sizes)]
    parts = [tf.cast(part, shape.dtype) for part in parts]
    return cast(Tensor, tf.reshape(x, tf.concat(parts, 0)))


def _is_lost(op: Operation, found: tf.TensorShape) -> bool:
    """Whether an op's result states the size of its last axis, and `found` does not."""
    known = op.outputs[0].shape
    if not known.rank or known[-1] is None:
        return False
    return not found.rank or found[-1] is None
