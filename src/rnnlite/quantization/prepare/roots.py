"""Roots, norms and deviations in int16 that are exact over many orders of magnitude.

What enters: a RSQRT, SQRT or L2_NORMALIZATION, and the ops in front of it. What leaves: ops that
compute the same.

Squares span twice as many orders of magnitude as the values, and int16 has 15 bits. So the square
of a value that is 1/200 of the largest rounds to 0. Therefore the values are divided by the largest
of them, m, before they are squared, and the root is multiplied by m:

    m = max(max |d|, sqrt(e / a)),  u = d / m
    sqrt(a sum(d d) + e) = m sqrt(a sum(u u) + (sqrt(e) / m)^2)

The same holds of squares that are added to each other, as of the two parts of a spectrum:

    m = max(|x|, |y|),  sqrt(x x + y y) = m sqrt((x / m)^2 + (y / m)^2)

LiteRT's RSQRT in int16 interpolates between 512 even steps of the range of its operand. An inverse
root is steep at small operands, where these steps are too coarse. SQRT and DIV are exact to a step.
So RSQRT(v) is computed as 1 / SQRT(v).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.prepare.parts import (
    Norm,
    Parts,
    int32_numbers,
    made_by,
    scalar,
    with_scalar,
)

TINY = 1e-30
"""The least m in float, so that a row of zeros is not divided by zero; in integers, one step."""

RELU = 1
"""The number of RELU in the schema, as a function that is fused into an op."""

SQUARED = ("MUL", "SQUARE", "SQUARED_DIFFERENCE", "POW")
"""Ops that may give a square."""

NOTHING = 1e-9
"""A least norm, far below the step of any scale."""


@dataclass(frozen=True)
class Squares:
    """max(factor * reduce(d * d + ...) + offset, floor).

    Attributes:
        terms: the values d, ... that are squared and added; they have one shape.
        reduce: "SUM" or "MEAN"; "" where nothing is reduced.
        axes: the constant of the axes; None where nothing is reduced.
        keep: whether the reduced axes stay, with length 1.
        factor, offset, floor: as above; `floor` is None where there is none.
    """

    terms: tuple[Value, ...]
    reduce: str = ""
    axes: Value | None = None
    keep: bool = True
    factor: float = 1.0
    offset: float = 0.0
    floor: float | None = None


def replace_rsqrt(parts: Parts, op: Op) -> None:
    """Put 1 / sqrt(v) in the place of RSQRT(v)."""
    v, y = op.input(0), op.output
    root = _add_root(parts, v, None)
    parts.add("DIV", [parts.number(1.0), root], y, wide=True, like=v)
    if root in parts.norms:
        parts.norms[y] = replace(parts.norms[root], inverse=True)


def replace_sqrt(parts: Parts, op: Op) -> None:
    """Put the root of squares, as above, in the place of SQRT(v)."""
    _add_root(parts, op.input(0), op.output)


def replace_l2_normalization(parts: Parts, op: Op) -> None:
    """Put x / sqrt(sum(x x)) in the place of L2_NORMALIZATION, which is over the last axis."""
    x, y = op.input(0), op.output
    axes = parts.integers(x.rank - 1)
    length = _add_root_of_squares(parts, Squares((x,), "SUM", axes), None)
    add_unit(parts, parts.norms[length], 0.0, y)


def add_unit(parts: Parts, norm: Norm, floor: float, result: Value | None) -> Value:
    """Add d / max(m * length, floor) = u / max(length, floor / m): all of it has bounds."""
    length, floor = norm.length, max(norm.floor, floor)
    if floor > NOTHING:
        share = parts.add("DIV", [parts.number(floor), norm.m], wide=True, like=norm.m)
        length = parts.add("MAXIMUM", [length, share], wide=True)
    return parts.add("DIV", [norm.u, length], result, wide=True)


def _add_root(parts: Parts, v: Value, result: Value | None) -> Value:
    squares = find_squares(parts, v)
    if squares is None:
        return parts.add("SQRT", [v], result, wide=True)
    return _add_root_of_squares(parts, squares, result)


def _add_root_of_squares(parts: Parts, s: Squares, result: Value | None) -> Value:
    """Add the root of squares, in parts."""
    least = max(s.offset, s.floor or 0.0) / s.factor
    bound = parts.number(max(least**0.5, TINY))
    m, u, total = _add_scaled_squares(parts, s, bound)
    if s.factor != 1.0:
        total = parts.add("MUL", [total, parts.number(s.factor)], wide=True)
    if s.offset > 0:
        e = parts.add("DIV", [parts.number(s.offset**0.5), m], wide=True, like=m)
        total = parts.add("ADD", [total, parts.add("MUL", [e, e], wide=True)], wide=True)
    length = parts.add("SQRT", [total], wide=True)
    floor = max(s.floor or 0.0, 0.0) ** 0.5
    whole = parts.add("MUL", [m, length], None if floor else result, wide=True)
    if floor:
        whole = parts.add("MAXIMUM", [whole, parts.number(floor)], result, wide=True)
    if s.reduce and s.keep and len(s.terms) == 1:
        parts.norms[whole] = Norm(s.terms[0], m, u[0], length, floor)
    return whole


def _add_scaled_squares(parts: Parts, s: Squares, bound: Value) -> tuple[Value, list[Value], Value]:
    """Add the largest of what is squared, the terms divided by it, the sum of their squares."""
    sizes = [parts.add("ABS", [d], wide=True) for d in s.terms]
    size = sizes[0]
    for other in sizes[1:]:
        size = parts.add("MAXIMUM", [size, other], wide=True)
    m = parts.add("MAXIMUM", [_add_largest(parts, s, size, keep=True), bound], wide=True)
    u = [parts.add("DIV", [d, m], wide=True) for d in s.terms]
    squares = [parts.add("MUL", [v, v], wide=True) for v in u]
    total = squares[0]
    for other in squares[1:]:
        total = parts.add("ADD", [total, other], wide=True)
    if s.axes is not None:
        total = parts.reduce(s.reduce, total, s.axes, keep=s.keep)
    if not s.keep:
        m = parts.add("MAXIMUM", [_add_largest(parts, s, size, keep=False), bound], wide=True)
    return m, u, total


def _add_largest(parts: Parts, s: Squares, size: Value, *, keep: bool) -> Value:
    """Add the largest of sizes along what is reduced."""
    if s.axes is None:
        return size
    return parts.reduce("REDUCE_MAX", size, s.axes, keep=keep)


def find_squares(parts: Parts, v: Value) -> Squares | None:
    """Read a value as `Squares`, through constants that scale, shift or bound it; or None."""
    factor, offset, floor = 1.0, 0.0, None
    while True:
        known = _step(v)
        if known is None:
            break
        name, v, value = known
        if name == "MUL":
            factor *= value
        elif name == "ADD":
            offset += factor * value
        else:
            bound = factor * value + offset
            floor = bound if floor is None else max(floor, bound)
        if factor <= 0 or offset < 0:
            return None
    core = _reduced_squares(parts, v) or _second_moment(parts, v) or _added_squares(parts, v)
    if core is None or offset < 0:
        return None
    return replace(core, factor=factor, offset=offset, floor=floor)


def _step(v: Value) -> tuple[str, Value, float] | None:
    """One op of a number in front of a tensor: its kind, what it is of, the number."""
    for name in ("ADD", "MUL", "MAXIMUM"):
        found = with_scalar(v, name)
        if found is not None:
            return name, *found
    relu = made_by(v, "RELU")
    if relu is not None:
        return "MAXIMUM", relu.input(0), 0.0
    divided = with_scalar(v, "DIV")
    if divided is not None and v.producer is not None and scalar(v.producer.input(1)):
        return "MUL", divided[0], 1 / divided[1]
    return None


def _reduced_squares(parts: Parts, v: Value) -> Squares | None:
    """SUM or MEAN of a square, or of squares that are added."""
    op = made_by(v, "SUM", "MEAN")
    if op is None or int32_numbers(op.input(1)) is None:
        return None
    x = op.input(0)
    terms = _terms(parts, x)
    if not terms:
        d = _squared(parts, x)
        terms = () if d is None else (d,)
    return Squares(terms, op.kind, op.input(1), op.flag("keepDims")) if terms else None


def _added_squares(parts: Parts, v: Value) -> Squares | None:
    """Squares that are added, as of the real and the imaginary part of a spectrum."""
    terms = _terms(parts, v)
    return Squares(terms) if terms else None


def _terms(parts: Parts, v: Value) -> tuple[Value, ...]:
    """What the squares are of that a tensor is the sum of; () where it is no such sum."""
    waiting, found = [v], list[Value]()
    while waiting:
        added = made_by(waiting[-1], "ADD", "ADD_N")
        last = waiting.pop()
        if added is not None:
            waiting.extend(reversed(added.operands))
        elif made_by(last, *SQUARED) is None or last.shape != v.shape:
            return ()
        else:
            found.append(last)
    terms = [_squared(parts, square) for square in found] if len(found) > 1 else []
    if any(d is None or d.shape != v.shape for d in terms):
        return ()
    return tuple(d for d in terms if d is not None)


def _squared(parts: Parts, t: Value) -> Value | None:
    """What a tensor is the square of."""
    op = made_by(t, *SQUARED)
    if op is None:
        return None
    name, operands = op.kind, [*op.operands]
    if name == "SQUARE" or (name == "MUL" and operands[0] is operands[1]):
        return operands[0]
    if name == "POW":
        return operands[0] if scalar(operands[1]) == 2.0 else None
    if name == "SQUARED_DIFFERENCE":
        return parts.add("SUB", operands, like=t, wide=True)
    return None


def _second_moment(parts: Parts, v: Value) -> Squares | None:
    """mean(x x) - mean(x)^2, which is mean((x - mean(x))^2) without its cancellation.

    Cut at zero by a RELU within the SUB it is the same: nothing of it is below.
    """
    op = v.producer
    if op is None or op.kind != "SUB" or op.integer("fusedActivationFunction") not in (0, RELU):
        return None
    first, second = op.operands
    moment = made_by(first, "MEAN")
    mean = _squared(parts, second)
    if moment is None or mean is None:
        return None
    average = made_by(mean, "MEAN")
    x = _squared(parts, moment.input(0))
    if average is None or x is None or average.input(0) is not x:
        return None
    axes = int32_numbers(moment.input(1))
    if axes is None or axes != int32_numbers(average.input(1)):
        return None
    kept = parts.reduce("MEAN", x, moment.input(1), keep=True)
    d = parts.add("SUB", [x, kept], wide=True)
    return Squares((d,), "MEAN", moment.input(1), moment.flag("keepDims"))
