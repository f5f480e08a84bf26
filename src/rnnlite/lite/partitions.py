"""Which ops of a subgraph the XNNPACK delegate takes, and how they fall into partitions.

What enters: a graph of a model. What leaves: for each op, whether XNNPACK takes it (`taken`); and
the partition of each op (`partitions`). No runtime is asked, so the answer holds on other machines.
`Taken.ALWAYS` is what LiteRT 1.4 to 2.3 take; `Taken.NEVER` is what XNNPACK has no form of; all
else may differ from version to version.

The rules are those of LiteRT's delegate (`xnnpack_delegate.cc`) and its way to form partitions
(`graph_info.cc`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

import numpy as np

from rnnlite.lite.ir import Graph, Op, Value
from rnnlite.lite.schema import ACTIVATIONS

REALS = frozenset({"float32", "float16", "int8", "uint8"})
"""Types of the tensors that XNNPACK computes with."""

MOST_AXES = 6

MOST_JOINED = 5
"""The most operands of a CONCATENATION that any version of XNNPACK takes."""

STATEFUL = frozenset({"WHILE", "IF", "CALL_ONCE"})
"""Ops that the runtime keeps in their order."""

_APART = STATEFUL | {"SHAPE", "RANK", "READ_VARIABLE", "ASSIGN_VARIABLE", "VAR_HANDLE"}
_ACTIVATIONS = {ACTIVATIONS[name] for name in ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")}
_INTEGER_UNARY = {"LOGISTIC", "TANH"}
_FLOAT_UNARY = _INTEGER_UNARY | {"ABS", "ELU", "FLOOR", "HARD_SWISH", "NEG", "SQRT", "SQUARE"}
_FLOAT_UNARY |= {"RELU", "RELU6", "RELU_N1_TO_1"}
_FLOAT_BINARY = {"ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB"}
_SUM_RATIOS = 2.0**-10, 2.0**8
_PRODUCT_RATIOS = 2.0**-16, 2.0**8


class Taken(Enum):
    """Whether XNNPACK takes an op."""

    ALWAYS = "in each version that is known"
    MAYBE = "in some versions, or under conditions that are not looked at"
    NEVER = "in none"


def constants(graph: Graph) -> set[Value]:
    """The constants of a graph, and what a DEQUANTIZE makes of one."""
    found = {value for value in graph.values if value.is_constant}
    for op in graph.ops:
        if op.kind == "DEQUANTIZE" and op.input(0) in found:
            found.add(op.output)
    return found


def taken(op: Op, known: Collection[Value]) -> Taken:
    """Whether XNNPACK takes an op, where `known` has the constants of its graph."""
    moving = [v for v in op.operands if v not in known]
    # XNNPACK has no tensors of plain integers, neither to compute with nor as indices.
    if op.kind in _APART or any(v.type not in REALS for v in [*moving, *op.outputs]):
        return Taken.NEVER
    if op.kind == "CONCATENATION" and len(op.inputs) > MOST_JOINED:
        return Taken.NEVER
    values = [v for v in op.operands if v.type in REALS]
    reals = [*values, *op.outputs]
    types = {v.type for v in reals}
    if any(v.rank > MOST_AXES for v in reals):
        return Taken.MAYBE
    sure = False
    if types == {"float32"}:
        sure = _floats(op, known) or _moves(op, known)
    elif types == {"int8"} and all(_has_one_scale(v) for v in reals):
        sure = _integers(op, values) or _moves(op, known)
    return Taken.ALWAYS if sure else Taken.MAYBE


def _floats(op: Op, known: Collection[Value]) -> bool:
    if op.kind in _FLOAT_BINARY:
        return _plain_activation(op)
    if op.kind == "FULLY_CONNECTED":
        return _plain_activation(op) and all(v in known for v in op.operands[1:])
    if op.kind == "SOFTMAX":
        return op.real("beta") == 1.0
    return op.kind in _FLOAT_UNARY


def _integers(op: Op, values: Sequence[Value]) -> bool:
    step = op.output.scale
    if op.kind in ("ADD", "SUB"):
        fits = all(_within(v.scale / step, _SUM_RATIOS) for v in values)
        return fits and _plain_activation(op)
    if op.kind == "MUL":
        fits = _within(values[0].scale * values[-1].scale / step, _PRODUCT_RATIOS)
        return fits and _plain_activation(op)
    return op.kind in _INTEGER_UNARY


def _moves(op: Op, known: Collection[Value]) -> bool:
    """Whether XNNPACK always takes an op that only moves values."""
    operands = op.operands
    if op.kind == "CONCATENATION":
        return 2 <= len(operands) <= 4 and op.integer("axis") >= 0
    if op.kind == "SPLIT":
        return 2 <= len(op.outputs) <= 4 and operands[0] in known
    if any(v not in known for v in operands[1:]):
        return False
    if op.kind == "SLICE":
        begin, size = (np.asarray(v.data) for v in operands[1:])
        return bool(np.all(begin >= 0) and np.all(size > 0))
    if op.kind == "STRIDED_SLICE":
        begin, end, strides = (np.asarray(v.data) for v in operands[1:])
        masks = ("ellipsisMask", "newAxisMask", "shrinkAxisMask")
        whole = [bool(op.integer("endMask") >> k & 1) for k in range(len(end))]
        forward = np.all(begin >= 0) and np.all((end > 0) | whole) and np.all(strides == 1)
        return bool(forward) and not any(op.flag(mask) for mask in masks)
    return op.kind in ("RESHAPE", "TRANSPOSE")


def _plain_activation(op: Op) -> bool:
    return op.integer("fusedActivationFunction") in _ACTIVATIONS


def _within(ratio: float, limits: tuple[float, float]) -> bool:
    # With a margin, since the runtime computes in float32.
    return limits[0] * 1.001 < ratio < limits[1] * 0.999


def _has_one_scale(value: Value) -> bool:
    return value.quantization is not None and len(value.quantization.scales) == 1


def partitions(ops: Sequence[Op], inside: Sequence[bool], stateful: Sequence[bool]) -> list[int]:
    """The number of the partition of each op, as the runtime forms them.

    A partition holds all ops of one side (inside or outside the delegate) whose operands are made
    by then; the next partition those of the other side.

    Args:
        ops: the ops of a graph, in order.
        inside: for each op, whether the delegate takes it.
        stateful: for each op, whether it keeps its place among the other stateful ones.
    """
    needs: list[set[int]] = []
    makers: dict[Value, int] = {}
    last = -1
    for k, op in enumerate(ops):
        needs.append({makers[v] for v in op.operands if v in makers})
        makers |= dict.fromkeys(op.outputs, k)
        if stateful[k]:
            if last >= 0:
                needs[k].add(last)
            last = k
    found = [-1] * len(ops)
    left, number = list(range(len(ops))), 0
    while left:
        side: bool | None = None
        rest = []
        # Each round makes one partition. One pass over the ops is enough, as they stand in order.
        for k in left:
            ready = all(found[n] >= 0 for n in needs[k])
            side = inside[k] if ready and side is None else side
            if ready and inside[k] == side:
                found[k] = number
            else:
                rest.append(k)
        left, number = rest, number + 1
    return found
