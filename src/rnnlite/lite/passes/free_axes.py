"""Mark axes as free where the official converter wrote -1 into a shape.

    shape (-1, 3, 5, 1), no shape signature    ->    shape (1, 3, 5, 1), signature (-1, 3, 5, 1)

What enters: a model as the converter gives it, changed in place. What leaves: one that the runtime
loads. The runtime refuses sizes below zero in a shape; products of a matrix with an inner axis,
such as "ij,btjc->btic", end in such a RESHAPE.
"""

from __future__ import annotations

from rnnlite.lite.ir import FREE, Model


def mark_free_axes(model: Model) -> int:
    """Write free axes as 1 in shapes, and keep them free in signatures; gives how many values."""
    count = 0
    for graph in model.graphs:
        for value in graph.values:
            if FREE in value.shape:
                value.signature = value.dims
                value.shape = [1 if d == FREE else d for d in value.shape]
                count += 1
    return count
