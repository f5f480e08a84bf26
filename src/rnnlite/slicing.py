"""Which axes a StridedSlice inserts, and which it keeps, read off its masks. Pure integers.

What enters: the masks of a slice, and its number of entries. What leaves: the entries that insert
an axis, and where.

An entry k of a slice (begin[k], end[k], stride[k]) slices one axis of the input, inserts a new axis
of size 1 (`new_axis`), or stands for all axes that have no other entry (`ellipsis`). With
`shrink_axis`, an entry drops the axis that it slices. Bit k of each mask says which of these holds.
If several bits are set for an entry, the ellipsis wins, then the new axis.
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
        """The attributes of the node."""
        ...


@dataclass(frozen=True)
class Masks:
    """The masks of a slice that concern whole axes; each has one bit for each entry."""

    new_axis: int = 0
    shrink_axis: int = 0
    ellipsis: int = 0


@dataclass(frozen=True)
class SplitAxes:
    """A slice split in two: one without new axes, and the axes inserted in its result.

    Attributes:
        entered: the places of the new axes in the result; those behind an ellipsis are negative,
            counted from the end.
        kept: the entries of the slice without new axes.
    """

    entered: list[int]
    kept: list[int]

    def order(self) -> list[int]:
        """The new axes in the order to insert them: places from 0 on, then the negative ones."""
        return [a for a in self.entered if a >= 0] + [a for a in self.entered[::-1] if a < 0]


def masks_of(node: SliceNode) -> Masks:
    """The masks of a node."""
    return Masks(*(node.attr[f"{name}_mask"].i for name in MASKS))


def split_axes(masks: Masks, entries: int) -> SplitAxes:
    """Split a slice of so many entries into one without new axes, and the new axes."""
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
