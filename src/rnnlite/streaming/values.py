"""What a tensor of the whole-sequence function is in the function of a chunk.

What enters: a tensor of the function of a chunk, and what it holds of the whole. What leaves: a
`Value`, of one of five kinds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from rnnlite.errors import StreamingError
from rnnlite.lengths.facts import Content
from rnnlite.lengths.sizes import Size
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.rows import Rows


@dataclass(frozen=True, eq=False)
class Static:
    """A tensor that is the same in every chunk: made of constants and of inputs without time.

    Attributes:
        tensor: in the function of a chunk.
    """

    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Fold:
    """An axis that a RESHAPE folded time and other axes into, as in front of a Dense layer.

    Attributes:
        time: the length of the whole sequence, as a size.
        front, behind: how many places the folded axes in front of time have, and those behind it.
        count: rows of a chunk, an int or a scalar.
        place: the layer or op that folds, in words.
    """

    time: Size
    front: Size
    behind: Size
    count: Any
    place: str


@dataclass(frozen=True, eq=False)
class Timed:
    """A tensor with a time axis, of which each chunk gives some rows.

    Attributes:
        tensor: the rows of a chunk.
        rows: where these rows stand in the stream.
        before, behind: rows of padding in front of the sequence and behind it. The tensor does not
            hold them yet: a window that reads the value takes them as its own padding.
        pad: the number that the padding holds.
        dilation: n between a SpaceToBatchND and a BatchToSpaceND, which make a convolution of
            dilation n. Else 1.
        fold: the other axes that are folded into that of time; None where it is time alone. Only
            ops that compute each row alone take a folded value.
    """

    tensor: Tensor
    rows: Rows
    before: int = 0
    behind: int = 0
    pad: float = 0.0
    dilation: int = 1
    fold: Fold | None = None

    @property
    def plain(self) -> bool:
        """Whether the tensor is all: no padding is due, no dilation, nothing folded."""
        return not self.before and not self.behind and self.dilation == 1 and self.fold is None

    def at(self, axis: int, tensor: Tensor) -> Timed:
        """The same rows in another tensor, time on another axis."""
        return replace(self, tensor=tensor, rows=self.rows.at(axis))


@dataclass(frozen=True, eq=False)
class SoFar:
    """A result of the whole sequence, such as a sum over time, computed of the steps so far.

    Attributes:
        tensor: the result, in the function of a chunk.
        rows: the rows that the result was computed of; their axis means nothing here.
    """

    tensor: Tensor
    rows: Rows


@dataclass(frozen=True, eq=False)
class Sizes:
    """Integers that change with the length of the sequence: a shape, or what is computed of one.

    Attributes:
        content: an array of sizes, each a function of the free axes.
    """

    content: Content


@dataclass(frozen=True, eq=False)
class Bounded:
    """min(length, n), where an input gives n.

    Attributes:
        most: the index of n in the clock (`Clock.bound`).
    """

    most: int


WHOLE = "it needs the whole of time at each step"
"""Why an op is refused that combines a step with other steps, or with a result of all steps."""

Value: TypeAlias = Static | Timed | SoFar | Sizes | Bounded

TURNED = "it turns the sequence round, whose end has not come"
"""Why an op is refused that gives the last step first."""


def refused(place: str, why: str, found: str = "") -> StreamingError:
    """The refusal of an op.

    Args:
        place: the layer or op, in words.
        why: what it does that a stream cannot.
        found: details.
    """
    return StreamingError(
        f"{place} cannot be streamed: {why}",
        found=found,
        remedy="Stream the part of the model in front of it, or convert without streaming",
    )
