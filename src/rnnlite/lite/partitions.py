"""Which ops of a subgraph the XNNPACK delegate takes, and how they fall into partitions.

What enters: a model and one of its subgraphs. What leaves: for each op how sure it is that XNNPACK
takes it (`taken`), and where the cuts then run (`partitions`). Nothing is asked of a runtime, so
the answer holds on other machines: `Taken.ALWAYS` is what LiteRT 1.4 to 2.3 take, `Taken.NEVER`
what has no form in XNNPACK, and all else may differ from version to version.

The rules are those of LiteRT's delegate (`xnnpack_delegate.cc`) and its way to form partitions
(`graph_info.cc`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from rnnlite.lite import flatbuffer

REALS = frozenset({"float32", "float16", "int8", "uint8"})
"""Types of the tensors that XNNPACK computes with."""

MOST_AXES = 6

MOST_JOINED = 5
"""Operands of a CONCATENATION that XNNPACK takes, at most, in any version."""

STATEFUL = frozenset({"WHILE", "IF", "CALL_ONCE"})
"""Ops that the runtime keeps in their order."""

_APART = STATEFUL | {"SHAPE", "RANK", "READ_VARIABLE", "ASSIGN_VARIABLE", "VAR_HANDLE"}
_ACTIVATIONS = {
    getattr(schema.ActivationFunctionType, name)
    for name in ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
}
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


def constants(model: Any, content: Any) -> set[int]:
    """Tensors whose values stand in the file, those that a DEQUANTIZE makes of one included."""
    found = {
        t
        for t, tensor in enumerate(content.tensors)
        if flatbuffer.content(model, tensor) is not None
    }
    for op in content.operators or []:
        if flatbuffer.op_name(model, op) == "DEQUANTIZE" and int(op.inputs[0]) in found:
            found.add(int(op.outputs[0]))
    return found


def taken(model: Any, content: Any, op: Any, known: Collection[int]) -> Taken:
    """Whether XNNPACK takes an op; `known`: the subgraph's constants."""
    name = flatbuffer.op_name(model, op)
    operands = [int(t) for t in op.inputs if int(t) >= 0]
    moving = [content.tensors[t] for t in operands if t not in known]
    results = [content.tensors[int(t)] for t in op.outputs]
    # XNNPACK knows no tensors of integers as numbers: neither to compute with, nor as indexes.
    if name in _APART or any(flatbuffer.dtype_name(t) not in REALS for t in [*moving, *results]):
        return Taken.NEVER
    if name == "CONCATENATION" and len(op.inputs) > MOST_JOINED:
        return Taken.NEVER
    values = [t for k in operands if flatbuffer.dtype_name(t := content.tensors[k]) in REALS]
    types = {flatbuffer.dtype_name(t) for t in [*values, *results]}
    if any(len(_shape(t)) > MOST_AXES for t in [*values, *results]):
        return Taken.MAYBE
    sure = False
    if types == {"float32"}:
        sure = _floats(name, op, operands, known) or _moves(model, content, op, known)
    elif types == {"int8"} and all(_has_one_scale(t) for t in [*values, *results]):
        sure = _integers(name, op, values, results[0]) or _moves(model, content, op, known)
    return Taken.ALWAYS if sure else Taken.MAYBE


def _floats(name: str, op: Any, operands: Sequence[int], known: Collection[int]) -> bool:
    options = op.builtinOptions
    if name in _FLOAT_BINARY:
        return _plain_activation(options)
    if name == "FULLY_CONNECTED":
        return _plain_activation(options) and all(t in known for t in operands[1:])
    if name == "SOFTMAX":
        return bool(options.beta == 1.0)
    return name in _FLOAT_UNARY


def _integers(name: str, op: Any, values: Sequence[Any], result: Any) -> bool:
    step = _scale(result)
    if name in ("ADD", "SUB"):
        fits = all(_within(_scale(t) / step, _SUM_RATIOS) for t in values)
        return fits and _plain_activation(op.builtinOptions)
    if name == "MUL":
        fits = _within(_scale(values[0]) * _scale(values[-1]) / step, _PRODUCT_RATIOS)
        return fits and _plain_activation(op.builtinOptions)
    return name in _INTEGER_UNARY


def _moves(model: Any, content: Any, op: Any, known: Collection[int]) -> bool:
    """Whether an op that moves values of any one type is surely taken."""
    name, options = flatbuffer.op_name(model, op), op.builtinOptions
    operands = [int(t) for t in op.inputs if int(t) >= 0]
    if name == "CONCATENATION":
        return 2 <= len(operands) <= 4 and options.axis >= 0
    if name == "SPLIT":
        return 2 <= len(op.outputs) <= 4 and operands[0] in known
    if any(t not in known for t in operands[1:]):
        return False
    if name == "SLICE":
        begin, size = (_numbers(model, content.tensors[t]) for t in operands[1:])
        return bool(np.all(begin >= 0) and np.all(size > 0))
    if name == "STRIDED_SLICE":
        begin, end, strides = (_numbers(model, content.tensors[t]) for t in operands[1:])
        masks = options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask
        whole = [bool(options.endMask >> k & 1) for k in range(len(end))]
        forward = np.all(begin >= 0) and np.all((end > 0) | whole) and np.all(strides == 1)
        return bool(forward and not masks)
    return name in ("RESHAPE", "TRANSPOSE")


def _numbers(model: Any, tensor: Any) -> npt.NDArray[Any]:
    data = np.asarray(flatbuffer.content(model, tensor), np.uint8)
    return np.frombuffer(data.tobytes(), flatbuffer.dtype_name(tensor))


def _plain_activation(options: Any) -> bool:
    return options is None or options.fusedActivationFunction in _ACTIVATIONS


def _within(ratio: float, limits: tuple[float, float]) -> bool:
    # With some room, since the runtime computes in float32.
    return limits[0] * 1.001 < ratio < limits[1] * 0.999


def _shape(tensor: Any) -> Any:
    return tensor.shape if tensor.shape is not None else ()


def _has_one_scale(tensor: Any) -> bool:
    found = tensor.quantization
    return found is not None and found.scale is not None and len(found.scale) == 1


def _scale(tensor: Any) -> float:
    return float(tensor.quantization.scale[0])


def partitions(ops: Sequence[Any], inside: Sequence[bool], stateful: Sequence[bool]) -> list[int]:
    """The number of the partition of each op, as the runtime forms them.

    Ops of one side are gathered for as long as what they need is there; then those of the other.

    Args:
        ops: of a subgraph, in order.
        inside: whether the delegate takes each.
        stateful: whether each keeps its place among those that do.
    """
    needs: list[set[int]] = []
    makers: dict[int, int] = {}
    last = -1
    for k, op in enumerate(ops):
        needs.append({makers[int(t)] for t in op.inputs if int(t) in makers})
        makers |= {int(t): k for t in op.outputs}
        if stateful[k]:
            if last >= 0:
                needs[k].add(last)
            last = k
    found = [-1] * len(ops)
    left, number = list(range(len(ops))), 0
    while left:
        side: bool | None = None
        rest = []
        # Ops stand in order: one pass finds all that a partition can hold.
        for k in left:
            ready = all(found[n] >= 0 for n in needs[k])
            side = inside[k] if ready and side is None else side
            if ready and inside[k] == side:
                found[k] = number
            else:
                rest.append(k)
        left, number = rest, number + 1
    return found
