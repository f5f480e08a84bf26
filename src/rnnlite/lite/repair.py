"""Repair what the official converter leaves: loop bodies, and casts of token ids to float and back.

The WHILE kernel copies a body's results into its arguments one after the other. A body that returns
another of its own arguments (a swap, a delay line) is therefore corrupted, and a real op in between
is needed. The pass enters such an op; it ensures that every result of a body is the argument at the
same place or is made by an op.

Keras 2 declares token ids as float and casts them to integers in the Embedding. Converted with an
integer input this is CAST to float, CAST back; the pair is taken out.
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


def drop_cast_pairs(model: Any) -> None:
    """Read integers straight where they were cast to float and back, in place."""
    for content in model.subgraphs:
        casts: dict[int, int] = {}
        for op in content.operators or []:
            if flatbuffer.op_name(model, op) == "CAST":
                source, result = int(op.inputs[0]), int(op.outputs[0])
                origin = casts.get(source, source)
                types = [
                    flatbuffer.dtype_name(content.tensors[t]) for t in (origin, source, result)
                ]
                if types == [types[2], "float32", types[2]] and types[2].startswith("int"):
                    _read_instead(content, result, origin)
                casts[result] = origin if types[0].startswith("int") else result
        _drop_dead_casts(model, content)


def _read_instead(content: Any, old: int, new: int) -> None:
    for op in content.operators:
        op.inputs = [new if int(t) == old else int(t) for t in op.inputs]


def _drop_dead_casts(model: Any, content: Any) -> None:
    operators = list(content.operators or [])
    while True:
        used = {int(t) for op in operators for t in op.inputs} | {int(t) for t in content.outputs}
        kept = [
            op
            for op in operators
            if flatbuffer.op_name(model, op) != "CAST" or int(op.outputs[0]) in used
        ]
        if len(kept) == len(operators):
            break
        operators = kept
    content.operators = operators


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
