"""Compute shares over time in int16: the weights of attention, which add up to 1 over the steps.

What enters: a SOFTMAX, and values that are shares. What leaves: ops that compute the same, and the
ops that read shares.

LiteRT prescribes steps of 1/256 for the result of SOFTMAX in int8, of 1/32768 in int16. Over time
each step has about one part in T: beyond some hundred steps all shares round to 0 in int8. So a
softmax over an axis of free size computes in int16, and so do the products with it and their sums.

Where all results stay far below 1 in calibration, other ops, with steps of their own, compute them:

    softmax(x)       e / sum(e), where e = exp(x - max(x))
    over free axes   e / mean(e) * (1 / T), which no length makes saturate
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lite.ir import Op, Value
from rnnlite.lite.ir.values import FREE
from rnnlite.quantization.ops import RULES
from rnnlite.quantization.plan.paths import MOVED
from rnnlite.quantization.prepare.parts import Parts
from rnnlite.quantization.prepare.quotients import add_share, add_size

MOVES = frozenset(k for k in MOVED if k != "FILL" and RULES[k].int16) | {"MUL"}
"""Ops whose results are shares, or products with them."""

TOTALS = frozenset({"SUM", "MEAN", "BATCH_MATMUL"})
"""Ops that add up products with shares."""


def keep_softmax(parts: Parts, op: Op) -> bool:
    """Keep a SOFTMAX; one over an axis of free size computes in int16.

    Returns:
        True: the op stays.
    """
    over_time = op.input(0).dims[-1] == FREE
    parts.keep(op, wide=over_time)
    if over_time:
        parts.shares.append(op.output)
    return True


def replace_faint_softmax(parts: Parts, op: Op) -> None:
    """Replace a SOFTMAX over so many elements that all results stay far below 1."""
    x, y = op.input(0), op.output
    if op.real("beta") != 1.0:
        x = parts.add("MUL", [x, parts.number(op.real("beta"))], wide=True)
    axis = x.rank - 1
    axes = parts.integers(axis)
    _, e = parts.below_largest(x, axes)
    if x.dims[axis] == FREE:
        mean = parts.reduce("MEAN", e, axes, keep=True)
        add_share(parts, e, mean, add_size(parts, x, axis), y)
    else:
        parts.add("DIV", [e, parts.reduce("SUM", e, axes, keep=True)], y, wide=True)


def readers_of_shares(shares: Sequence[Value]) -> list[Op]:
    """The ops that multiply with shares and add up the products.

    Args:
        shares: values of one graph.
    """
    found: list[Op] = []
    waiting = list(shares)
    while waiting:
        for op in waiting.pop().readers:
            if op in found or op.kind not in MOVES | TOTALS:
                continue
            found.append(op)
            if op.kind in MOVES:
                waiting += op.outputs
    return found
