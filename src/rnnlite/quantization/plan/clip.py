"""Narrow ranges below minimum to maximum, where values beyond do not change a result.

What enters: a plan whose groups are formed, before scales are chosen. What leaves: narrower ranges.

- A value that only LOGISTIC and TANH read is cut where these saturate: the integers are spent on
  the part that matters to the gates.
- A value that EXP reads is cut below, where the result of EXP vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlite.lite.ir import Value

if TYPE_CHECKING:
    from rnnlite.quantization.plan.plan import Plan

SATURATION = {
    ("LOGISTIC", "int8"): 6.25,
    ("LOGISTIC", "int16"): 12.0,
    ("TANH", "int8"): 3.5,
    ("TANH", "int16"): 6.0,
}
"""Operands beyond which a function is within half a step of its limit. In int8 these are
log(2 * 256 - 1) and atanh(1 - 2**-9)."""

VANISHING = {"int8": -7.0, "int16": -12.0}
"""How far below its largest operand EXP gives less than about half a step."""


def clip_ranges(plan: Plan, readers: Mapping[Value, set[str]], dtypes: Mapping[Value, str]) -> None:
    """Narrow the ranges of a plan's groups, in place.

    Args:
        plan: the plan.
        readers: for each group, the kinds of the ops that read it; "" stands for a reader that
            needs the full range.
        dtypes: the type of each group.
    """
    for root, names in readers.items():
        dtype = dtypes.get(root)
        if dtype is None:
            continue
        low, high = plan.range(root)
        if names and names <= {"LOGISTIC", "TANH"}:
            limit = max(SATURATION[name, dtype] for name in names)
            plan.narrow(root, (max(low, -limit), min(high, limit)))
        elif names == {"EXP"}:
            plan.narrow(root, (max(low, high + VANISHING[dtype]), high))
