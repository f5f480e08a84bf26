"""Logarithms and powers in int16 that are exact over many orders of magnitude.

What enters: a LOG, LOG_SOFTMAX or POW, and the ops in front of it. What leaves: ops that compute
the same.

LiteRT's LOG in int16 interpolates between 512 even steps of the range of its operand. A logarithm
is steep at small operands, where these steps are too coarse. The fourth root of an operand spans a
quarter of its orders of magnitude, so LOG is computed as log(v) = 4 log(sqrt(sqrt(v))). An
exponential in front of a LOG is computed of operands that are never above 0, as in a softmax:

    log(softmax(x))  x - max(x) - log(sum(exp(x - max(x))))
    log(exp(x) + 1)  relu(x) + log(exp(-|x|) + 1)
    x ** c           products for whole numbers up to 4, and 1 over them; roots for 1/2 and -1/2
    x ** 6           exp(6 log(|x|)), x ** 7 = x exp(6 log(|x|)): x may be below zero
    x ** c, x ** y   exp(c log(x)), exp(y log(x))

LiteRT prescribes the steps of the results of LOGISTIC and TANH. Where all results stay far below 1,
as probabilities of rare events do, these steps are too coarse. Other ops, with steps of their own,
then compute the results:

    logistic(x)      exp(x) / (exp(x) + 1)
    tanh(x)          x - x x x / 3, to 2 / 15 x**5
    sin(x)           x - x x x / 6, to x**5 / 120
"""

from __future__ import annotations

import math

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.prepare.parts import Parts, made_by, scalar, with_scalar
from rnnlite.quantization.prepare.roots import replace_rsqrt, replace_sqrt

MOST_FACTORS = 4


def replace_log(parts: Parts, op: Op) -> None:
    """Replace a LOG, in a way that depends on the op in front of it."""
    v, y = op.input(0), op.output
    softmax = made_by(v, "SOFTMAX")
    if softmax is not None and softmax.real("beta") == 1.0:
        _add_log_softmax(parts, softmax.input(0), y)
        return
    plus = with_scalar(v, "ADD")
    power = made_by(plus[0], "EXP") if plus is not None and plus[1] == 1.0 else None
    if power is not None:
        _add_softplus(parts, power.input(0), y)
        return
    add_log(parts, v, y)


def replace_log_softmax(parts: Parts, op: Op) -> None:
    """Replace a LOG_SOFTMAX, which is over the last axis."""
    _add_log_softmax(parts, op.input(0), op.output)


def replace_power(parts: Parts, op: Op) -> None:
    """Replace a POW, in a way that depends on its exponent."""
    x, c, y = op.input(0), op.input(1), op.output
    exponent, base = scalar(c), scalar(x)
    if exponent is not None and exponent.is_integer():
        _add_whole_power(parts, x, int(exponent), y)
    elif exponent == 0.5:
        replace_sqrt(parts, op)
    elif exponent == -0.5:
        replace_rsqrt(parts, op)
    elif base is not None and base > 0:
        scaled = parts.add("MUL", [c, parts.number(math.log(base))], wide=True)
        parts.add("EXP", [scaled], y, wide=True)
    else:
        product = parts.add("MUL", [add_log(parts, x, None), c], wide=True, like=y)
        parts.add("EXP", [product], y, wide=True)


def _add_whole_power(parts: Parts, x: Value, n: int, y: Value) -> None:
    """Add x ** n of any x, below zero as well."""
    if n == 0:
        nothing = parts.add("MUL", [x, parts.number(0.0)])
        parts.add("ADD", [nothing, parts.number(1.0)], y)
    elif n == 1:
        parts.add("MUL", [x, parts.number(1.0)], y)
    elif abs(n) > MOST_FACTORS:
        exponent = parts.number(n - n % 2)
        scaled = parts.add(
            "MUL", [add_log(parts, parts.add("ABS", [x]), None), exponent], wide=True
        )
        even = parts.add("EXP", [scaled], None if n % 2 else y, wide=True)
        if n % 2:
            parts.add("MUL", [x, even], y, wide=True)
    else:
        result = x
        for k in range(1, abs(n)):
            last = k == n - 1
            result = parts.add("MUL", [result, x], y if last else None, wide=True)
        if n < 0:
            parts.add("DIV", [parts.number(1.0), result], y, wide=True, like=x)


def add_log(parts: Parts, v: Value, result: Value | None) -> Value:
    """Add the logarithm of a value, as four times that of its fourth root."""
    for _ in range(2):
        v = parts.add("SQRT", [v], wide=True)
    quarter = parts.add("LOG", [v], wide=True)
    return parts.add("MUL", [quarter, parts.number(4.0)], result, wide=True)


def _add_log_softmax(parts: Parts, x: Value, y: Value) -> None:
    axes = parts.integers(x.rank - 1)
    below, e = parts.below_largest(x, axes)
    total = parts.reduce("SUM", e, axes, keep=True)
    parts.add("SUB", [below, add_log(parts, total, None)], y, wide=True)


def _add_softplus(parts: Parts, x: Value, y: Value) -> None:
    size = parts.add("ABS", [x], wide=True)
    small = parts.add("EXP", [parts.add("MUL", [size, parts.number(-1.0)], wide=True)], wide=True)
    rest = parts.add("LOG", [parts.add("ADD", [small, parts.number(1.0)], wide=True)], wide=True)
    parts.add("ADD", [parts.add("RELU", [x], wide=True), rest], y, wide=True)


def replace_faint_logistic(parts: Parts, op: Op) -> None:
    """Replace a LOGISTIC whose operands are far below zero."""
    x, y = op.input(0), op.output
    e = parts.add("EXP", [x], wide=True)
    total = parts.add("ADD", [e, parts.number(1.0)], wide=True)
    parts.add("DIV", [e, total], y, wide=True)


def replace_faint_tanh(parts: Parts, op: Op) -> None:
    """Replace a TANH whose operands are close to zero."""
    _add_cubic(parts, op, -1 / 3)


def replace_faint_sine(parts: Parts, op: Op) -> None:
    """Replace a SIN of angles below 45 degrees."""
    _add_cubic(parts, op, -1 / 6)


def _add_cubic(parts: Parts, op: Op, factor: float) -> None:
    x, y = op.input(0), op.output
    scaled = parts.add("MUL", [x, parts.number(factor)], wide=True)
    cubic = parts.add("MUL", [parts.add("MUL", [x, scaled], wide=True), x], wide=True)
    parts.add("ADD", [x, cubic], y, wide=True)
