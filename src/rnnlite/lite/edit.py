"""Small edits of a model's object tree: new ops, new tensors, new constants.

What enters: a model and what to add. What leaves: the added op, or the index of the added tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import derive

Array = npt.NDArray[Any]


def new_op(
    model: Any,
    name: str,
    inputs: Sequence[int],
    outputs: Sequence[int],
    *,
    version: int = 1,
    options: str = "",
    **fields: Any,
) -> Any:
    """An op, not yet in any subgraph.

    Args:
        model: gets the op's code if it has none yet.
        name: e.g. "QUANTIZE".
        inputs, outputs: tensor indices.
        version: of the op.
        options: name of its options table, e.g. "AddOptions".
        fields: of the options table.
    """
    op = schema.OperatorT()
    op.opcodeIndex = flatbuffer.opcode(model, getattr(schema.BuiltinOperator, name), version)
    op.inputs, op.outputs = list(inputs), list(outputs)
    if options:
        op.builtinOptionsType = getattr(schema.BuiltinOptions, options)
        op.builtinOptions = getattr(schema, options + "T")()
        for field, value in fields.items():
            setattr(op.builtinOptions, field, value)
    return op


def at_version(model: Any, op: Any, version: int) -> None:
    """Raise the op's version, if it is lower."""
    code = model.operatorCodes[op.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    op.opcodeIndex = flatbuffer.opcode(model, builtin, max(code.version, version))


def new_tensor(content: Any, like: int, dtype: str, grid: Any = None) -> int:
    """A tensor without content, of the shape and name of another one in the same subgraph."""
    tensor = copy(content.tensors[like])
    derive(tensor, content.tensors[like])
    tensor.type = dtype_code(dtype)
    tensor.quantization = grid
    tensor.buffer = 0
    content.tensors.append(tensor)
    return len(content.tensors) - 1


def new_constant(
    model: Any, content: Any, values: Array, *, name: Any = None, grid: Any = None
) -> int:
    """A constant tensor."""
    tensor = schema.TensorT()
    tensor.name = name
    tensor.shape = list(values.shape)
    tensor.type = dtype_code(values.dtype.name)
    tensor.quantization = grid
    tensor.hasRank = True
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    content.tensors.append(tensor)
    return len(content.tensors) - 1


def parameters(scales: Any, zeros: Any = 0, axis: int = 0) -> Any:
    """The schema's quantization parameters: one scale, or one for each index of an axis."""
    table = schema.QuantizationParametersT()
    table.scale = np.atleast_1d(np.asarray(scales, np.float32))
    table.zeroPoint = np.zeros(len(table.scale), np.int64) + zeros
    table.quantizedDimension = axis
    return table


def dtype_code(dtype: str) -> int:
    """The schema's number of a NumPy dtype name."""
    return int(getattr(schema.TensorType, dtype.upper()))
