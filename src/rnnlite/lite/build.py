"""Put together ops of a subgraph: the tensors they make are added as they are asked for.

What enters: a model and one of its subgraphs, or the name of a new one. What leaves: a list of ops
in order, whose place in the subgraph the caller chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from rnnlite.lite.edit import Array, dtype_code, new_constant, new_op

OPTIONS = {
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "ADD": "AddOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CUMSUM": "CumsumOptions",
    "DYNAMIC_UPDATE_SLICE": "DynamicUpdateSliceOptions",
    "FILL": "FillOptions",
    "FLOOR_DIV": "FloorDivOptions",
    "GATHER": "GatherOptions",
    "IF": "IfOptions",
    "LESS": "LessOptions",
    "LOGICAL_AND": "LogicalAndOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "PACK": "PackOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "REDUCE_MAX": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SHAPE": "ShapeOptions",
    "SLICE": "SliceOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "UNPACK": "UnpackOptions",
    "WHILE": "WhileOptions",
}
"""The table of options of each op that can be built."""

VERSIONS = {"GATHER": 2, "LESS": 2, "REDUCE_MAX": 2, "SLICE": 2, "SUB": 2}


class Builder:
    """Makes ops and tensors of one subgraph.

    Args:
        model: gets op codes and constants.
        content: the subgraph.
    """

    def __init__(self, model: Any, content: Any) -> None:
        self.model, self.content = model, content
        self.ops: list[Any] = []
        self._constants: dict[Any, int] = {}

    @classmethod
    def new(cls, model: Any, name: str) -> tuple[Builder, int]:
        """A builder of a new subgraph, and its index; its ops go straight into it."""
        content = schema.SubGraphT()
        content.name = name.encode()
        content.tensors, content.inputs, content.outputs = [], [], []
        builder = cls(model, content)
        content.operators = builder.ops
        model.subgraphs.append(content)
        return builder, len(model.subgraphs) - 1

    def tensor(
        self, shape: Sequence[int], dtype: str = "int32", grid: Any = None, *, free: bool = False
    ) -> int:
        """A tensor; `free`: its first axis has any size, the one given being a placeholder."""
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.shapeSignature = [-1, *shape[1:]] if free else None
        tensor.type = dtype_code(dtype)
        tensor.quantization = grid
        tensor.buffer = 0
        tensor.hasRank = True
        self.content.tensors.append(tensor)
        return len(self.content.tensors) - 1

    @staticmethod
    def dtype(name: str) -> int:
        """The schema's number of a dtype, for fields of options."""
        return dtype_code(name)

    def argument(self, *args: Any, **options: Any) -> int:
        """A tensor that is an input of the subgraph."""
        index = self.tensor(*args, **options)
        self.content.inputs.append(index)
        return index

    def constant(self, values: Any, dtype: str = "int32", grid: Any = None) -> int:
        """A constant tensor; equal ones are made once."""
        array: Array = np.asarray(values, dtype)
        key = dtype, array.shape, array.tobytes(), id(grid)
        if key not in self._constants:
            self._constants[key] = new_constant(self.model, self.content, array, grid=grid)
        return self._constants[key]

    def add(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **fields: Any) -> None:
        """An op that writes given tensors."""
        version = VERSIONS.get(name, 1)
        options = OPTIONS[name]
        op = new_op(self.model, name, inputs, outputs, version=version, options=options, **fields)
        self.ops.append(op)

    def make(
        self, name: str, inputs: Sequence[int], shape: Sequence[int] = (), **options: Any
    ) -> int:
        """An op with one result.

        Args:
            name: e.g. "ADD".
            inputs: tensor indices.
            shape: of the result.
            options: dtype, grid and free of the result, and fields of the op's options.
        """
        kinds = {k: options.pop(k) for k in ("dtype", "grid", "free") if k in options}
        result = self.tensor(shape, **kinds)
        self.add(name, inputs, [result], **options)
        return result
