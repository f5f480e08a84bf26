"""Make a flatbuffer small: each constant once, nothing that nobody reads.

The converter writes one buffer a tensor, and constants of equal content in several places. The pass
ensures that equal buffers are one, that buffer 0 serves all tensors without content, that subgraphs
are named by their number (the converter counts through a process, so that the same model would give
different files), and that every tensor and every op code is in use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def compact(model: Any) -> None:
    """Rewrite tensors, buffers and op codes, in place."""
    for subgraph in model.subgraphs:
        _drop_unused_tensors(model, subgraph)
    _drop_unused_codes(model)
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

    for index, subgraph in enumerate(model.subgraphs[1:], 1):
        subgraph.name = f"subgraph_{index}"
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = place(tensor.buffer)
            # It tells a scalar from what has no known rank, and costs space elsewhere.
            tensor.hasRank = tensor.shape is None or len(tensor.shape) == 0
            if tensor.quantization is not None and is_empty(tensor.quantization):
                tensor.quantization = None
    for entry in model.metadata or []:
        entry.buffer = place(entry.buffer)
    model.metadataBuffer = None
    model.buffers = buffers


def is_empty(grid: Any) -> bool:
    """Whether quantization parameters say nothing: the converter gives them to all tensors."""
    fields = (grid.scale, grid.zeroPoint, grid.min, grid.max, grid.details)
    return all(f is None or (not isinstance(f, int) and len(f) == 0) for f in fields)


def _drop_unused_tensors(model: Any, subgraph: Any) -> None:
    """Remove tensors that no op, input or output names."""
    used = {int(t) for t in [*subgraph.inputs, *subgraph.outputs]}
    for op in subgraph.operators or []:
        used |= {int(t) for t in op.inputs if int(t) >= 0}
        used |= {int(t) for t in op.outputs}
        used |= {int(t) for t in op.intermediates if int(t) >= 0} if op.intermediates else set()
    if len(used) == len(subgraph.tensors):
        return
    order = sorted(used)
    places = {old: new for new, old in enumerate(order)}
    places[-1] = -1
    subgraph.tensors = [subgraph.tensors[old] for old in order]
    subgraph.inputs = [places[int(t)] for t in subgraph.inputs]
    subgraph.outputs = [places[int(t)] for t in subgraph.outputs]
    for op in subgraph.operators or []:
        op.inputs = [places[int(t)] for t in op.inputs]
        op.outputs = [places[int(t)] for t in op.outputs]
        if op.intermediates:
            op.intermediates = [places[int(t)] for t in op.intermediates]
    for signature in model.signatureDefs or []:
        if model.subgraphs[signature.subgraphIndex] is subgraph:
            for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
                entry.tensorIndex = places[int(entry.tensorIndex)]


def _drop_unused_codes(model: Any) -> None:
    used = sorted({op.opcodeIndex for s in model.subgraphs for op in s.operators or []})
    places = {old: new for new, old in enumerate(used)}
    model.operatorCodes = [model.operatorCodes[old] for old in used]
    for subgraph in model.subgraphs:
        for op in subgraph.operators or []:
            op.opcodeIndex = places[op.opcodeIndex]
