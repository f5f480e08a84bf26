"""How large an int8 file may be, as finer weights make it larger.

What enters: a float model. What leaves: bytes. How loops are laid out in small files is decided
before there is one (`lowering.size_model`).
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import flatbuffer

BYTES_A_WEIGHT = 1.15
FREE_BYTES = 30_000


def largest_file(model: Any) -> float:
    """Bytes that an int8 file of a float model may have: 1.15 a weight, and 30 kB."""
    sizes: dict[int, int] = {}
    for content in model.subgraphs:
        for tensor in content.tensors:
            data = flatbuffer.content(model, tensor)
            if data is not None and flatbuffer.dtype_name(tensor) == "float32":
                sizes[hash(bytes(data))] = len(data) // 4
    return BYTES_A_WEIGHT * sum(sizes.values()) + FREE_BYTES
