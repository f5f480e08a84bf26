"""Replace ops that have no integer kernel by ops that have one, while all is still float.

What enters: a float model, changed in place. What leaves: an equal one; and those of its ops that
compute in int16 in every trial, because their values span many orders of magnitude. This is done
before calibration, so that each new op gets a range of its own.

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
    DIV by a sum over time: see `quotients`
    MUL, DIV and ADD of what is divided by its own norm: see `units`
    LOG of a sum over time, and LOG_SOFTMAX over time: see `log_sums`
    LOG, LOG_SOFTMAX, POW, and LOGISTIC, TANH near zero: see `logarithms`
    SOFTMAX over time, and near zero: see `shares`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rnnlite.lite.control_flow import in_loops, is_step
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.lite.schema import type_number
from rnnlite.quantization.params import Range
from rnnlite.quantization.plan.plan import Precision, is_float
from rnnlite.quantization.prepare.log_sums import replace_log_shares, replace_log_sum
from rnnlite.quantization.prepare.logarithms import (
    replace_faint_logistic,
    replace_faint_sine,
    replace_faint_tanh,
    replace_log,
    replace_log_softmax,
    replace_power,
)
from rnnlite.quantization.prepare.parts import MOST, Parts, drop_unread, scalar
from rnnlite.quantization.prepare.quotients import replace_quotient
from rnnlite.quantization.prepare.roots import replace_l2_normalization, replace_rsqrt, replace_sqrt
from rnnlite.quantization.prepare.shares import (
    keep_softmax,
    readers_of_shares,
    replace_faint_softmax,
)
from rnnlite.quantization.prepare.units import replace_division, replace_layer_norm, replace_product


def decompose(
    model: Model,
    precision: Precision,
    faint: frozenset[Value] = frozenset(),
    left: frozenset[Op] = frozenset(),
) -> frozenset[Op]:
    """Rewrite all ops of the list above that touch float values, in place.

    Args:
        model: the float model.
        precision: the type that each op will compute in.
        faint: results that are too small for the steps that LiteRT prescribes (`faint_results`).
        left: ops that stay in float, as they are.

    Returns:
        the ops that are to compute in int16 whatever `precision` says.
    """
    wide: list[Op] = []
    loops = in_loops(model)
    for graph in model.graphs:
        parts = Parts(graph)
        for op in graph.ops:
            rule = ALWAYS.get(op.kind)
            if op.kind in FOR_FAINT and op.output in faint:
                rule = FOR_FAINT[op.kind]
            inside = graph in loops or is_step(op)
            if rule is None and precision(op.kind, inside) == "int16":
                rule = FOR_INT16.get(op.kind)
            is_touched = any(is_float(v) for v in (*op.inputs, *op.outputs))
            if rule is None or op in left or not is_touched:
                parts.keep(op, wide=op.kind in WIDE)
                continue
            parts.stand_for(op)
            if not rule(parts, op):
                graph.remove(op)
        drop_unread(graph, FREED)
        parts.wide += readers_of_shares(parts.shares)
        wide += [op for op in parts.wide if op.graph is graph]
    return frozenset(wide)


def _replace_neg(parts: Parts, op: Op) -> None:
    parts.add("MUL", [op.input(0), parts.number(-1.0)], op.output)


def _replace_square(parts: Parts, op: Op) -> None:
    parts.add("MUL", [op.input(0), op.input(0)], op.output)


def _replace_zeros_like(parts: Parts, op: Op) -> None:
    x, graph = op.input(0), parts.graph
    shape = graph.value("int32", [x.rank])
    kind = {"outType": type_number("int32")}
    parts.insert(graph.op("SHAPE", [x], [shape], options=kind))
    parts.insert(graph.op("FILL", [shape, parts.number(0.0)], [op.output], options={}))


def _replace_cast(parts: Parts, op: Op) -> bool:
    whole = op.input(0).type in ("int32", "int64")
    if whole:
        bounded = parts.whole("MINIMUM", op.input(0), MOST)
        op.inputs = [parts.whole("MAXIMUM", bounded, -MOST)]
    if op.output.type != "bool":
        # Numbers of steps, and their places, grow with length: int8 holds no more than 127.
        parts.keep(op, wide=whole and all(d == 1 for d in op.output.dims[1:]))
        return True
    parts.add("NOT_EQUAL", [op.input(0), parts.number(0.0)], op.output)
    return False


def _replace_one_hot(parts: Parts, op: Op) -> bool:
    index, depth, on, off = op.operands
    y, graph = op.output, parts.graph
    high, low = scalar(on), scalar(off)
    parts.keep(op)
    if high is None or low is None:
        return True
    numbers = [graph.constant(np.array(n, np.int32)) for n in (1, 0)]
    flags = graph.like(y, "int32")
    op.inputs, op.outputs = [index, depth, *numbers], [flags]
    plain = (high, low) == (1.0, 0.0)
    cast = y if plain else graph.like(y, "float32")
    parts.insert(graph.op("CAST", [flags], [cast], options=TO_FLOAT))
    if not plain:
        scaled = parts.add("MUL", [cast, parts.number(high - low)])
        parts.add("ADD", [scaled, parts.number(low)], y)
    return True


TO_FLOAT = {"inDataType": type_number("int32"), "outDataType": type_number("float32")}


def _replace_squared_difference(parts: Parts, op: Op) -> None:
    d = parts.graph.like(op.output, "float32")
    parts.add("SUB", [*op.operands], d)
    parts.add("MUL", [d, d], op.output)


def _replace_elu(parts: Parts, op: Op) -> None:
    x = op.input(0)
    below = parts.add("EXP", [parts.add("MINIMUM", [x, parts.number(0.0)])])
    below = parts.add("SUB", [below, parts.number(1.0)])
    parts.add("ADD", [parts.add("RELU", [x]), below], op.output)


def _replace_hard_swish(parts: Parts, op: Op) -> None:
    x = op.input(0)
    gate = parts.add("RELU6", [parts.add("ADD", [x, parts.number(3.0)])])
    gate = parts.add("MUL", [gate, parts.number(1 / 6)])
    parts.add("MUL", [x, gate], op.output)


def _replace_relu_0_to_1(parts: Parts, op: Op) -> None:
    parts.add("MINIMUM", [parts.add("RELU", [op.input(0)]), parts.number(1.0)], op.output)


def _replace_relu_n1_to_1(parts: Parts, op: Op) -> None:
    above = parts.add("MAXIMUM", [op.input(0), parts.number(-1.0)])
    parts.add("MINIMUM", [above, parts.number(1.0)], op.output)


def _replace_prelu(parts: Parts, op: Op) -> None:
    x, alpha = op.input(0), op.input(1)
    below = parts.add("RELU", [parts.add("MUL", [x, parts.number(-1.0)])])
    parts.add("SUB", [parts.add("RELU", [x]), parts.add("MUL", [below, alpha])], op.output)


def _replace_gelu(parts: Parts, op: Op) -> None:
    """By a hyperbolic tangent in either form: the two differ by less than 5e-4.

    Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
    """
    x = op.input(0)
    cubic = parts.add("MUL", [parts.add("MUL", [x, x]), parts.number(0.044715)])
    inner = parts.add("MUL", [parts.add("ADD", [cubic, parts.number(1.0)]), x])
    gate = parts.add("TANH", [parts.add("MUL", [inner, parts.number((2 / np.pi) ** 0.5)])])
    gate = parts.add("MUL", [parts.add("ADD", [gate, parts.number(1.0)]), parts.number(0.5)])
    parts.add("MUL", [x, gate], op.output)


def _replace_div(parts: Parts, op: Op) -> bool:
    return not replace_division(parts, op) and replace_quotient(parts, op)


def _replace_log(parts: Parts, op: Op) -> None:
    if not replace_log_shares(parts, op) and not replace_log_sum(parts, op):
        replace_log(parts, op)


def _replace_log_softmax(parts: Parts, op: Op) -> None:
    if not replace_log_shares(parts, op):
        replace_log_softmax(parts, op)


Rule = Callable[[Parts, Op], bool | None]
"""Replaces an op by others. Returns True where the op stays."""

ALWAYS: dict[str, Rule] = {
    "NEG": _replace_neg,
    "SQUARE": _replace_square,
    "ZEROS_LIKE": _replace_zeros_like,
    "CAST": _replace_cast,
    "ONE_HOT": _replace_one_hot,
    "RSQRT": replace_rsqrt,
    "SQRT": replace_sqrt,
    "L2_NORMALIZATION": replace_l2_normalization,
    "LOG": _replace_log,
    "LOG_SOFTMAX": _replace_log_softmax,
    "POW": replace_power,
    "DIV": _replace_div,
    "SOFTMAX": keep_softmax,
    "MUL": replace_product,
    "ADD": replace_layer_norm,
}
FOR_INT16: dict[str, Rule] = {
    "SQUARED_DIFFERENCE": _replace_squared_difference,
    "ELU": _replace_elu,
    "HARD_SWISH": _replace_hard_swish,
    "RELU_0_TO_1": _replace_relu_0_to_1,
    "RELU_N1_TO_1": _replace_relu_n1_to_1,
    "PRELU": _replace_prelu,
    "GELU": _replace_gelu,
}

FAINT = 2.0**-6
"""A result is faint if it stays below this part of the range that LiteRT prescribes."""

FAINT_WAVE = 0.5
"""The same for SIN, whose kernel has a table with even steps of the angle."""

FOR_FAINT: dict[str, Rule] = {
    "LOGISTIC": replace_faint_logistic,
    "SOFTMAX": replace_faint_softmax,
    "TANH": replace_faint_tanh,
    "SIN": replace_faint_sine,
}


def faint_results(model: Model, ranges: Mapping[Value, Range]) -> frozenset[Value]:
    """The results of LOGISTIC, SOFTMAX, TANH and SIN that stay close to zero in calibration.

    Args:
        model: the float model.
        ranges: smallest and largest value of each tensor.
    """
    found = set()
    for op in model.ops():
        if op.kind in FOR_FAINT:
            low, high = ranges.get(op.output, (0.0, 0.0))
            limit = FAINT_WAVE if op.kind == "SIN" else FAINT
            if 0.0 < max(-low, high) < limit:
                found.add(op.output)
    return frozenset(found)


WIDE = ("DIV", "CUMSUM", "SIN", "COS")
"""Ops that always compute in int16. Quotients, for one, span many orders of magnitude."""

FREED = frozenset(
    {
        *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "RELU", "SQUARE", "SQUARED_DIFFERENCE", "POW"),
        *("SUM", "MEAN", "EXP", "SOFTMAX", "CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "SHAPE"),
        *("STRIDED_SLICE", "MINIMUM"),
    }
)
"""Kinds of ops that replaced ops may have read; those that nothing reads any more are removed."""
