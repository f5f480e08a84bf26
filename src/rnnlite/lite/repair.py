"""Make WHILE bodies safe for the runtime's copy order.

The WHILE kernel copies a body's results into its arguments one after the other. A body that returns
another of its own arguments (a swap, a delay line) is therefore corrupted, and a real op in between
is needed. The pass enters such an op; it ensures that every result of a body is the argument at the
same place or is made by an op.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_op


def separate_loop_results(model: Any) -> int:
    """Copy each argument that a loop body returns at another place; gives how many were copied.

    The copy is a CONCATENATION of one tensor, which keeps any type, rank and quantization.
    """
    copies = 0
    for body_index in sorted({body for _, _, _, body in flatbuffer.loops(model)}):
        body = model.subgraphs[body_index]
        arguments = [int(t) for t in body.inputs]
        results = [int(t) for t in body.outputs]
        for place, tensor in enumerate(results):
            if tensor in arguments and arguments[place] != tensor:
                results[place] = _copied(model, body, tensor)
                copies += 1
        body.outputs = results
    return copies


def _copied(model: Any, subgraph: Any, tensor: int) -> int:
    source = subgraph.tensors[tensor]
    copy = deepcopy(source)
    copy.name = flatbuffer.text(source.name) + "_copy"
    subgraph.tensors.append(copy)
    result = len(subgraph.tensors) - 1
    if len(source.shape if source.shape is not None else []) == 0:
        # A scalar has no axis to concatenate along.
        op = new_op(model, "RESHAPE", [tensor], [result], options="ReshapeOptions", newShape=[])
    else:
        op = new_op(model, "CONCATENATION", [tensor], [result], options="ConcatenationOptions")
    subgraph.operators = [*(subgraph.operators or []), op]
    return result
