"""Put ops that have no integer kernel together from ops that have one, while all is still float.

What enters: a float model, changed in place. What leaves: an equal one, and the ops in it that are
to compute in int16 in whatever trial, for what they compute spans many orders of magnitude. Done
before calibration, so that the parts have ranges of their own.

    NEG(x)                    x * -1
    SQUARE(x)                 x * x
    ZEROS_LIKE(x)             FILL(SHAPE(x), 0)
    CAST(x) to boolean        x != 0
    CAST(n) of an integer     CAST(min(max(n, -32767), 32767))
    ONE_HOT(n) of two numbers CAST(ONE_HOT(n) of 1 and 0), scaled
    SQUARED_DIFFERENCE(x, y)  d * d with d = x - y               (int16)
    ELU(x)                    relu(x) + exp(min(x, 0)) - 1       (int16)
    HARD_SWISH(x)             x * relu6(x + 3) / 6               (int16)
    RELU_0_TO_1(x)            min(relu(x), 1)                    (int16)
    RELU_N1_TO_1(x)           min(max(x, -1), 1)                 (int16)
    PRELU(x)                  relu(x) - a * relu(-x)             (int16)
    GELU(x)                   x * (1 + tanh(...)) / 2            (int16)
    SQRT, RSQRT, L2_NORMALIZATION: see `roots`
    LOG, LOG_SOFTMAX, POW, and LOGISTIC, SOFTMAX, TANH near zero: see `logarithms`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, new_constant, new_op, new_tensor
from rnnlite.lite.trees import Place, in_loops
from rnnlite.quantization.grid import Range
from rnnlite.quantization.plan.plan import Precision, is_float
from rnnlite.quantization.prepare.logarithms import (
    faint_logistic,
    faint_sine,
    faint_softmax,
    faint_tanh,
    log_softmax,
    logarithm,
    power,
)
from rnnlite.quantization.prepare.parts import Parts, drop_unread
from rnnlite.quantization.prepare.roots import inverse_root, root, unit_length


def decompose(
    model: Any, precision: Precision, faint: frozenset[Place] = frozenset()
) -> frozenset[tuple[int, int]]:
    """Rewrite all ops of the list above that touch float values, in place.

    Args:
        model: the float model.
        precision: the type that each op will compute in.
        faint: results that are too small for the steps that LiteRT prescribes for their op.

    Returns:
        subgraph and position of the ops that are to compute in int16 whatever `precision` says.
    """
    wide: list[tuple[int, int]] = []
    loops = in_loops(model)
    for index, content in enumerate(model.subgraphs):
        parts = Parts(model, content)
        for op in content.operators or []:
            name = flatbuffer.op_name(model, op)
            rule = ALWAYS.get(name)
            if name in FOR_FAINT and (index, int(op.outputs[0])) in faint:
                rule = FOR_FAINT[name]
            if rule is None and precision(name, index in loops) == "int16":
                rule = FOR_INT16.get(name)
            places = [(index, int(t)) for t in [*op.inputs, *op.outputs]]
            if rule is None or not any(is_float(model, p) for p in places):
                parts.append(op, wide=name in WIDE)
            else:
                rule(parts, op)
        content.operators = parts.ops
        drop_unread(model, content, FREED)
        chosen = {id(op) for op in parts.wide}
        wide += [(index, k) for k, op in enumerate(content.operators) if id(op) in chosen]
    return frozenset(wide)


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
    parts.append(new_op(parts.model, "SHAPE", [x], [shape], options="ShapeOptions", outType=2))
    zero = parts.number(0.0)
    parts.append(new_op(parts.model, "FILL", [shape, zero], [y], options="FillOptions"))


def _cast(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    if flatbuffer.dtype_name(parts.content.tensors[x]) in ("int32", "int64"):
        op.inputs = [_clamped(parts, x)]
    if flatbuffer.dtype_name(parts.content.tensors[y]) != "bool":
        parts.append(op)
        return
    parts.add("NOT_EQUAL", [x, parts.number(0.0)], y, "NotEqualOptions")


def _clamped(parts: Parts, x: int) -> int:
    dtype = flatbuffer.dtype_name(parts.content.tensors[x])
    for name, limit in (("MINIMUM", 32767), ("MAXIMUM", -32767)):
        bound = new_constant(parts.model, parts.content, np.array(limit, dtype))
        result = new_tensor(parts.content, x, dtype)
        options = "MaximumMinimumOptions"
        parts.append(new_op(parts.model, name, [x, bound], [result], options=options))
        x = result
    return x


def _one_hot(parts: Parts, op: Any) -> None:
    index, depth, on, off = map(int, op.inputs)
    y = int(op.outputs[0])
    high, low = parts.scalar(on), parts.scalar(off)
    if high is None or low is None:
        parts.append(op)
        return
    numbers = [new_constant(parts.model, parts.content, np.array(n, np.int32)) for n in (1, 0)]
    flags = new_tensor(parts.content, y, "int32")
    op.inputs, op.outputs = [index, depth, *numbers], [flags]
    parts.append(op)
    plain = (high, low) == (1.0, 0.0)
    cast = y if plain else new_tensor(parts.content, y, "float32")
    parts.append(new_op(parts.model, "CAST", [flags], [cast], options="CastOptions", **TO_FLOAT))
    if not plain:
        scaled = parts.add("MUL", [cast, parts.number(high - low)])
        parts.add("ADD", [scaled, parts.number(low)], y)


TO_FLOAT = {"inDataType": dtype_code("int32"), "outDataType": dtype_code("float32")}


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


def _signed_unit(parts: Parts, op: Any) -> None:
    x, y = _operands(op)
    parts.add("MINIMUM", [parts.add("MAXIMUM", [x, parts.number(-1.0)]), parts.number(1.0)], y)


def _prelu(parts: Parts, op: Any) -> None:
    x, alpha, y = int(op.inputs[0]), int(op.inputs[1]), int(op.outputs[0])
    below = parts.add("RELU", [parts.add("MUL", [x, parts.number(-1.0)])])
    parts.add("SUB", [parts.add("RELU", [x]), parts.add("MUL", [below, alpha])], y)


def _gelu(parts: Parts, op: Any) -> None:
    """By a hyperbolic tangent in either form: the two differ by less than 5e-4.

    Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
    """
    x, y = _operands(op)
    cubic = parts.add("MUL", [parts.add("MUL", [x, x]), parts.number(0.044715)])
    inner = parts.add("MUL", [parts.add("ADD", [cubic, parts.number(1.0)]), x])
    gate = parts.add("TANH", [parts.add("MUL", [inner, parts.number((2 / np.pi) ** 0.5)])])
    gate = parts.add("MUL", [parts.add("ADD", [gate, parts.number(1.0)]), parts.number(0.5)])
    parts.add("MUL", [x, gate], y)


Rule = Callable[[Parts, Any], None]
ALWAYS: dict[str, Rule] = {
    "NEG": _negative,
    "SQUARE": _square,
    "ZEROS_LIKE": _zeros,
    "CAST": _cast,
    "ONE_HOT": _one_hot,
    "RSQRT": inverse_root,
    "SQRT": root,
    "L2_NORMALIZATION": unit_length,
    "LOG": logarithm,
    "LOG_SOFTMAX": log_softmax,
    "POW": power,
}
FOR_INT16: dict[str, Rule] = {
    "SQUARED_DIFFERENCE": _squared_difference,
    "ELU": _elu,
    "HARD_SWISH": _hard_swish,
    "RELU_0_TO_1": _unit,
    "RELU_N1_TO_1": _signed_unit,
    "PRELU": _prelu,
    "GELU": _gelu,
}

FAINT = 2.0**-6
"""Share of a prescribed range below which too few steps are left of it."""

FAINT_WAVE = 0.5
"""The same for SIN, whose table has even steps of the angle."""

FOR_FAINT: dict[str, Rule] = {
    "LOGISTIC": faint_logistic,
    "SOFTMAX": faint_softmax,
    "TANH": faint_tanh,
    "SIN": faint_sine,
}


def faint_results(model: Any, ranges: Mapping[Place, Range]) -> frozenset[Place]:
    """The results of LOGISTIC, SOFTMAX and TANH that hardly leave zero.

    Args:
        model: the float model.
        ranges: smallest and largest value by place.
    """
    found = set()
    for index, op, name in flatbuffer.operators(model):
        place = (index, int(op.outputs[0]))
        low, high = ranges.get(place, (0.0, 0.0))
        limit = FAINT_WAVE if name == "SIN" else FAINT
        if name in FOR_FAINT and 0.0 < max(-low, high) < limit:
            found.add(place)
    return frozenset(found)


WIDE = ("DIV", "CUMSUM", "SIN", "COS")
"""Ops that compute in int16 wherever they stand: quotients span many orders of magnitude."""

FREED = frozenset(
    {
        *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "RELU", "SQUARE", "SQUARED_DIFFERENCE", "POW"),
        *("SUM", "MEAN", "EXP", "SOFTMAX"),
    }
)
"""Ops that others may have been put in the place of."""
