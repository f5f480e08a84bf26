"""Ranges narrower than minimum to maximum, where the values beyond cannot matter.

What enters: a plan whose groups are formed, before grids are chosen. What leaves: narrower ranges.

- What only LOGISTIC and TANH read is cut where they saturate: the gates get all the steps.
- What EXP reads is cut below where its result vanishes.
- What SOFTMAX reads is cut below the unmasked values, where a mask adds a large negative number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.control_flow import Place

SATURATION = {
    ("LOGISTIC", "int8"): 6.25,
    ("LOGISTIC", "int16"): 12.0,
    ("TANH", "int8"): 3.5,
    ("TANH", "int16"): 6.0,
}
"""Beyond, the function is within half a step of its limit: log(2 * 256 - 1), atanh(1 - 2**-9)."""

VANISHING = {"int8": -7.0, "int16": -12.0}
"""Where EXP falls below half a step, relative to its operand's largest value, about."""

LARGE = 1000.0
MASKING = -64.0
"""What stands for minus infinity in a mask that is added to logits: exp(-64) is 2e-28."""

MARGIN = 8.0
"""How far below the smallest unmasked logit the masked ones stay: exp(-8) is 3e-4."""


def soften_masks(model: Any) -> None:
    """Replace constants of -1000 and below by -64 on their way into a SOFTMAX, in place."""
    for content in model.subgraphs:
        makers = {int(t): op for op in content.operators or [] for t in op.outputs}
        queue = [
            int(op.inputs[0])
            for op in content.operators or []
            if flatbuffer.op_name(model, op) == "SOFTMAX"
        ]
        seen: set[int] = set()
        while queue:
            current = queue.pop()
            op = makers.get(current)
            if current in seen or op is None:
                continue
            seen.add(current)
            name = flatbuffer.op_name(model, op)
            if name not in ("ADD", "MUL", "SELECT", "SELECT_V2", "RESHAPE", "EXPAND_DIMS", "SUB"):
                continue
            for t in map(int, op.inputs):
                tensor = content.tensors[t]
                data = flatbuffer.content(model, tensor)
                if data is None or flatbuffer.dtype_name(tensor) != "float32":
                    queue.append(t)
                    continue
                values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
                if np.any(values <= -LARGE):
                    softened = np.where(values <= -LARGE, MASKING, values).astype(np.float32)
                    buffer = type(model.buffers[tensor.buffer])()
                    buffer.data = np.frombuffer(softened.tobytes(), np.uint8)
                    tensor.buffer = len(model.buffers)
                    model.buffers.append(buffer)


def clip_ranges(plan: Any, readers: dict[Place, set[str]], dtypes: dict[Place, str]) -> None:
    """Narrow the ranges of a plan's groups, in place.

    Args:
        plan: the plan.
        readers: for each group, the ops that read it; "" for anything that needs its full range.
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


def clip_masked(plan: Any, ops: Any, is_value: Callable[[Place], bool]) -> None:
    """Cut what SOFTMAX reads below the unmasked values."""
    read = {plan.root(op.operands()[0]) for op in ops if op.name == "SOFTMAX"}
    for op in ops:
        if op.name not in ("ADD", "SELECT", "SELECT_V2"):
            continue
        result = op.results()[0]
        if not is_value(result) or plan.root(result) not in read:
            continue
        low, high = plan.range(result)
        operands = [p for p in op.operands() if is_value(p)]
        plain = [plan.ranges[p] for p in operands if p in plan.ranges]
        sane = [r for r in plain if r[0] > MASKING / 2]
        if low <= MASKING / 2 and len(sane) == 1:
            plan.narrow(result, (max(low, sane[0][0] - MARGIN), high))
