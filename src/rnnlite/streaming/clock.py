"""Which rows of a chunk are there: which of them the whole sequence has.

A model that looks ahead gives its rows late: the first rows of its first chunk lie in front of the
sequence, and rows behind its end are computed too. Both kinds are not there (`rows`). The clock
tells them by two numbers, which are states of the stream: the steps that were fed, and the length
of the sequence.

What enters: `Rows`, and a chunk. What leaves: which rows of the chunk are there, the place of each
in the whole sequence, the length of the whole sequence. A state is made when a rule first asks for
its number. So a model all of whose rows are there has neither state.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import tensorflow as tf

from rnnlite.scan.tensors import Count, Tensor
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.states import States

ENDLESS = (1 << 31) - 1
"""The end of a sequence whose end is not known."""

SATURATED = 1 << 30
"""Steps are counted up to here: beyond every delay, and far from an overflow."""

LAYER = "stream"
STEPS, END = "steps", "end"


class Clock:
    """Counts the steps of a stream.

    Args:
        states: where the counts are kept.
        tail: whether steps are fed beyond the end of a sequence, until its last, late rows have
            come.
        chunk: an input of the function of a chunk, one row a step; and its axis of time.
    """

    def __init__(self, states: States, *, tail: bool, chunk: tuple[Tensor, int]) -> None:
        self._states, self._tail = states, tail
        self._chunk, self._axis = chunk
        self._steps: Tensor | None = None
        self._end: Tensor | None = None
        self._there: dict[Rows, Tensor] = {}
        self._bounds: list[Tensor] = []

    def steps(self) -> Tensor:
        """Steps fed before this chunk, (1,)."""
        if self._steps is None:
            name, self._steps = self._states.take(LAYER, STEPS, [1], tf.int32, batch_axis=None)
            after = tf.minimum(self._steps + self._count(), SATURATED)
            self._states.give(name, after)
        return self._steps

    def end(self) -> Tensor:
        """Steps of the whole sequence, `ENDLESS` until it ends, (1,)."""
        if self._end is None:
            name, self._end = self._states.take(
                LAYER, END, [1], tf.int32, initial=ENDLESS, batch_axis=None
            )
            self._states.give(name, self._end)
        return self._end

    def begins(self) -> Tensor:
        """Whether this is the first chunk, (1,)."""
        return tf.equal(self.steps(), 0)

    def _count(self) -> Tensor:
        size = self._chunk.shape[self._axis]
        if size is not None:
            return tf.constant([int(size)], tf.int32)
        return tf.shape(self._chunk)[self._axis : self._axis + 1]

    def all_there(self, rows: Rows) -> bool:
        """Whether every row of every chunk is there, so that nothing has to be counted."""
        return rows.delay == 0 and not self._tail and rows.most is None

    def bound(self, most: Tensor) -> int:
        """Keep a largest number of rows (1,) that is given; gives its index, for `Rows.most`."""
        self._bounds.append(most)
        return len(self._bounds) - 1

    def index(self, rows: Rows, count: Count) -> Tensor:
        """The place of each row of a chunk in the whole sequence's tensor, (count,)."""
        return tf.range(count) + (_rows_in(self.steps(), rows) - rows.delay)

    def there(self, rows: Rows, count: Tensor) -> Tensor:
        """Which rows of a chunk are there, bool (count,).

        Args:
            count: rows of the chunk.
        """
        key = replace(rows, axis=0)
        if key not in self._there:
            # In parts of 1/rate of a step of the inputs: so nothing is divided, which not every
            # runtime does in integers.
            begin = _times(self.steps(), rows.rate)
            step = tf.range(count) * rows.stride + (begin - rows.delay * rows.stride)
            found = [tf.greater_equal(step, 0)] if rows.delay else []
            if self._tail:
                found.append(tf.less(step, self._far(rows) + (1 - rows.stride)))
            if rows.most is not None:
                found.append(tf.less(self.index(rows, count), self._bounds[rows.most]))
            self._there[key] = functools.reduce(tf.logical_and, found)
        return self._there[key]

    def length(self, rows: Rows) -> Tensor:
        """Rows of the whole sequence, (1,)."""
        far = self._far(rows)
        found = far // rows.stride if rows.stride > 1 else far
        return found if rows.most is None else tf.minimum(found, self._bounds[rows.most])

    def _far(self, rows: Rows) -> Tensor:
        """The whole length, and what the rows add, in parts of 1/rate of a step, (1,)."""
        end = _times(self.end(), rows.rate, ENDLESS)
        if rows.add > 0:
            # Endless as it is: nothing may be added.
            end = tf.minimum(end, ENDLESS - rows.add)
        return end + rows.add if rows.add else end

    def given(self, rows: Rows) -> Tensor:
        """How many rows were there in all chunks up to the end of this one, int32 (1,)."""
        after = self.steps() + self._count()
        found = _rows_in(after, rows) - rows.delay
        if self._tail:
            found = tf.minimum(found, self.length(rows))
        elif rows.most is not None:
            found = tf.minimum(found, self._bounds[rows.most])
        return tf.maximum(found, 0)

    def count(self, rows: Rows) -> Count:
        """The number of rows of a chunk: an int, or a scalar."""
        size = self._chunk.shape[self._axis]
        if size is not None:
            return int(size) * rows.rate // rows.stride
        return _rows_in(tf.shape(self._chunk)[self._axis], rows)


def _rows_in(steps: Tensor, rows: Rows) -> Tensor:
    """How many rows so many steps give, a multiple of the stride."""
    return _times(steps // rows.stride if rows.stride > 1 else steps, rows.rate)


def _times(count: Tensor, rate: int, most: int = SATURATED) -> Tensor:
    """A count that many times, up to the most that a count goes."""
    return count if rate == 1 else tf.minimum(count, most // rate) * rate
