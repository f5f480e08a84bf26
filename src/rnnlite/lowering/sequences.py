"""What the reader of loops does with whole sequences (T, ...), on TensorFlow tensors.

What enters: tensors (T, ...) and numbers of time steps. What leaves: tensors of the graph that is
being built. An implementation of `rnnlite.loops.Tensors`; every front end that emits TensorFlow ops
shares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import tensorflow as tf

from rnnlite.loops.loop import Rows, Shape
from rnnlite.scan.tensors import Count, Integer, Tensor


@dataclass(frozen=True, eq=False)
class TensorRows:
    """The rows of a tensor; see `rnnlite.loops.loop.Rows`."""

    content: Tensor
    name: str

    @property
    def size(self) -> Count:
        """The number of rows."""
        return self.length()

    def length(self) -> Count:
        """The number of rows."""
        known = self.content.shape[0]
        return tf.shape(self.content)[0] if known is None else int(known)

    def rows(self) -> Tensor:
        """The rows (N, ...)."""
        return self.content


class Sequences:
    """`rnnlite.loops.Tensors` for TensorFlow."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Within it, ops are named below `name`."""
        scope: AbstractContextManager[None] = tf.name_scope(name)
        return scope

    def shape(self, x: Tensor) -> Shape | None:
        """The static shape of a tensor; None where its rank is unknown."""
        return None if x.shape.rank is None else tuple(x.shape.as_list())

    def scalar(self, x: Tensor) -> Tensor:
        """A tensor of one element as a scalar."""
        return tf.reshape(x, [])

    def vector(self, x: Tensor) -> Tensor:
        """All elements as a vector (T,)."""
        return tf.reshape(x, [-1])

    def column(self, x: Tensor) -> Tensor:
        """All elements as (T, 1)."""
        return tf.reshape(x, [-1, 1])

    def offset(self, x: Tensor, number: Integer) -> Tensor:
        """x plus a number, in the dtype of the number."""
        return tf.cast(x, number.dtype) + number

    def add(self, x: Tensor, bias: Tensor) -> Tensor:
        """(T, ..., F) plus (F,)."""
        return x + bias

    def product(self, x: Tensor, w: Tensor, *, transposed: bool) -> Tensor:
        """(T, B, F) times (F, G), or the transpose of (G, F), as one product -> (T, B, G)."""
        if transposed:
            w = tf.transpose(w)
        features, width = w.shape
        batch = x.shape[1]
        product = tf.matmul(tf.reshape(x, [-1, features]), w)
        if batch is not None:
            return tf.reshape(product, [-1, batch, width])
        shape = tf.shape(x)
        return tf.reshape(product, tf.stack([shape[0], shape[1], width]))

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Tensors joined along an axis."""
        return tf.concat(parts, axis)

    def expand(self, x: Tensor, axis: int) -> Tensor:
        """A tensor with a new axis of size 1."""
        return tf.expand_dims(x, axis)

    def take(self, table: Tensor, ids: Tensor) -> Tensor:
        """Rows of a table by their indices."""
        return tf.gather(table, ids)

    def steps(self, count: Count) -> Tensor:
        """0, 1, 2, ... as (T, 1)."""
        steps = tf.reshape(tf.range(count), [-1, 1])
        static = tf.get_static_value(tf.convert_to_tensor(count))
        if static is not None:
            steps.set_shape([int(static), 1])
        return steps

    def as_rows(self, x: Tensor, name: str, axis: int) -> Rows:
        """The rows of a tensor along an axis; `name` is for messages."""
        if axis:
            x = tf.transpose(x, [axis, *range(axis), *range(axis + 1, len(x.shape))])
        return TensorRows(x, name)

    def first(self, array: Rows, count: Count) -> Tensor:
        """The first rows of an array."""
        rows = array.rows()
        return rows if self.is_full(array, count) else rows[:count]

    def rows_at(self, array: Rows, indices: Tensor) -> Tensor:
        """Rows of an array by their indices (T,); an index beyond the end gives the last row."""
        rows, indices = array.rows(), tf.cast(indices, tf.int32)
        count = tf.shape(rows)[0]
        if isinstance(array, TensorRows):
            # x[-1] is the last row of a tensor.
            indices = tf.where(indices < 0, indices + count, indices)
        return tf.gather(rows, tf.minimum(indices, count - 1))

    def is_full(self, array: Rows, count: Count) -> bool:
        """Whether an array surely has that many rows."""
        if array.size is count or (array.content is not None and _is_length(count, array.content)):
            return True
        size, known = tf.get_static_value(array.length()), tf.get_static_value(count)
        return size is not None and known is not None and int(size) == int(known)

    def bound(self, limit: Tensor, more: int) -> Count:
        """`limit + more`: the number of iterations of a loop whose counter has this limit.

        An int where the limit is a constant, for TensorFlow would not know the value of the sum;
        else an int32 scalar.
        """
        known = tf.get_static_value(limit)
        if known is not None:
            return int(known) + more
        bound = _simple(tf.cast(limit, tf.int32))
        return bound + more if more else bound

    def least(self, bounds: Sequence[Count]) -> Count:
        """The least of several numbers of iterations; a constant below 0 counts as 0."""
        known = [tf.get_static_value(b) for b in bounds]
        if all(b is not None for b in known):
            return max(min(int(b) for b in known), 0)
        if any(b is not None and int(b) <= 0 for b in known):
            return 0
        least = bounds[0]
        for bound in bounds[1:]:
            if bound is not least:
                least = tf.minimum(least, bound)
        return least


def _is_length(count: Count, x: Tensor) -> bool:
    """Whether a scalar is the first element of the shape of x."""
    op = getattr(count, "op", None)
    if op is None or op.type != "StridedSlice" or not op.get_attr("shrink_axis_mask") & 1:
        return False
    begin = tf.get_static_value(op.inputs[1])
    shape = op.inputs[0].op
    if begin is None or list(begin) != [0] or shape.type != "Shape":
        return False
    return shape.inputs[0] is x


def _simple(bound: Tensor) -> Tensor:
    """T for min(T, max(1, T)), which dynamic_rnn writes; a sequence has a time step at least."""
    if getattr(bound, "op", None) is None or bound.op.type != "Minimum":
        return bound
    a, b = bound.op.inputs
    for x, y in ((a, b), (b, a)):
        if y.op.type == "Maximum" and any(z is x for z in y.op.inputs):
            others = [tf.get_static_value(z) for z in y.op.inputs if z is not x]
            if others and others[0] is not None and int(others[0]) <= 1:
                return x
    return bound
