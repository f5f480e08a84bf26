"""Sliding windows (`Tensor.unfold`) over an axis of any size, which the exporter does not know.

What enters: a tensor, an axis, the size of a window and the distance between windows. What leaves:
the windows along a new last axis, by ops that can be exported with free axes. Imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

MOST_SLICES = 16
"""Windows up to this size are made of slices, which streams know; larger ones are gathered."""


@contextmanager
def exportable() -> Iterator[None]:
    """Replace `Tensor.unfold` by ops that the exporter knows."""
    torch.Tensor.unfold = unfolded
    try:
        yield
    finally:
        # The method itself is in the base class.
        del torch.Tensor.unfold


def unfolded(x: torch.Tensor, dimension: int, size: int, step: int) -> torch.Tensor:
    """All windows of `size` along an axis, `step` apart, as a new last axis."""
    axis = dimension % x.dim()
    last = x.shape[axis] - size
    if size <= MOST_SLICES:
        front = (slice(None),) * axis
        parts = [x[(*front, slice(k, last + k + 1, step))] for k in range(size)]
        return torch.stack(parts, -1)
    first = torch.arange(0, last + 1, step)
    places = first[:, None] + torch.arange(size)
    rows = x.index_select(axis, places.flatten())
    return rows.unflatten(axis, (-1, size)).movedim(axis + 1, -1)
