"""Put ops that have no integer kernel together from ops that have one, while all is still float.

What enters: a float model, changed in place. What leaves: an equal one. Done before calibration, so
that the parts have ranges of their own.

    NEG(x)                    x * -1
    SQUARE(x)                 x * x
    ZEROS_LIKE(x)             FILL(SHAPE(x), 0)
    CAST(x) to boolean        x != 0
    CAST(n) of an integer     CAST(min(max(n, -32767), 32767))
    GATHER(table, ids)        GATHER(rows, ids) * GATHER(scales, ids)   (not in int8)
    SQUARED_DIFFERENCE(x, y)  d * d with d = x - y               (int16)
    ELU(x)                    relu(x) + exp(min(x, 0)) - 1       (int16)
    HARD_SWISH(x)             x * relu6(x + 3) / 6               (int16)
    RELU_0_TO_1(x)            min(relu(x), 1)                    (int16)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.control_flow import in_loops
from rnnlite.lite.edit import new_constant, new_op, new_tensor
from rnnlite.quantization.clip import soften_masks
from rnnlite.quantization.grid import Array
from rnnlite.quantization.plan import Precision, constant, is_float


def decompose(model: Any, precision: Precision) -> None:
    """Rewrite all ops of the list above that touch float values, in place.

    Args:
        model: the float model.
        precision: the type that each op will compute in.
    """
    soften_masks(model)
    if precision("GATHER", False) == "int16":
        scale_rows(model)
    loops = in_loops(model)
    for index, content in enumerate(model.subgraphs):
        parts = _Parts(model, content)
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            rule = ALWAYS.get(name)
            if rule is None and precision(name, index in loops) == "int16":
                rule = FOR_INT16.get(name)
            places = [(index, int(t)) for t in [*op.inputs, *op.outputs]]
            if rule is None or not any(is_float(model, p) for p in places):
                parts.ops.append(op)
            else:
                rule(parts, op)
        content.operators = parts.ops


class _Parts:
    """The new list of ops of one subgraph, and short ways to add to it."""

    def __init__(self, model: Any, content: Any) -> None:
        self.model = model
        self.content = content
        self.ops: list[Any] = []

    def add(
        self,
        name: str,
        inputs: list[int],
        result: int | None = None,
        options: str = "",
        **fields: Any,
    ) -> int:
        """An op on tensors of one shape; its result is new unless one is given."""
        target = new_tensor(self.content, inputs[0], "float32") if result is None else result
        self.ops.append(new_op(self.model, name, inputs, [target], options=options, **fields))
        return target

    def number(self, value: float) -> int:
        """A scalar constant."""
        return new_constant(self.model, self.content, np.array(value, np.float32))


def _operands(op: Any) -> tuple[int, int]:
    return int(op.inputs[0]), int(op.outputs[0])


def _negative(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MUL", [x, parts.number(-1.0)], y, "MulOptions")


def _square(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MUL", [x, x], y, "MulOptions")


def _zeros(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    rank = len(parts.content.tensors[x].shape)
    shape = new_constant(parts.model, parts.content, np.zeros(rank, np.int32))
    parts.content.tensors[shape].buffer = 0
    parts.ops.append(new_op(parts.model, "SHAPE", [x], [shape], options="ShapeOptions", outType=2))
    zero = parts.number(0.0)
    parts.ops.append(new_op(parts.model, "FILL", [shape, zero], [y], options="FillOptions"))


def _cast(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    if flatbuffer.dtype_name(parts.content.tensors[x]) in ("int32", "int64"):
        op.inputs = [_clamped(parts, x)]
    if flatbuffer.dtype_name(parts.content.tensors[y]) != "bool":
        parts.ops.append(op)
        return
    parts.add("NOT_EQUAL", [x, parts.number(0.0)], y, "NotEqualOptions")


def _clamped(parts: _Parts, x: int) -> int:
    dtype = flatbuffer.dtype_name(parts.content.tensors[x])
    for name, limit in (("MINIMUM", 32767), ("MAXIMUM", -32767)):
        bound = new_constant(parts.model, parts.content, np.array(limit, dtype))
        result = new_tensor(parts.content, x, dtype)
        options = "MaximumMinimumOptions"
        parts.ops.append(new_op(parts.model, name, [x, bound], [result], options=options))
        x = result
    return x


def scale_rows(model: Any) -> None:
    """Split each constant table of a lookup into rows of one size and their scales, in place."""
    for index, content in enumerate(model.subgraphs):
        parts = _Parts(model, content)
        for op in content.operators or []:
            table = constant(model, (index, int(op.inputs[0]))) if len(op.inputs) else None
            if flatbuffer.op_name(model, op) != "GATHER" or table is None or not _by_row(table, op):
                parts.ops.append(op)
                continue
            sizes = np.max(np.abs(table), axis=1, keepdims=True)
            scales = np.clip(np.ceil(127 * sizes / max(float(sizes.max()), 1e-30)), 1, 127)
            name = flatbuffer.text(content.tensors[int(op.inputs[0])].name)
            ids, result = int(op.inputs[1]), int(op.outputs[0])
            rank = len(content.tensors[result].shape)
            found = []
            for part, label in ((table / scales, "rows"), (scales, "scales")):
                values = new_constant(
                    model, content, part.astype(np.float32), name=f"{name}/{label}".encode()
                )
                target = new_tensor(content, result, "float32")
                tensor = content.tensors[target]
                tensor.shape = [*list(tensor.shape)[: rank - 1], part.shape[1]]
                if tensor.shapeSignature is not None:
                    tensor.shapeSignature = [
                        *list(tensor.shapeSignature)[: rank - 1],
                        part.shape[1],
                    ]
                parts.ops.append(
                    new_op(model, "GATHER", [values, ids], [target], options="GatherOptions")
                )
                found.append(target)
            parts.ops.append(new_op(model, "MUL", found, [result], options="MulOptions"))
        content.operators = parts.ops


def _by_row(table: Array, op: Any) -> bool:
    """Whether scales by row cost little: they are one weight a row."""
    options = op.builtinOptions
    return (
        table.ndim == 2
        and not (options.axis or options.batchDims)
        and (table.shape[1] >= 16 or len(table) <= 4096)
        and table.shape[1] > 1
    )


def _squared_difference(parts: _Parts, op: Any) -> None:
    d = new_tensor(parts.content, int(op.outputs[0]), "float32")
    parts.add("SUB", [int(t) for t in op.inputs], d, "SubOptions")
    parts.add("MUL", [d, d], int(op.outputs[0]), "MulOptions")


def _elu(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    below = parts.add("EXP", [parts.add("MINIMUM", [x, parts.number(0.0)])])
    below = parts.add("SUB", [below, parts.number(1.0)], None, "SubOptions")
    parts.add("ADD", [parts.add("RELU", [x]), below], y, "AddOptions")


def _hard_swish(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    gate = parts.add("RELU6", [parts.add("ADD", [x, parts.number(3.0)], None, "AddOptions")])
    gate = parts.add("MUL", [gate, parts.number(1 / 6)], None, "MulOptions")
    parts.add("MUL", [x, gate], y, "MulOptions")


def _unit(parts: _Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MINIMUM", [parts.add("RELU", [x]), parts.number(1.0)], y)


Rule = Callable[[_Parts, Any], None]
ALWAYS: dict[str, Rule] = {
    "NEG": _negative,
    "SQUARE": _square,
    "ZEROS_LIKE": _zeros,
    "CAST": _cast,
}
FOR_INT16: dict[str, Rule] = {
    "SQUARED_DIFFERENCE": _squared_difference,
    "ELU": _elu,
    "HARD_SWISH": _hard_swish,
    "RELU_0_TO_1": _unit,
}
