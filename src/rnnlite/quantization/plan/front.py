"""The ops that rescale what comes in, which stay in float where inputs are float.

What enters: a float model. What leaves: its first ops, as long as they are one input and constants:
a normalization by feature, a batch normalization, a rescaling, a logarithm. An integer input has
one scale for all features: pressures of 101325 +- 500 and temperatures of 20 +- 5 would leave
neither, and energies from 1e-6 to 1e2 no logarithm. In float such ops are few and cost nothing
beside the first product.
"""

from __future__ import annotations

from collections.abc import Collection

from rnnlite.lite.ir import Model, Op, Value

LINEAR = frozenset({"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "NEG"})
CURVED = frozenset({"ABS", "EXP", "LOG", "POW", "RSQRT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE"})

REASON = "scales a float input"
"""Why they stay in float."""


def scaling_ops(model: Model, without: Collection[Value] = ()) -> frozenset[Op]:
    """The first ops of the main graph, each of one input so far and of constants.

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
    """The first of these ops that is not linear, in words; "" where there is none."""
    front = scaling_ops(model)
    for op in model.main.ops:
        if op in front and op.kind in CURVED:
            return f"{op.kind} '{op.output.name}' has the steps of an integer input"
    return ""
