"""The structural check that every model passes before it is written.

What enters: a model. What leaves: nothing, or a refusal that names the first fault: a reference
that points nowhere, a value read before it is made, a constant of the wrong size, or places that
WHILE and IF tie together but that differ in type, rank, scale or zero point.
"""

from __future__ import annotations

from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer
from rnnlite.lite.control_flow import flows

BYTES = {
    "float32": 4,
    "float16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
}


def check_structure(model: Any) -> None:
    """Refuse a model that is not well formed.

    Raises:
        ModelError: with the first fault found.
    """
    fault = flatbuffer.fault(model) or _order_fault(model) or _size_fault(model)
    fault = fault or _flow_fault(model)
    if fault:
        raise ModelError(
            "the converted model is not well formed",
            found=fault,
            remedy="Please report it with the source model",
        )


def label(model: Any, subgraph: int, index: int) -> str:
    """How to call a tensor in a message."""
    tensor = model.subgraphs[subgraph].tensors[index]
    name = flatbuffer.text(tensor.name)
    return f"'{name}'" if name else f"tensor {index} of subgraph {subgraph}"


def grid(tensor: Any) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Scales and zero points of a tensor, empty for a float one."""
    found = tensor.quantization
    if found is None or found.scale is None:
        return (), ()
    zeros = found.zeroPoint if found.zeroPoint is not None else []
    return tuple(map(float, found.scale)), tuple(map(int, zeros))


def _order_fault(model: Any) -> str:
    for s, content in enumerate(model.subgraphs):
        made = {int(t) for t in content.inputs}
        made |= {
            t
            for t, tensor in enumerate(content.tensors)
            # A constant without elements, such as the shape of a scalar, holds no bytes.
            if flatbuffer.content(model, tensor) is not None or tensor.isVariable or _empty(tensor)
        }
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            for t in map(int, op.inputs if op.inputs is not None else []):
                if t != -1 and t not in made:
                    return f"{name} reads {label(model, s, t)} before it is made"
            made |= {int(t) for t in op.outputs}
        for t in map(int, content.outputs):
            if t not in made:
                return f"{label(model, s, t)} is a result that nothing makes"
    return ""


def _empty(tensor: Any) -> bool:
    return tensor.shape is not None and any(int(d) == 0 for d in tensor.shape)


def _size_fault(model: Any) -> str:
    for s, content in enumerate(model.subgraphs):
        for t, tensor in enumerate(content.tensors):
            data = flatbuffer.content(model, tensor)
            width = BYTES.get(flatbuffer.dtype_name(tensor))
            if data is None or width is None:
                continue
            count = width
            for d in tensor.shape if tensor.shape is not None else []:
                count *= int(d)
            if len(data) != count:
                return f"{label(model, s, t)} holds {len(data)} bytes where {count} are due"
    return ""


def _flow_fault(model: Any) -> str:
    for flow in flows(model):
        for slot in flow.slots:
            tensors = [model.subgraphs[s].tensors[t] for s, t in slot]
            for what, values in (
                ("type", [flatbuffer.dtype_name(t) for t in tensors]),
                ("rank", [len(t.shape) if t.shape is not None else 0 for t in tensors]),
                ("scale or zero point", [grid(t) for t in tensors]),
            ):
                if any(v != values[0] for v in values):
                    return (
                        f"a {flow.name} of subgraph {flow.subgraph} ties tensors of different "
                        f"{what}: {', '.join(map(str, dict.fromkeys(values)))} "
                        f"({label(model, *slot[0])})"
                    )
    return ""
