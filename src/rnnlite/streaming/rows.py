"""Where the rows of a tensor stand in a stream. Data, without TensorFlow.

What enters: the rows of an input, and the window of an op. What leaves: the rows of its result.

In the function of a chunk, a tensor with a time axis has some rows for each chunk. Count these rows
from the start of the stream: row t is row t - `delay` of the tensor that the whole sequence would
give. Rows in front of its first row and behind its last one are "not there": their numbers are
arbitrary, finite or not, and no op may let them reach a row that is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Rows:
    """How the rows of a tensor follow from the steps of the inputs.

    Attributes:
        axis: of time.
        stride, rate: each `stride` steps of the inputs give `rate` rows; without common divisor.
        delay: rows by which the stream is late; never negative.
        add: N steps of the inputs give floor((rate * N + add) / stride) rows in all.
        most: where an input gives the largest number of rows: its index in the clock
            (`Clock.bound`). Else None.
        unit: steps of the inputs that a chunk is a multiple of, for what the rows are made of has
            strides of its own. It says nothing of where the rows stand.
    """

    axis: int
    stride: int = 1
    delay: int = 0
    add: int = 0
    most: int | None = None
    rate: int = 1
    unit: int = field(default=1, compare=False)

    @property
    def multiple(self) -> int:
        """Steps of the inputs that a chunk is a multiple of."""
        return math.lcm(self.stride, self.unit)

    @property
    def look_ahead(self) -> int:
        """Steps of the inputs by which the stream is late, a step begun as a whole one."""
        return -(-self.delay * self.stride // self.rate)

    def at(self, axis: int) -> Rows:
        """The same with time on another axis."""
        return replace(self, axis=axis)

    def first(self, steps: int) -> int:
        """The place in the whole sequence's tensor of the first row of a chunk, so many steps
        having been fed before; negative where that is not there."""
        return self.rate * steps // self.stride - self.delay

    def length(self, steps: int) -> int:
        """How many rows a sequence of so many steps gives."""
        return max((self.rate * steps + self.add) // self.stride, 0)

    def given(self, steps: int) -> int:
        """How many rows are final when so many steps have been fed and the end is not known."""
        return max(self.first(steps), 0)

    def lacking(self, steps: int) -> int:
        """How many further steps are to be fed for the last row of a sequence to be given."""
        wanted = (self.length(steps) + self.delay) * self.stride
        return max(-(-wanted // self.rate) - steps, 0)

    def merged(self, other: Rows) -> Rows:
        """The rows of a result that needs two tensors: as late as the later one of them, and as
        short as the shorter one."""
        both = (self, other)
        unit = math.lcm(self.unit, other.unit)
        add = min(self.add, other.add)
        if (self.stride, self.rate) == (other.stride, other.rate):
            delay = max(self.delay, other.delay)
            return Rows(self.axis, self.stride, delay, add, rate=self.rate, unit=unit)
        stride = math.lcm(self.stride, other.stride)
        delay = max(-(-r.delay * r.stride // (stride * r.rate)) for r in both)
        add = min(r.add // r.rate for r in both)
        return Rows(self.axis, stride, delay, add, unit=unit)

    def longer(self, count: int) -> Rows:
        """The same with so many rows more in all."""
        return replace(self, add=self.add + count * self.stride)

    def spread(self, times: int) -> Rows:
        """The rows of a result that has so many for each row."""
        return replace(
            self,
            delay=times * self.delay,
            add=times * self.stride * (self.add // self.stride),
            rate=times * self.rate,
        )._reduced()

    def stacked(self, many: int) -> Rows:
        """The rows of a result that has one for so many rows, which come late by a multiple of
        these."""
        common = math.gcd(many, self.rate)
        return replace(
            self,
            stride=self.stride * many // common,
            delay=self.delay // many,
            add=self.add // common,
            rate=self.rate // common,
            unit=self.multiple,
        )

    def _reduced(self) -> Rows:
        """The same, without common divisor of stride and rate. Chunks stay as long."""
        common = math.gcd(self.stride, self.rate)
        return replace(
            self,
            stride=self.stride // common,
            rate=self.rate // common,
            add=self.add // common,
            unit=self.multiple,
        )


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
        """Rows by which the input has to be delayed further, so that no result comes before the
        stream begins, as one of padding alone would."""
        return max(-(self._reach + rows.delay), 0)

    def kept(self, rows: Rows) -> int:
        """Rows of earlier chunks that the windows of a chunk see. Where negative, no window sees so
        many rows at the front of the chunk."""
        return self.width - 1 - (rows.delay + self._reach) % self.stride

    def over(self, rows: Rows) -> Rows:
        """The rows of the result of the window on these rows."""
        padded = rows.longer(self.before + self.behind - self.width + self.stride)
        return replace(
            padded,
            stride=rows.stride * self.stride,
            delay=(rows.delay + self._reach) // self.stride,
            most=None,
        )._reduced()


def same(width: int, stride: int, rows: Rows) -> tuple[int, int]:
    """Rows of padding, in front and behind, of a window with "SAME" padding.

    "SAME" padding depends on the remainder of length and stride. In a stream the number of steps
    is a multiple of all strides, so the remainder is known.

    Args:
        width: dilation included.
    """
    left = (rows.add // rows.stride) % stride or stride
    total = max(width - left, 0)
    return total // 2, total - total // 2
