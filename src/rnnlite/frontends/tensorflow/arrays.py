"""TensorArrays and TensorLists as dense tensors (N, ...).

LiteRT has neither. What enters: the ops of TensorArrays or TensorLists. What leaves: an `Array` for
the content after each op. A sequence that is written row by row becomes a tensor of which one row
after the other is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from rnnlite.errors import InternalError, UnsupportedError
from rnnlite.scan.tensors import DType, Tensor


@dataclass(frozen=True, eq=False)
class Array:
    """The content of a TensorArray or TensorList at one point of a computation.

    Attributes:
        dtype: of the elements.
        size: number of rows, a tensor or a number; None where it grows as it is written.
        element: static shape of a row, as far as it is known.
        content: the rows (N, ...); None while nothing was written.
        name: of the op that made it.
        lead: rows at the front of `content` that are not part of the array. LiteRT's WHILE carries
            no tensor without elements, so an array that grows starts with one such row.
    """

    dtype: DType
    size: Any
    element: tf.TensorShape
    content: Tensor | None
    name: str
    lead: int = 0

    def with_content(self, content: Tensor) -> Array:
        """The same array with other rows (N, ...)."""
        element = content.shape[1:] if content.shape.rank else self.element
        return replace(self, content=content, element=element)

    def length(self) -> Tensor:
        """Number of rows, int32."""
        if self.size is not None:
            return tf.convert_to_tensor(self.size, tf.int32)
        if self.content is None:
            return tf.constant(0)
        return tf.shape(self.content)[0] - self.lead

    def row(self, index: Tensor) -> Tensor:
        """One row; for an index beyond the end, the last row.

        A branch that is not taken may ask for an index beyond the end.

        Raises:
            UnsupportedError: nothing was written.
        """
        if self.content is None:
            raise UnsupportedError(
                f"'{self.name}' is read before anything was written",
                remedy="Name outputs in front of it, or rewrite that part of the model",
            )
        last = tf.shape(self.content)[0] - 1
        index = tf.reshape(tf.minimum(index + self.lead if self.lead else index, last), [])
        return tf.gather(self.content, index)

    def rows(self) -> Tensor:
        """All rows; zeros where nothing was written, as far as the shape of a row is known."""
        if self.content is None:
            return tf.zeros([self.length(), *[d or 0 for d in self.element]], self.dtype)
        return self.content[self.lead :] if self.lead else self.content

    def buffer(self, row: tf.TensorShape, like: Tensor | None = None) -> Array:
        """The same array with content that rows can be written to.

        The content is zeros, or no rows where the array grows.

        Args:
            row: shape of a row.
            like: a row that gives the sizes that are not static.

        Raises:
            UnsupportedError: the shape of a row is not known.
        """
        if self.content is not None:
            return self
        shape = None if row.rank is None else list(row)
        if shape is None or (None in shape and like is None):
            raise UnsupportedError(
                f"the shape of the rows of '{self.name}' is not known",
                found=str(row),
                remedy="Give a batch size, or shapes, where the graph leaves them free",
            )
        tail = tf.shape(like) if None in shape else tf.constant(shape, tf.int32)
        lead = 1 if self.size is None else 0
        rows = tf.constant(1) if self.size is None else self.length()
        content = tf.zeros(tf.concat([[rows], tail], 0), self.dtype)
        static = tf.get_static_value(rows)
        first = None if self.size is None or static is None else int(static)
        content.set_shape([first, *shape])
        return replace(self, content=content, element=row, lead=lead)

    def appended(self, row: Tensor) -> Array:
        """The array with a row (...) added at its end: N + 1 rows."""
        base = self.buffer(row.shape, row)
        return replace(base, content=tf.concat([base.rows_held(), tf.expand_dims(row, 0)], 0))

    def written(self, index: Tensor, row: Tensor) -> Array:
        """The array with one row replaced. An array that grows gets rows of zeros up to this row.

        Args:
            index: of the row, an int32 of one element.
            row: (...), of the other rows' shape.
        """
        base = self.buffer(row.shape, row)
        content = base.rows_held()
        if self.size is None:
            index = tf.reshape(index, []) + base.lead
            held = tf.shape(content)
            missing = tf.maximum(index + 1 - held[0], 0)
            added = tf.zeros(tf.concat([[missing], held[1:]], 0), content.dtype)
            content = tf.concat([content, added], 0)
        begin = tf.stack([tf.reshape(index, []), *[0] * len(row.shape)])
        written = gen_xla_ops.xla_dynamic_update_slice(
            input=content, update=tf.expand_dims(row, 0), indices=begin
        )
        written.set_shape(content.shape)
        return replace(base, content=written)

    def rows_held(self) -> Tensor:
        """All rows of `content`, with those in front that are not part of the array.

        Raises:
            InternalError: the array has no content yet.
        """
        if self.content is None:
            raise InternalError(f"'{self.name}' has no buffer")
        return self.content


Value = Tensor | Array
"""What a node of a graph gives."""


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether a value is a tensor, and no array."""
    return bool(tf.is_tensor(value))


def array_of(value: Value, where: str) -> Array:
    """An array, as an op of arrays reads it.

    Args:
        where: the op, in words.

    Raises:
        UnsupportedError: it is a tensor.
    """
    if isinstance(value, Array):
        return value
    raise UnsupportedError(
        f"{where} reads a tensor as an array",
        expected="what an op of TensorArrays or TensorLists made",
        found=str(value),
        remedy="Name outputs in front of it, or rewrite that part of the model",
    )


def tensor_of(value: Value, where: str, source: str) -> Tensor:
    """A tensor, as any other op reads it.

    Args:
        where: the op, in words.
        source: the reference that it reads.

    Raises:
        UnsupportedError: it is an array.
    """
    if not isinstance(value, Array):
        return value
    raise UnsupportedError(
        f"{where} reads the array '{source}'",
        expected="ops of TensorArrays and TensorLists that have a dense form",
        found=where.partition(" ")[0],
        remedy="Name outputs in front of it, or rewrite that part of the model",
    )
