"""Where the rows of a tensor stand in a stream. Data, without TensorFlow.

What enters: the rows of an input, and the window of an op. What leaves: the rows of its result.

A tensor with a time axis gives, for each chunk of the inputs, so many rows of its own; counted from
the start of the stream, row t of these is row t - `delay` of the tensor that the whole sequence
would give. Rows before the first and behind the last are not there: what stands for them is
arbitrary, finite or not, and nobody may step on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Rows:
    """How the rows of a tensor follow from the steps of the inputs.

    Attributes:
        axis: of time.
        stride: steps of the inputs a row.
        delay: rows by which the stream is late; never negative.
        add: N steps of the inputs give floor((N + add) / stride) rows in all.
        most: where a given number bounds them, which one, as the clock counts them.
    """

    axis: int
    stride: int = 1
    delay: int = 0
    add: int = 0
    most: int | None = None

    def at(self, axis: int) -> Rows:
        """The same with time on another axis."""
        return replace(self, axis=axis)

    def length(self, steps: int) -> int:
        """How many rows a sequence of so many steps gives."""
        return max((steps + self.add) // self.stride, 0)

    def given(self, steps: int) -> int:
        """How many rows are final when so many steps have been fed and the end is not known."""
        return max(steps // self.stride - self.delay, 0)

    def lacking(self, steps: int) -> int:
        """How many further steps are to be fed for the last row of a sequence to be given."""
        return max((self.length(steps) + self.delay) * self.stride - steps, 0)

    def merged(self, other: Rows) -> Rows:
        """Of a result that waits for both: the later, and the shorter, of two."""
        stride = math.lcm(self.stride, other.stride)
        delay = max(-(-r.delay * r.stride // stride) for r in (self, other))
        return Rows(self.axis, stride, delay, min(self.add, other.add))


@dataclass(frozen=True)
class Window:
    """A window that moves along time.

    Attributes:
        width: rows it spans, dilation included.
        stride: rows that it moves by.
        before, behind: rows of padding.
    """

    width: int
    stride: int = 1
    before: int = 0
    behind: int = 0

    @property
    def _reach(self) -> int:
        return self.width - 1 - self.before

    def waits(self, rows: Rows) -> int:
        """Rows by which the input has to be late, further than it is, for a result never to come
        before the stream begins."""
        return max(-(self._reach + rows.delay), 0)

    def kept(self, rows: Rows) -> int:
        """Rows of the chunks before that the windows of a chunk see. Negative: so many rows at the
        front of a chunk are seen by none."""
        return self.width - 1 - (rows.delay + self._reach) % self.stride

    def over(self, rows: Rows) -> Rows:
        """The rows that it gives."""
        pad = self.before + self.behind - self.width + self.stride
        return Rows(
            rows.axis,
            rows.stride * self.stride,
            (rows.delay + self._reach) // self.stride,
            rows.add + rows.stride * pad,
        )


def same(width: int, stride: int, rows: Rows) -> tuple[int, int]:
    """Rows of padding of a window that pads for one place a stride ("SAME").

    The number of steps is a multiple of all strides, so what is left over is always as much.

    Args:
        width: dilation included.
    """
    left = (rows.add // rows.stride) % stride or stride
    total = max(width - left, 0)
    return total // 2, total - total // 2
