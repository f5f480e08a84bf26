"""Buffers of output sequences: how large, how chunks are written, what is read at the end.

What enters: a `Schedule`, and a `LengthVector` as long as the sequence. What leaves: a `Layout` and
its tensors. The ops that compute sizes are those that the runtime evaluates while it prepares a
model (SHAPE, STRIDED_SLICE, MUL, CONCATENATION), so that all shapes in loops are known before the
loops run. ceil(T / s) is computed as the length of a vector of length T with stride s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from rnnlite.lowering.schedule import Schedule
from rnnlite.scan.tensors import Array, Count, Tensor


@dataclass(frozen=True, eq=False)
class Layout:
    """How many rows the buffers of loops within loops have.

    A size is an int where the length is fixed, else an int32 vector of one element. It is no
    scalar, for RESHAPE does not keep what is known while the model is prepared.

    Attributes:
        sizes: rows of the buffers of a partition, innermost first.
        partitions: number of partitions that are computed one after the other.
    """

    sizes: tuple[Count, ...]
    partitions: int = 1

    def count(self, level: int) -> Count:
        """The number of rows of the buffer of a level, as an int or a scalar."""
        size = self.sizes[level]
        return size if isinstance(size, int) else size[0]


def layout(schedule: Schedule, steps: LengthVector, chunk: Count | None = None) -> Layout:
    """The layout of the buffers for all steps.

    A buffer holds ceil(T / (s r)) buffers of the next smaller level, of s rows each. Here r is
    `chunk_growth` to the power of the number of levels above, so that each of these grows by about
    `chunk_growth`.

    Args:
        schedule: its unroll, depth, chunk, growth and partitions are used.
        steps: a length vector of the number of steps, a multiple of K.
        chunk: rows of a chunk. If None, those of the schedule, or of the sequence if that is
            shorter.
    """
    part = steps.part(schedule.partitions)
    k = schedule.unroll
    if schedule.depth == 1:
        return Layout((part.chunks(k) * k,), schedule.partitions)
    sizes = [part.chunks(k, upto=schedule.chunk) * k if chunk is None else chunk]
    strides: list[Count] = [schedule.chunk]
    for above in reversed(range(schedule.depth - 1)):
        several = part.chunks(strides[-1] * schedule.chunk_growth**above)
        sizes.append(several * sizes[-1])
        strides.append(several * strides[-1])
    return Layout(tuple(sizes), schedule.partitions)


def places_within(size: Count) -> Tensor | Array:
    """0, 1, ..., size - 1, int32, in a shape that is known while the model is prepared."""
    if isinstance(size, int):
        return np.arange(size, dtype=np.int32)
    return tf.cumsum(tf.ones(size, tf.int32), exclusive=True)


class LengthVector:
    """A vector as long as a sequence. Lengths taken from it are known before the model runs.

    Args:
        vector: int32 ones (T,): a tensor, or an array where the length is fixed.
    """

    def __init__(self, vector: Tensor | Array) -> None:
        self._vector = vector

    @classmethod
    def of(cls, x: Tensor) -> LengthVector:
        """A vector as long as the first axis of x."""
        length = x.shape[0]
        return cls(tf.ones(tf.shape(x)[:1], tf.int32) if length is None else np.ones(length, int))

    @property
    def length(self) -> Count:
        """T, as an int or as a vector of one element."""
        vector = self._vector
        return len(vector) if isinstance(vector, np.ndarray) else tf.shape(vector)

    @property
    def count(self) -> Count:
        """T, as an int or as a scalar."""
        length = self.length
        return length if isinstance(length, int) else length[0]

    @property
    def places(self) -> Tensor:
        """0, 1, ..., T - 1, in a shape that is known while the model is prepared."""
        if isinstance(self._vector, np.ndarray):
            return tf.range(len(self._vector))
        return tf.cumsum(self._vector, exclusive=True)

    def steps(self, unroll: int) -> LengthVector:
        """A vector as long as T rounded up to a multiple of K."""
        if unroll == 1:
            return self
        length = self.chunks(unroll) * unroll
        if isinstance(length, int):
            return LengthVector(np.ones(length, int))
        return LengthVector(tf.ones(length, tf.int32))

    def part(self, count: int) -> LengthVector:
        """A vector as long as ceil(T / count)."""
        return self if count == 1 else LengthVector(self._vector[::count])

    def beyond(self, begin: int, least: int) -> LengthVector:
        """A vector of length max(T - begin, least)."""
        # An end that is masked keeps the converter from making a SLICE, which is computed too late.
        rest = tf.strided_slice(self._vector, [begin + least], [0], [1], end_mask=1)
        return LengthVector(tf.concat([tf.ones([least], tf.int32), tf.reshape(rest, [-1])], 0))

    def chunks(self, size: Count, *, upto: int | None = None) -> Count:
        """ceil(min(T, upto) / size)."""
        if isinstance(self._vector, np.ndarray) and isinstance(size, int):
            return -(-min(len(self._vector), upto or len(self._vector)) // size)
        stride = tf.constant([size]) if isinstance(size, int) else size
        # Counted from the end: the converter makes [:upto] a SLICE, which refuses shorter vectors.
        begin, mask = ([-upto], 0) if upto else ([0], 1)
        taken = tf.strided_slice(self._vector, begin, [0], stride, begin_mask=mask, end_mask=1)
        # The converter does not see that this is a vector where the stride is computed.
        return tf.shape(tf.reshape(taken, [-1]))


def batch_of(x: Tensor) -> Tensor:
    """The size of axis 1 as a vector of one element, known while the model is prepared.

    The end is negative, for the converter makes [1:2] a SLICE, which is computed too late.
    """
    rank = len(x.shape)
    return tf.shape(x)[1:] if rank == 2 else tf.shape(x)[1 : 2 - rank]


def filled(rows: Count, shape: Tensor, like: Tensor) -> Tensor:
    """A buffer of zeros (rows, *shape) with the dtype and the static shape of `like`."""
    if isinstance(rows, int):
        first, static = tf.constant([rows]), rows
    else:
        first, static = rows, None
    buffer = tf.zeros(tf.concat([first, shape], 0), like.dtype)
    return tf.ensure_shape(buffer, [static, *like.shape])


def write(buffer: Tensor, chunk: Tensor, place: Tensor) -> Tensor:
    """Write rows (n, B, ...) into buffer (N, B, ...) from row `place` on."""
    begin = tf.stack([place, *[0] * (len(buffer.shape) - 1)])
    updated = gen_xla_ops.xla_dynamic_update_slice(input=buffer, update=chunk, indices=begin)
    updated.set_shape(buffer.shape)
    return updated


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Tensors of rows, one behind the other."""
    return parts[0] if len(parts) == 1 else tf.concat(parts, 0)


def rows_from(buffer: Tensor, first: Count, length: LengthVector) -> Tensor:
    """As many rows of a buffer as a length vector is long, from row `first` on."""
    if isinstance(length.length, int):
        return buffer[first : first + length.length]
    return _taken(buffer, length.places + first)


def rows_and_rest(buffer: Tensor, rest: Tensor, done: Count, length: LengthVector) -> Tensor:
    """The first `done` rows of a buffer, then rows of `rest`, up to the number of steps."""
    if isinstance(length.length, int):
        return tf.concat([buffer[:done], rest[: length.length - done]], 0)
    places = length.places
    skipped = tf.where(places < done, 0, tf.shape(buffer)[0] - done)
    return _taken(tf.concat([buffer, rest], 0), places + skipped)


def _taken(buffer: Tensor, places: Tensor) -> Tensor:
    # The shape of a SLICE of computed size would not be known before the model runs, which keeps
    # all that follows from XNNPACK. A STRIDED_SLICE copies element by element.
    rows = tf.gather(buffer, places)
    rows.set_shape([None, *buffer.shape[1:]])
    return rows
