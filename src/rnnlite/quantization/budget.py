"""How large an int8 file may be, where finer weights make it larger.

What enters: the float models of a file. What leaves: a number of bytes. Schedules for small files
are chosen before there is a file (`lowering.size_model`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lite.ir import Model

BYTES_A_WEIGHT = 1.15
FREE_BYTES = 30_000


def largest_file(models: Sequence[Model]) -> float:
    """Bytes that an int8 file of float models may have: 1.15 for each weight, and 30 kB."""
    sizes: dict[bytes, int] = {}
    for graph in (graph for model in models for graph in model.graphs):
        for value in graph.values:
            data = value.constant("float32")
            if data is not None:
                sizes[data.tobytes()] = data.size
    return BYTES_A_WEIGHT * sum(sizes.values()) + FREE_BYTES
