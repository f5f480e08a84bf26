"""Make a flatbuffer small: each constant once, no empty buffers, no names that nobody reads.

The converter writes one buffer a tensor, constants of equal content in several places, and the
full path of each op as the name of its result. The pass ensures that equal buffers are one, that
buffer 0 serves all tensors without content, and that only inputs and outputs keep a name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def compact(model: Any) -> None:
    """Rewrite buffers and names, in place."""
    empty = schema.BufferT()
    buffers = [empty]
    places: dict[bytes, int] = {}
    moved: dict[int, int] = {}

    def place(index: int) -> int:
        if index not in moved:
            buffer = model.buffers[index]
            content = b"" if buffer.data is None else np.asarray(buffer.data, np.uint8).tobytes()
            if not content:
                moved[index] = 0
            else:
                if content not in places:
                    places[content] = len(buffers)
                    buffers.append(buffer)
                moved[index] = places[content]
        return moved[index]

    for subgraph in model.subgraphs:
        kept = (
            {int(t) for t in [*subgraph.inputs, *subgraph.outputs]}
            if subgraph is model.subgraphs[0]
            else set()
        )
        for index, tensor in enumerate(subgraph.tensors):
            tensor.buffer = place(tensor.buffer)
            if index not in kept:
                tensor.name = None if not tensor.isVariable else tensor.name
    for entry in model.metadata or []:
        entry.buffer = place(entry.buffer)
    model.metadataBuffer = None
    model.buffers = buffers
