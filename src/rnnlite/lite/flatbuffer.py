"""Read, edit and write LiteRT flatbuffers: the one place that touches the schema.

What enters: bytes. What leaves: a mutable object tree (`ModelT` of the official schema), and
helpers that name what a reader wants to know: op names, tensor types, loops.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from rnnlite.errors import ModelError
from rnnlite.lite.packing import IDENTIFIER, pack
from rnnlite.lite.packing import NOTES as NOTES
from rnnlite.lite.packing import plain as plain

RECORD = "rnnlite"
"""Name of the metadata buffer that rnnlite writes."""

GUARDED = "guarded_copies"
"""Key in it: an interpreter that has run the file may go on to larger inputs (`lite.borders`)."""


def _names(enum: type) -> dict[int, str]:
    return {v: k for k, v in vars(enum).items() if isinstance(v, int) and not k.startswith("_")}


_OPS = _names(schema.BuiltinOperator)
_TYPES = _names(schema.TensorType)


def read(data: bytes) -> Any:
    """Parse a flatbuffer.

    Raises:
        ModelError: the bytes are no LiteRT model, or a truncated one.
    """
    if len(data) < 16 or data[4:8] != IDENTIFIER:
        raise ModelError(
            "this is no LiteRT model",
            expected="a flatbuffer with the identifier TFL3",
            found=f"{len(data)} bytes beginning with {bytes(data[:8])!r}",
        )
    try:
        model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    except Exception as e:
        raise ModelError(
            "the LiteRT model is truncated or damaged",
            found=f"{len(data)} bytes",
            remedy="Convert or download it again",
        ) from e
    broken = fault(model)
    if broken:
        raise ModelError(
            "the LiteRT model is damaged", found=broken, remedy="Convert or download it again"
        )
    return model


def fault(model: Any) -> str:
    """The first reference in the model that points nowhere, in words; "" if there is none."""
    if not model.subgraphs or model.operatorCodes is None or not model.buffers:
        return "no subgraph, no op or no buffer"
    for k, subgraph in enumerate(model.subgraphs):
        count = len(subgraph.tensors or [])
        used = list(_indices(subgraph.inputs)) + list(_indices(subgraph.outputs))
        for op in subgraph.operators or []:
            if not 0 <= op.opcodeIndex < len(model.operatorCodes):
                return f"an op without a code in subgraph {k}"
            used += [*(t for t in _indices(op.inputs) if t != -1), *_indices(op.outputs)]
        if any(not 0 <= t < count for t in used):
            return f"an op of a tensor that is not there in subgraph {k}"
        if any(not 0 <= t.buffer < len(model.buffers) for t in subgraph.tensors or []):
            return f"a tensor of a buffer that is not there in subgraph {k}"
    for _, _, cond, body in loops(model):
        if not (min(cond, body) >= 0 and max(cond, body) < len(model.subgraphs)):
            return "a loop whose body is not there"
    for signature in model.signatureDefs or []:
        if not 0 <= signature.subgraphIndex < len(model.subgraphs):
            return "a signature of a subgraph that is not there"
        count = len(model.subgraphs[signature.subgraphIndex].tensors or [])
        maps = [*(signature.inputs or []), *(signature.outputs or [])]
        if any(not 0 <= m.tensorIndex < count for m in maps):
            return "a signature of a tensor that is not there"
    if any(not 0 <= m.buffer < len(model.buffers) for m in model.metadata or []):
        return "metadata without content"
    return ""


def _indices(values: Any) -> Iterator[int]:
    return (int(v) for v in (values if values is not None else []))


def write(model: Any) -> bytes:
    """Serialize the object tree; equal tensors, shapes, grids and options stand once."""
    return pack(model)


def text(value: Any) -> str:
    """A schema string, which may be bytes or missing."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def op_name(model: Any, op: Any) -> str:
    """The op's name, e.g. "FULLY_CONNECTED", or "CUSTOM:FlexTensorListStack"."""
    return code_name(model.operatorCodes[op.opcodeIndex])


def code_name(code: Any) -> str:
    """The same of an op code."""
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM:{text(code.customCode)}"
    return _OPS.get(builtin, f"OP_{builtin}")


def builtin(name: str) -> int:
    """The schema's number of a builtin op."""
    return int(getattr(schema.BuiltinOperator, name))


def dtype_name(tensor: Any) -> str:
    """NumPy-like name of a tensor's type, e.g. "float32"."""
    return _TYPES.get(tensor.type, str(tensor.type)).lower()


def operators(model: Any) -> Iterator[tuple[int, Any, str]]:
    """All ops: subgraph index, op, name."""
    for index, subgraph in enumerate(model.subgraphs):
        for op in subgraph.operators or []:
            yield index, op, op_name(model, op)


def loops(model: Any) -> Iterator[tuple[int, Any, int, int]]:
    """All WHILE ops: subgraph index, op, index of the cond subgraph, of the body subgraph."""
    for index, op, name in operators(model):
        if name == "WHILE":
            options = op.builtinOptions
            cond = getattr(options, "condSubgraphIndex", len(model.subgraphs))
            body = getattr(options, "bodySubgraphIndex", len(model.subgraphs))
            yield index, op, cond, body


def opcode(model: Any, number: int, version: int = 1) -> int:
    """Index of the operator code of a builtin op, added if it is missing."""
    for k, code in enumerate(model.operatorCodes):
        found = max(code.builtinCode, code.deprecatedBuiltinCode)
        if found == number and code.version >= version:
            return k
    code = schema.OperatorCodeT()
    code.builtinCode = number
    code.deprecatedBuiltinCode = min(number, 127)
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def content(model: Any, tensor: Any) -> Any:
    """The bytes of a constant, None for any other tensor."""
    data = model.buffers[tensor.buffer].data
    return None if data is None or len(data) == 0 else data


def buffer_sizes(model: Any) -> list[int]:
    """Bytes of each constant buffer."""
    return [0 if b.data is None else len(b.data) for b in model.buffers]


def metadata(model: Any, name: str) -> bytes | None:
    """The named metadata buffer."""
    for entry in model.metadata or []:
        if text(entry.name) == name:
            data = model.buffers[entry.buffer].data
            return None if data is None else bytes(bytearray(data))
    return None


def record(model: Any) -> dict[str, Any]:
    """What rnnlite stored on converting: version, origin, recurrences, ...; empty for other files.

    Raises:
        ModelError: it is damaged.
    """
    content = metadata(model, RECORD)
    if content is None:
        return {}
    try:
        found = json.loads(content)
    except ValueError as e:
        raise ModelError("the LiteRT model is damaged", found=f"metadata '{RECORD}': {e}") from e
    return found if isinstance(found, dict) else {}


def set_metadata(model: Any, name: str, content: bytes) -> None:
    """Store a named metadata buffer, in place of one of the same name."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.metadata = [m for m in model.metadata or [] if text(m.name) != name]
    entry = schema.MetadataT()
    entry.name = name
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata.append(entry)
