"""Logarithms of sums over time, in a form whose range hardly depends on the length.

What enters: a LOG or LOG_SOFTMAX, and the ops in front of it. What leaves: ops that compute the
same. A sum of exponentials grows with length; in integers it saturates beyond the largest sum that
calibration saw.

    log(sum(a))         log(mean(a)) + log(T)
    log(sum(exp(x)))    max(x) + log(mean(exp(x - max(x)))) + log(T)
    log(softmax(x))     x - max(x) - log(mean(exp(x - max(x)))) - log(T)

The number of steps T is an integer, so log(T) is looked up in a table. The table is exact up to
`KNEE`. Beyond, it has every `STRIDE`-th number, with an error below 0.01.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Op, Value
from rnnlite.lite.ir.values import FREE
from rnnlite.quantization.prepare.lengths import RESHAPES
from rnnlite.quantization.prepare.logarithms import add_log
from rnnlite.quantization.prepare.parts import Parts, made_by
from rnnlite.quantization.prepare.quotients import add_mean, add_size, add_steps, find_sum

KNEE, STRIDE, ENTRIES = 1024, 16, 3072
"""Sizes of the table of logarithms, which ends at 33,776 steps."""


def replace_log_sum(parts: Parts, op: Op) -> bool:
    """Replace LOG(v), where v is a sum over a time axis of free size.

    Returns:
        whether v is a sum over time, and the op was replaced.
    """
    v, y = op.input(0), op.output
    if find_sum(v) is None:
        return False
    steps = _add_log_steps(parts, add_steps(parts, v))
    total = made_by(v, "SUM")
    power = None if total is None else made_by(total.input(0), "EXP")
    if total is None or power is None:
        parts.add("ADD", [add_log(parts, add_mean(parts, v), None), steps], y, wide=True)
        return True
    x, axes, keep = power.input(0), total.input(1), total.flag("keepDims")
    known = _below_largest(x)
    largest = parts.reduce("REDUCE_MAX", x, axes, keep=True) if known is None else known[1]
    from_there = parts.add("SUB", [x if known is None else known[0], largest], wide=True, like=x)
    mean = parts.reduce("MEAN", parts.add("EXP", [from_there], wide=True), axes, keep=keep)
    logarithm = add_log(parts, mean, None)
    if known is None:
        top = largest if keep else parts.reduce("REDUCE_MAX", x, axes, keep=False)
        logarithm = parts.add("ADD", [top, logarithm], wide=True)
    parts.add("ADD", [logarithm, steps], y, wide=True)
    return True


def replace_log_shares(parts: Parts, op: Op) -> bool:
    """Replace LOG(SOFTMAX(x)) or LOG_SOFTMAX(x) over an axis of free size.

    Returns:
        whether the op is one of these, and was replaced.
    """
    softmax = made_by(op.input(0), "SOFTMAX") if op.kind == "LOG" else op
    if softmax is None or (op.kind == "LOG" and softmax.real("beta") != 1.0):
        return False
    x = softmax.input(0)
    axis = x.rank - 1
    if x.dims[axis] != FREE:
        return False
    axes = parts.integers(axis)
    below, e = parts.below_largest(x, axes)
    mean = parts.reduce("MEAN", e, axes, keep=True)
    steps = _add_log_steps(parts, add_size(parts, x, axis))
    total = parts.add("ADD", [add_log(parts, mean, None), steps], wide=True)
    parts.add("SUB", [below, total], op.output, wide=True)
    return True


def _below_largest(value: Value) -> tuple[Value, Value] | None:
    """x and max(x), where a value is x - max(x)."""
    difference = made_by(value, "SUB")
    if difference is None:
        return None
    x, largest = difference.operands
    waiting = [largest]
    while waiting:
        op = waiting.pop().producer
        if op is None:
            continue
        if op.kind == "REDUCE_MAX":
            return x, largest
        if op.kind in RESHAPES | {"SELECT", "SELECT_V2"}:
            waiting += op.operands
    return None


def _add_log_steps(parts: Parts, steps: Value) -> Value:
    """The logarithm of a number of steps, an int32 scalar."""
    most = parts.whole("MINIMUM", steps, KNEE)
    over = parts.whole("MAXIMUM", parts.whole("SUB", steps, KNEE), 0)
    over = parts.whole("FLOOR_DIV", over, STRIDE)
    over = parts.whole("MINIMUM", over, ENTRIES - KNEE - 1)
    place = parts.graph.like(steps)
    parts.insert(parts.graph.op("ADD", [most, over], [place], options={}))
    far = np.arange(ENTRIES - KNEE) * STRIDE + KNEE + (STRIDE - 1) / 2
    counts = np.concatenate([[1.0], np.arange(1.0, KNEE), far])
    table = parts.graph.constant(np.log(counts).astype(np.float32))
    # Not GATHER, whose table would be of int8.
    row = parts.graph.value("int32", [1])
    parts.insert(parts.graph.op("RESHAPE", [place, parts.integers(1)], [row], options={}))
    return parts.add("GATHER_ND", [table, row], wide=True, like=place)
