"""Put ops that have no integer kernel together from ops that have one, while all is still float.

What enters: a float model, changed in place. What leaves: an equal one. Done before calibration, so
that the parts have ranges of their own.

    NEG(x)                    x * -1
    SQUARE(x)                 x * x
    ZEROS_LIKE(x)             FILL(SHAPE(x), 0)
    CAST(x) to boolean        x != 0
    CAST(n) of an integer     CAST(min(max(n, -32767), 32767))
    SQUARED_DIFFERENCE(x, y)  d * d with d = x - y               (int16)
    ELU(x)                    relu(x) + exp(min(x, 0)) - 1       (int16)
    HARD_SWISH(x)             x * relu6(x + 3) / 6               (int16)
    RELU_0_TO_1(x)            min(relu(x), 1)                    (int16)
    RSQRT(x + e)              three of them, for x near e, up to 256 e, and above (int16)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.control_flow import in_loops
from rnnlite.lite.edit import new_constant, new_op, new_tensor
from rnnlite.quantization.clip import soften_masks
from rnnlite.quantization.plan import Precision, constant, is_float


def decompose(model: Any, precision: Precision) -> None:
    """Rewrite all ops of the list above that touch float values, in place.

    Args:
        model: the float model.
        precision: the type that each op will compute in.
    """
    soften_masks(model)
    loops = in_loops(model)
    for index, content in enumerate(model.subgraphs):
        parts = Parts(model, content)
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


class Parts:
    """The new list of ops of one subgraph, and short ways to add to it."""

    def __init__(self, model: Any, content: Any) -> None:
        self.model = model
        self.content = content
        self.index = model.subgraphs.index(content)
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


def _negative(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MUL", [x, parts.number(-1.0)], y, "MulOptions")


def _square(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MUL", [x, x], y, "MulOptions")


def _zeros(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    rank = len(parts.content.tensors[x].shape)
    shape = new_constant(parts.model, parts.content, np.zeros(rank, np.int32))
    parts.content.tensors[shape].buffer = 0
    parts.ops.append(new_op(parts.model, "SHAPE", [x], [shape], options="ShapeOptions", outType=2))
    zero = parts.number(0.0)
    parts.ops.append(new_op(parts.model, "FILL", [shape, zero], [y], options="FillOptions"))


def _cast(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    if flatbuffer.dtype_name(parts.content.tensors[x]) in ("int32", "int64"):
        op.inputs = [_clamped(parts, x)]
    if flatbuffer.dtype_name(parts.content.tensors[y]) != "bool":
        parts.ops.append(op)
        return
    parts.add("NOT_EQUAL", [x, parts.number(0.0)], y, "NotEqualOptions")


def _clamped(parts: Parts, x: int) -> int:
    dtype = flatbuffer.dtype_name(parts.content.tensors[x])
    for name, limit in (("MINIMUM", 32767), ("MAXIMUM", -32767)):
        bound = new_constant(parts.model, parts.content, np.array(limit, dtype))
        result = new_tensor(parts.content, x, dtype)
        options = "MaximumMinimumOptions"
        parts.ops.append(new_op(parts.model, name, [x, bound], [result], options=options))
        x = result
    return x


def _squared_difference(parts: Parts, op: Any) -> None:
    d = new_tensor(parts.content, int(op.outputs[0]), "float32")
    parts.add("SUB", [int(t) for t in op.inputs], d, "SubOptions")
    parts.add("MUL", [d, d], int(op.outputs[0]), "MulOptions")


def _elu(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    below = parts.add("EXP", [parts.add("MINIMUM", [x, parts.number(0.0)])])
    below = parts.add("SUB", [below, parts.number(1.0)], None, "SubOptions")
    parts.add("ADD", [parts.add("RELU", [x]), below], y, "AddOptions")


def _hard_swish(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    gate = parts.add("RELU6", [parts.add("ADD", [x, parts.number(3.0)], None, "AddOptions")])
    gate = parts.add("MUL", [gate, parts.number(1 / 6)], None, "MulOptions")
    parts.add("MUL", [x, gate], y, "MulOptions")


def _unit(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MINIMUM", [parts.add("RELU", [x]), parts.number(1.0)], y)


STEEP = 16.0
"""Each range over which an inverse root is interpolated ends at so many times the one before."""


def _inverse_root(parts: Parts, op: Any) -> None:
    """LiteRT's kernel interpolates over 512 even steps of the range, and x + e begins at its steep
    end, as in normalizations: with a and b 16 and 256 times e, and each range on a grid of its own,

        rsqrt(v) = rsqrt(max(v, b)) + rsqrt(clip(v, a, b)) - rsqrt(b) + rsqrt(min(v, a)) - rsqrt(a)
    """
    v, y = _operands(op)
    least = _added(parts, v)
    if least is None:
        parts.ops.append(op)
        return
    a, b = STEEP * least, STEEP**2 * least
    total = parts.add("RSQRT", [_at_least(parts, v, b)])
    for low, high in ((a, b), (None, a)):
        part = parts.add("MINIMUM", [v, parts.number(high)], None, "MaximumMinimumOptions")
        if low is not None:
            part = _at_least(parts, part, low)
        # A product has a grid of its own; a minimum keeps that of its operand.
        part = parts.add("RSQRT", [parts.add("MUL", [part, parts.number(1.0)], None, "MulOptions")])
        part = parts.add("SUB", [part, parts.number(high**-0.5)], None, "SubOptions")
        total = parts.add("ADD", [total, part], y if low is None else None, "AddOptions")


def _at_least(parts: Parts, x: int, bound: float) -> int:
    return parts.add("MAXIMUM", [x, parts.number(bound)], None, "MaximumMinimumOptions")


def _added(parts: Parts, total: int) -> float | None:
    """The positive number that the op which made a tensor added, if it did."""
    for op in parts.ops:
        if total in op.outputs and flatbuffer.op_name(parts.model, op) == "ADD":
            for t in op.inputs:
                values = constant(parts.model, (parts.index, int(t)))
                if values is not None and values.size == 1 and values.item() > 0:
                    return float(values.item())
    return None


Rule = Callable[[Parts, Any], None]
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
    "RSQRT": _inverse_root,
}
