"""Divide values by their own norm without the inverse of the norm, which has no bound.

What enters: a MUL by an inverse root, a DIV by a root, or the ADD that ends a layer normalization.
What leaves: ops that compute the same. Where a norm is smaller than all norms in calibration, its
inverse is beyond the calibrated range. So values and norm are both divided by the largest element m
first. All values then have known bounds:

    d * rsqrt(sum(d d))           u / sqrt(sum(u u)),  u = d / m
    x r - mean(x) r + b           (x - mean(x)) r + b
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.prepare.parts import Norm, Parts, made_by, scalar, with_scalar
from rnnlite.quantization.prepare.roots import add_unit


@dataclass(frozen=True)
class _ScaledNorm:
    """A value that is a norm, or its inverse, but for constant factors and a bound.

    Attributes:
        norm: the norm.
        floor: what it is not below.
        factors: constants that it is multiplied by.
    """

    norm: Norm
    floor: float = 0.0
    factors: tuple[Value, ...] = ()


def replace_product(parts: Parts, op: Op) -> bool:
    """Replace a MUL of a value d and the inverse of the norm of d.

    Returns:
        whether the op stays.
    """
    for x, r in (op.operands, op.operands[::-1]):
        found = _find(parts, r)
        if found is not None and found.norm.inverse and _is(x, found.norm.d) and _plain(op):
            _add_division(parts, found, (), op.output)
            return False
    parts.keep(op)
    return True


def replace_division(parts: Parts, op: Op) -> bool:
    """Replace a DIV of a value d by the norm of d.

    Returns:
        whether the op is such a DIV, and was replaced.
    """
    x, n = op.operands
    found = _find(parts, n)
    if found is None or found.norm.inverse or found.factors or not _is(x, found.norm.d):
        return False
    if not _plain(op):
        return False
    _add_division(parts, found, (), op.output)
    return True


def replace_layer_norm(parts: Parts, op: Op) -> bool:
    """Replace an ADD that is x r + (b - mean r), as Keras writes a layer normalization.

    Returns:
        whether the op stays.
    """
    for scaled, rest in (op.operands, op.operands[::-1]):
        found = _normalized(parts, scaled, rest) if _plain(op) else None
        if found is not None:
            _add_division(parts, *found, op.output)
            return False
    parts.keep(op)
    return True


def _normalized(
    parts: Parts, scaled: Value, rest: Value
) -> tuple[_ScaledNorm, tuple[Value, ...]] | None:
    """The norm, and what is added behind, of `scaled` = x r and `rest` = -mean r + b."""
    times = made_by(scaled, "MUL")
    if times is None:
        return None
    for x, r in (times.operands, times.operands[::-1]):
        found = _find(parts, r)
        if found is None or not found.norm.inverse:
            continue
        difference = made_by(found.norm.d, "SUB")
        if difference is None or difference.input(0) is not x:
            continue
        shift = _shift(rest, difference.input(1), r)
        if shift is not None:
            return found, shift
    return None


def _shift(rest: Value, mean: Value, r: Value) -> tuple[Value, ...] | None:
    """What is added beside -mean r: a constant, or nothing; None where `rest` is not that."""
    added = made_by(rest, "ADD", "SUB")
    if added is not None:
        a, b = added.operands
        if added.kind == "SUB":
            return (a,) if a.is_constant and _is_product(b, mean, r) else None
        for core, constant in ((a, b), (b, a)):
            if constant.is_constant and _shift(core, mean, r) == ():
                return (constant,)
        return None
    times = made_by(rest, "MUL")
    if times is None:
        return None
    for negative, other in (times.operands, times.operands[::-1]):
        if other is r and with_scalar(negative, "MUL") == (mean, -1.0):
            return ()
    return None


def _is_product(value: Value, a: Value, b: Value) -> bool:
    times = made_by(value, "MUL")
    return times is not None and {*times.operands} == {a, b}


def _find(parts: Parts, value: Value) -> _ScaledNorm | None:
    """Read a value as a norm, through constants that it is multiplied by, and bounds."""
    if value in parts.norms:
        return _ScaledNorm(parts.norms[value])
    op = made_by(value, "MINIMUM", "MAXIMUM", "MUL")
    if op is None or not _plain(op):
        return None
    for inner, constant in (op.operands, op.operands[::-1]):
        if not constant.is_constant:
            continue
        found = _find(parts, inner)
        if found is None:
            return None
        if op.kind == "MUL":
            return replace(found, factors=(*found.factors, constant))
        bound = scalar(constant)
        if bound is None or bound <= 0 or found.factors:
            return None
        if found.norm.inverse != (op.kind == "MINIMUM"):
            return None
        floor = 1 / bound if found.norm.inverse else bound
        return replace(found, floor=max(found.floor, floor))
    return None


def _add_division(
    parts: Parts, found: _ScaledNorm, added: tuple[Value, ...], result: Value
) -> None:
    """Add the ops that make the result."""
    behind = [*(("MUL", v) for v in found.factors), *(("ADD", v) for v in added)]
    value = add_unit(parts, found.norm, found.floor, None if behind else result)
    for k, (kind, constant) in enumerate(behind):
        last = k == len(behind) - 1
        value = parts.add(kind, [value, constant], result if last else None, like=result)


def _is(x: Value, d: Value) -> bool:
    """Whether two values are the same one, or the same difference."""
    a, b = made_by(x, "SUB"), made_by(d, "SUB")
    return x is d or (a is not None and b is not None and a.operands == b.operands)


def _plain(op: Op) -> bool:
    return not op.integer("fusedActivationFunction")
