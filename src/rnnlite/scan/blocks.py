"""Buffers of output sequences: how large, how blocks are written, what is read at the end.

What enters: a `Schedule` and a tensor whose first axis is time. What leaves: a `Layout` and the
tensors of it. Sizes are computed by ops that the runtime evaluates while it prepares a model
(SHAPE, STRIDED_SLICE, MUL, CONCATENATION), so that all shapes in loops are known before they run;
a ceiling of T / s is the length of a sequence of T taken at each s-th place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from rnnlite.scan.scan import Tensor
from rnnlite.scan.schedule import Schedule


@dataclass(frozen=True, eq=False)
class Layout:
    """Sizes in rows; ints where the length is fixed, int32 vectors of one element else.

    Vectors, because RESHAPE does not keep what is known while the model is prepared.

    Attributes:
        steps: time steps that are computed, a multiple of K.
        sizes: rows of the buffers of a segment, innermost first.
        length: T.
        places: 0 to T - 1, where T is not fixed.
        exact: whether the outermost buffer surely has T rows.
        segments: parts that the sequence is computed in, one after the other.
    """

    steps: Any
    sizes: tuple[Any, ...]
    length: Any
    places: Any = None
    exact: bool = False
    segments: int = 1

    def count(self, level: int) -> Any:
        """Rows of the buffer of a level as an int or a scalar."""
        size = self.sizes[level]
        return size if isinstance(size, int) else size[0]

    @property
    def rows(self) -> Any:
        """Rows of all segments: of the whole sequence and what stands before or behind it."""
        return self.segments * self.count(-1)

    @property
    def origin(self) -> Any:
        """The number of the first row: one segment is left out before it. Counted so, no segment
        begins at a constant, and all are computed by one body."""
        return self.count(-1) if self.segments > 1 else 0


def layout(schedule: Schedule, x: Tensor, *, blocks: bool) -> Layout:
    """The sizes for a sequence x (T, ...).

    A buffer takes ceil(T / (s r)) of the next smaller ones, of s rows, where r is the schedule's
    growth for each level above it: the outer ones about that, where copies come from memory.

    Args:
        schedule: see there.
        x: its first axis is time.
        blocks: whether there are blocks: of output sequences, or of what is projected together.
    """
    k, block = schedule.unroll, schedule.block
    length = x.shape[0]
    ruler: _Ruler | _Number = _Ruler(x) if length is None else _Number(int(length))
    steps = ruler.blocks(k) * k if k > 1 else ruler.length
    count = schedule.segments
    if count == 1 and (not blocks or schedule.levels == 1):
        places = ruler.places if blocks and k > 1 else None
        return Layout(steps, (steps,), ruler.length, places, exact=k == 1)
    part = ruler.part(count)
    if schedule.levels == 1:
        return Layout(steps, (part.blocks(k) * k,), ruler.length, ruler.places, segments=count)
    # A sequence shorter than a block is the only one, of its own size.
    sizes = [part.blocks(k, upto=block) * k]
    strides: list[Any] = [block]
    for above in reversed(range(schedule.levels - 1)):
        several = part.blocks(strides[-1] * schedule.growth**above)
        sizes.append(several * sizes[-1])
        strides.append(several * strides[-1])
    return Layout(steps, tuple(sizes), ruler.length, ruler.places, segments=count)


def places_within(sizes: Layout) -> Tensor:
    """0 to the rows of the smallest buffer, less one, in a shape that is known before they are."""
    size = sizes.sizes[0]
    if isinstance(size, int):
        return tf.range(size)
    return tf.cumsum(tf.ones(size, tf.int32), exclusive=True)


class _Number:
    """A length that is known."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.places = None

    def part(self, count: int) -> _Number:
        """A length of ceil(T / count)."""
        return _Number(-(-self.length // count))

    def blocks(self, size: int, *, upto: int | None = None) -> int:
        """ceil(min(T, upto) / size)."""
        return -(-min(self.length, upto or self.length) // size)


class _Ruler:
    """A vector as long as a sequence, to take lengths from."""

    def __init__(self, x: Tensor) -> None:
        self.length = tf.shape(x)[:1]
        self._vector = tf.ones(self.length, tf.int32)

    def part(self, count: int) -> _Ruler:
        """A ruler as long as ceil(T / count)."""
        return self if count == 1 else _Ruler(self._vector[::count])

    @property
    def places(self) -> Tensor:
        """0 to T - 1, in a shape that is known before they are."""
        return tf.cumsum(self._vector, exclusive=True)

    def blocks(self, size: Any, *, upto: int | None = None) -> Tensor:
        """ceil(min(T, upto) / size)."""
        stride = tf.constant([size]) if isinstance(size, int) else size
        # Counted from the end: the converter makes [:upto] a SLICE, which refuses shorter ones.
        begin, mask = ([-upto], 0) if upto else ([0], 1)
        taken = tf.strided_slice(self._vector, begin, [0], stride, begin_mask=mask, end_mask=1)
        # The converter does not see that this is a vector where the stride is computed.
        return tf.shape(tf.reshape(taken, [-1]))


def batch_of(x: Tensor) -> Tensor:
    """The size of axis 1 as a vector of one element, known while the model is prepared.

    The end is counted from behind: the converter makes [1:2] a SLICE, which is computed too late.
    """
    rank = x.shape.rank
    return tf.shape(x)[1:] if rank == 2 else tf.shape(x)[1 : 2 - rank]


def filled(rows: Any, shape: Tensor, like: Tensor) -> Tensor:
    """A buffer of zeros (rows, *shape) with the dtype and the static shape of `like`."""
    if isinstance(rows, int):
        first, static = tf.constant([rows]), rows
    else:
        first, static = rows, None
    buffer = tf.zeros(tf.concat([first, shape], 0), like.dtype)
    return tf.ensure_shape(buffer, [static, *like.shape])


def write(buffer: Tensor, block: Tensor, place: Tensor) -> Tensor:
    """Write rows (n, B, ...) into buffer (N, B, ...) from row `place` on."""
    begin = tf.stack([place] + [0] * (buffer.shape.rank - 1))
    updated = gen_xla_ops.xla_dynamic_update_slice(input=buffer, update=block, indices=begin)
    updated.set_shape(buffer.shape)
    return updated


def last_rows(buffer: Tensor, sizes: Layout) -> Tensor:
    """The last T rows of a buffer of the layout's size."""
    if sizes.places is None:
        return buffer[sizes.rows - sizes.length :]
    return _taken(buffer, sizes.places + (sizes.rows - sizes.length[0]))


def first_rows(buffer: Tensor, sizes: Layout) -> Tensor:
    """The first T rows of a buffer of the layout's size."""
    if sizes.exact:
        return buffer
    if sizes.places is None:
        return buffer[: sizes.length]
    return _taken(buffer, sizes.places)


def rows_and_rest(buffer: Tensor, rest: Tensor, sizes: Layout, done: Any) -> Tensor:
    """The first `done` rows of a buffer of the layout's size, then those of `rest`; T in all."""
    if sizes.places is None:
        return tf.concat([buffer[:done], rest[: sizes.length - done]], 0)
    skipped = tf.where(sizes.places < done, 0, sizes.rows - done)
    return _taken(tf.concat([buffer, rest], 0), sizes.places + skipped)


def _taken(buffer: Tensor, places: Tensor) -> Tensor:
    # The shape of a SLICE of computed size would not be known before the model runs, which keeps
    # all that follows from XNNPACK. A STRIDED_SLICE copies element by element.
    rows = tf.gather(buffer, places)
    rows.set_shape([None, *buffer.shape[1:]])
    return rows
