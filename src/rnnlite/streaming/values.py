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
    """The same in every chunk: of constants and of inputs without time.

    Attributes:
        tensor: in the function of a chunk.
    """

    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Fold:
    """Time merged with other axes into one, as a layer for single rows, such as Dense, reshapes a
    sequence.

    Attributes:
        time: how long time is in the whole sequence.
        front, behind: places of the axes in front of time that are in the same axis, and behind it.
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
    """It has a time axis, and a chunk gives some of its rows.

    Attributes:
        tensor: the rows of a chunk.
        rows: where they stand.
        before, behind: rows of padding that are still to be put around it; a window takes them in.
        pad: their value.
        dilation: n where SpaceToBatchND has moved time into the batch, every n-th row to one
            place: a convolution then has dilation n. Else 1.
        fold: what else is in the axis of time; None: nothing. Only ops that compute each row alone
            take it so.
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
        """Whether it stands as it is."""
        return not self.before and not self.behind and self.dilation == 1 and self.fold is None

    def at(self, axis: int, tensor: Tensor) -> Timed:
        """The same rows in another tensor, time on another axis."""
        return replace(self, tensor=tensor, rows=self.rows.at(axis))


@dataclass(frozen=True, eq=False)
class SoFar:
    """One result of the whole sequence, as of what is known of it so far.

    Attributes:
        tensor: in the function of a chunk.
        rows: of what it is the result of; its axis says nothing.
    """

    tensor: Tensor
    rows: Rows


@dataclass(frozen=True, eq=False)
class Sizes:
    """Numbers that follow from the length of the sequence: shapes, and what is made of them.

    Attributes:
        content: as functions of the free axes.
    """

    content: Content


@dataclass(frozen=True, eq=False)
class Bounded:
    """The length of the sequence, or a given number where that is less.

    Attributes:
        most: which number, as the clock counts them.
    """

    most: int


WHOLE = "it needs the whole of time at each step"
"""Why an op is refused that combines a step with others, or with what is made of all steps."""

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
