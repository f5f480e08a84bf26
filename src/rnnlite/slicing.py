"""The axes that a StridedSlice makes and keeps, read off its masks. Pure integers.

What enters: the masks of a slice, and how many entries it has. What leaves: which entries make
axes, and where these are put in.

An entry k of a slice (begin[k], end[k], stride[k]) takes an axis of the input, enters a new one of
size 1 (`new_axis`), or stands for all axes that no other entry names (`ellipsis`); `shrink_axis`
drops the axis that it takes. Bit k of each mask says so; where several say something of one entry,
the ellipsis wins, then the new axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MASKS = ("new_axis", "shrink_axis", "ellipsis")


class _Integer(Protocol):
    """An attribute of a node that holds an integer."""

    @property
    def i(self) -> int: ...


class _Attributes(Protocol):
    """The attributes of a node by name."""

    def __getitem__(self, name: str, /) -> _Integer: ...


class SliceNode(Protocol):
    """A StridedSlice as a NodeDef holds it."""

    @property
    def attr(self) -> _Attributes:
        """Its attributes."""
        ...


@dataclass(frozen=True)
class Masks:
    """The masks of a slice that concern whole axes, one bit an entry."""

    new_axis: int = 0
    shrink_axis: int = 0
    ellipsis: int = 0


@dataclass(frozen=True)
class SplitAxes:
    """What remains of a slice when its new axes are entered behind it.

    Attributes:
        entered: where a slice enters axes, in its result; those behind an ellipsis from the end.
        kept: the entries that stay.
    """

    entered: list[int]
    kept: list[int]

    def order(self) -> list[int]:
        """In which to enter them: those in front of an ellipsis from the left, else the right."""
        return [a for a in self.entered if a >= 0] + [a for a in self.entered[::-1] if a < 0]


def masks_of(node: SliceNode) -> Masks:
    """The masks of a node."""
    return Masks(*(node.attr[f"{name}_mask"].i for name in MASKS))


def split_axes(masks: Masks, entries: int) -> SplitAxes:
    """Tell the entries of a slice that enter axes from the others."""
    ellipsis = next((k for k in range(entries) if masks.ellipsis >> k & 1), entries)
    new = [k for k in range(entries) if masks.new_axis >> k & 1 and not masks.ellipsis >> k & 1]
    shrinks = [k for k in range(entries) if masks.shrink_axis >> k & 1 and k not in new]
    entered = [
        k - sum(s < k for s in shrinks)
        if k < ellipsis
        else k - entries + sum(s > k for s in shrinks)
        for k in new
    ]
    return SplitAxes(entered, [k for k in range(entries) if k not in new])
