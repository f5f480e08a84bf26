"""Make steps of results coarser, where kernels do not take finer steps with their operands.

What enters: a plan whose scales are chosen. What leaves: larger scales of some results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import params_of, range_of, symmetric, width

if TYPE_CHECKING:
    from rnnlite.quantization.plan.plan import Plan

LARGEST_PRODUCT = 128.0
"""The largest ratio of a product's step to its result's step. XNNPACK refuses a ratio of 256."""


def coarsen_products(plan: Plan, ops: Sequence[Op]) -> None:
    """Make a result coarser whose steps are far finer than those of the product before scaling."""
    for op in ops:
        rule = RULES[op.kind]
        if rule.kind is not Kind.WEIGHTED or plan.type_of(op) != "int8":
            continue
        data, weights = op.inputs[rule.data], op.inputs[rule.weights]
        if data is None or weights is None or not plan.has(data):
            continue
        held = weights.constant("float32")
        if held is None and not plan.has(weights):
            continue
        step = symmetric(plan.range(weights) if held is None else range_of(held)).scale
        least = plan.params(data).scale * step / LARGEST_PRODUCT
        _coarsen(plan, op.output, least)


FINEST = {"int8": 2.0**-18, "int16": 2.0**-13}
"""The smallest ratio of a sum's step to its operands' step. The kernels of ADD and SUB end the
process at 2**-19 (int8) and 2**-14 (int16)."""


def coarsen_sums(plan: Plan, ops: Sequence[Op]) -> None:
    """Make a sum coarser whose steps are far finer than those of its operands.

    An operand that was zero throughout calibration has no scale of its own: it gets the sum's.
    """
    for op in ops:
        if op.kind not in ("ADD", "SUB"):
            continue
        result = op.output
        operands = [v for v in op.operands if plan.has(v)]
        for value in operands:
            if width(plan.range(value)) == 0.0 and width(plan.range(result)) > 0.0:
                plan.rescale(value, plan.params(result).scale)
        dtype = plan.type_of(op)
        steps = [plan.params(v).scale for v in operands]
        steps += [
            params_of(range_of(values), dtype, headroom=False).scale
            for v in op.operands
            if (values := v.constant("float32")) is not None
        ]
        least = max(steps, default=0.0) * FINEST[dtype]
        _coarsen(plan, result, least)


def _coarsen(plan: Plan, value: Value, least: float) -> None:
    """Give a value a scale of at least so much."""
    if plan.params(value).scale < least:
        plan.rescale(value, float(np.float32(least)))
