"""Reshapes whose sizes Python knows, and the graph does not say.

What enters: a graph as it was traced, and the same graph frozen. What leaves: what to compute in
the place of Reshape ops, whose sizes are constants there as far as they are known.

`Tensor.set_shape` says sizes to the traced graph alone; whoever reads the graph follows them anew.
So ends UpSampling1D of Keras 2: it computes the new shape of a tensor of free length from the old
one. The official converter has no convolution over channels whose number it does not see.
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
    """Whether the size of a Reshape's last axis is known, but does not follow from its operands."""
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
    """x in a shape (rank,) of int32 or int64, of which some sizes are known."""
    parts = [shape[k : k + 1] if size is None else [size] for k, size in enumerate(sizes)]
    parts = [tf.cast(part, shape.dtype) for part in parts]
    return cast(Tensor, tf.reshape(x, tf.concat(parts, 0)))


def _is_lost(op: Operation, found: tf.TensorShape) -> bool:
    """Whether the size of the last axis of an op's result is known, but not in another shape."""
    known = op.outputs[0].shape
    if not known.rank or known[-1] is None:
        return False
    return not found.rank or found[-1] is None
