"""The first ops of a model, which stay in float: ops that rescale inputs or read whole numbers.

What enters: a float model. What leaves: its first ops, as far as each depends on one input and on
constants: a normalization by feature, a batch normalization, a rescaling, a logarithm. An integer
input has one scale for all features. With pressures of 101325 +- 500 and temperatures of 20 +- 5 in
one input, both would lose their digits; energies from 1e-6 to 1e2 would have no logarithm. The ops
are few, and in float they cost little beside the first product.

Ids and lengths may come as floats, or be computed in float from integers. Ops that make indices of
them stay in float too: in integers, 11 may become 10.99, of which CAST makes 10.
"""

from __future__ import annotations

from collections.abc import Collection

from rnnlite.lite.ir import Model, Op, Value

LINEAR = frozenset({"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "NEG"})
CURVED = frozenset({"ABS", "EXP", "LOG", "POW", "RSQRT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE"})

EXACT = LINEAR | {"FLOOR", "CEIL", "ROUND", "FLOOR_DIV", "FLOOR_MOD"}
MOVES = frozenset(
    {
        *("RESHAPE", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER"),
        *("SPLIT", "SPLIT_V", "UNPACK", "PACK", "CONCATENATION", "REVERSE_V2"),
    }
)

COMPARISONS = frozenset({"EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"})

REASON = "scales a float input"
WHOLE = "reads whole numbers"
"""Why the ops of `whole_number_ops` stay in float."""


def scaling_ops(model: Model, without: Collection[Value] = ()) -> frozenset[Op]:
    """The first ops of the main graph, each of which depends on one input and on constants.

    Args:
        model: the float model.
        without: inputs that are left out.
    """
    reached = {v for v in model.main.inputs if v.type == "float32" and v not in without}
    found = set()
    for op in model.main.ops:
        moving = [v for v in op.operands if not v.is_constant]
        if op.kind in LINEAR | CURVED and len(moving) == 1 and moving[0] in reached:
            found.add(op)
            reached.add(op.output)
    return frozenset(found)


def curved_front(model: Model) -> str:
    """The first op of `scaling_ops` that is not linear, in words; "" where there is none."""
    front = scaling_ops(model)
    for op in model.main.ops:
        if op in front and op.kind in CURVED:
            return f"{op.kind} '{op.output.name}' has the steps of an integer input"
    return ""


def whole_number_ops(model: Model) -> frozenset[Op]:
    """Ops that make integers of floats or compare counts, and the ops in front of them.

    These are each CAST of float to integers, and each comparison of values that are computed from
    integers, such as positions below a length. Positions of a sequence that is longer than all
    samples would saturate.
    """
    found: set[Op] = set()
    for op in model.ops():
        floats = [v for v in op.operands if v.type == "float32"]
        fronts = [_in_front(v) for v in floats]
        if op.kind == "CAST" and is_whole(op.output):
            found |= {op, *(one for front in fronts for one in front or ())}
        elif op.kind in COMPARISONS and floats and None not in fronts:
            front = {one for front in fronts for one in front or ()}
            if any(one.kind == "CAST" for one in front):
                found |= {op, *front}
    return frozenset(
        op for op in found if "float32" in {v.type for v in (*op.operands, *op.outputs)}
    )


def is_whole(value: Value) -> bool:
    """Whether a value holds integers that stand for themselves, not for quantized numbers."""
    known = value.quantization
    return value.type in ("int32", "int64") and (known is None or known.is_empty)


def _in_front(value: Value) -> set[Op] | None:
    """The ops that make a value of inputs, integers and constants; None if others do as well."""
    found: set[Op] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        op = value.producer
        if value.is_constant or value.type != "float32" or op in found:
            continue
        if op is None:
            if value not in value.graph.model.main.inputs:
                return None
            continue
        if not (op.kind in EXACT | MOVES or (op.kind == "CAST" and is_whole(op.input(0)))):
            return None
        found.add(op)
        waiting += op.operands
    return found
