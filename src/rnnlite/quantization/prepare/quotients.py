"""Quotients by sums over time, in a form whose range does not depend on the length.

What enters: a DIV, and the ops in front of it. What leaves: ops that compute the same. A masked
mean or a weighted mean is a quotient of two sums over time. Both sums grow with length, and in
integers they saturate beyond the sums that calibration saw. The means of the same elements do not
grow:

    sum(a) / sum(b)          mean(a) / mean(b)
    sum(a) / T               mean(a)
    sum(a) / max(sum(b), e)  mean(a) / max(mean(b), e / T)
    sum(a) / (sum(b) + e)    mean(a) / (mean(b) + e / T)
    a / sum(b)               a / mean(b) * (1 / T)

Where e only prevents a division by zero, e is not divided by T: any bound that is small beside one
step of an integer will do.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlite.errors import InternalError
from rnnlite.lite.ir import Op, Value
from rnnlite.lite.ir.values import FREE
from rnnlite.lite.schema import type_number
from rnnlite.quantization.prepare.lengths import RESHAPES, Axis, same_axes
from rnnlite.quantization.prepare.parts import MOST, Parts, int32_numbers, made_by, with_scalar

GUARD = 1e-3
"""An e up to this size is there to prevent a division by zero, and for nothing else."""

SMALL = 1e-3
"""The factor by which an e up to `GUARD` beside a sum becomes smaller beside a mean."""


@dataclass(frozen=True)
class Sum:
    """A sum over time that a value is computed from.

    Attributes:
        x: the value that is summed.
        axis: the axis of time.
    """

    x: Value
    axis: int


def replace_quotient(parts: Parts, op: Op) -> bool:
    """Replace DIV(a, b) by a quotient of means, where b, or a and b, are sums over a time axis.

    Returns:
        whether the op stays.
    """
    a, b = op.input(0), op.input(1)
    above = find_sum(a)
    if above is not None and not op.integer("fusedActivationFunction"):
        steps = same_axes(above.x, above.axis)
        if _counted(b) & steps and a.dims == op.output.dims:
            add_mean(parts, a, op.output)
            return False
        below = find_sum(b)
        if below is not None and same_axes(below.x, below.axis) & steps:
            parts.add("DIV", [add_mean(parts, a), add_mean(parts, b)], op.output, wide=True)
            return False
    elif find_sum(b) is not None and not op.integer("fusedActivationFunction"):
        add_share(parts, a, add_mean(parts, b), add_steps(parts, b), op.output)
        return False
    parts.keep(op, wide=True)
    return True


def add_share(parts: Parts, a: Value, mean: Value, steps: Value, result: Value) -> None:
    """Add the ops of a / (mean * steps), where steps is an int32 scalar."""
    size = parts.add("DIV", [a, mean], wide=True, like=result)
    whole = _add_count(parts, steps)
    part = parts.add("DIV", [parts.number(1.0), whole], wide=True, like=whole)
    parts.add("MUL", [size, part], result, wide=True)
    parts.shares.append(result)


def find_sum(value: Value) -> Sum | None:
    """The sum over one free axis that a value is, up to reshapes and constant numbers; or None."""
    op = value.producer
    if op is None:
        return None
    if op.kind == "SUM":
        x, axes = op.input(0), int32_numbers(op.input(1))
        if axes is None or len(axes) != 1 or not x.rank or x.dims[axes[0]] != FREE:
            return None
        return Sum(x, axes[0] % x.rank)
    inner = _inner(op)
    return None if inner is None else find_sum(inner)


def _inner(op: Op) -> Value | None:
    """The operand that an op hands on, beside a number."""
    if op.kind in RESHAPES:
        return op.input(0)
    if op.kind == "CAST" and op.input(0).type != "float32":
        return _counter(op)
    if op.kind in ("ADD", "MAXIMUM", "MUL"):
        found = with_scalar(op.output, op.kind)
        if found is not None and (op.kind == "MUL" or found[1] > 0):
            return found[0]
    return None


def add_mean(parts: Parts, value: Value, result: Value | None = None) -> Value:
    """Add the mean in the place of a sum, and copies of the ops between the sum and the value.

    Raises:
        InternalError: there is no such sum.
    """
    op = value.producer
    inner = None if op is None else _inner(op)
    if op is not None and op.kind == "SUM":
        x = op.input(0)
        x = x if x.type == "float32" else _add_cast(parts, x)
        return parts.reduce("MEAN", x, op.input(1), keep=op.flag("keepDims"), result=result)
    if op is None or inner is None:
        raise InternalError(f"{value!r} is no sum")
    mean = add_mean(parts, inner)
    if op.kind == "CAST":
        return mean
    if op.kind in RESHAPES:
        moved = parts.graph.like(value, "float32") if result is None else result
        parts.insert(op.twin([mean, *op.inputs[1:]], [moved]))
        return moved
    number = (with_scalar(value, op.kind) or (value, 0.0))[1]
    if op.kind == "MUL":
        return parts.add("MUL", [mean, parts.number(number)], result, wide=True)
    if number <= GUARD:
        return parts.add("MAXIMUM", [mean, parts.number(number * SMALL)], result, wide=True)
    steps = _add_count(parts, add_steps(parts, inner))
    share = parts.add("DIV", [parts.number(number), steps], wide=True, like=steps)
    return parts.add(op.kind, [mean, share], result, wide=True)


def _add_cast(parts: Parts, x: Value, *, wide: bool = False) -> Value:
    """Whole numbers as floats; truths at once, not by way of int32."""
    cast = made_by(x, "CAST")
    if cast is not None and cast.input(0).type == "bool":
        x = cast.input(0)
    result = parts.graph.like(x, "float32")
    types = {"inDataType": type_number(x.type), "outDataType": type_number("float32")}
    cast = parts.graph.op("CAST", [x], [result], options=types)
    parts.insert(cast)
    if wide:
        parts.wide.append(cast)
    return result


def _add_count(parts: Parts, steps: Value) -> Value:
    """A number of steps as a float, of which int8 would hold 127 at most."""
    return _add_cast(parts, parts.whole("MINIMUM", steps, MOST), wide=True)


def add_steps(parts: Parts, value: Value) -> Value:
    """Add the number of steps that a sum adds up, as an int32 scalar (`find_sum` finds the sum)."""
    known = find_sum(value)
    if known is None:
        raise InternalError(f"{value!r} is no sum")
    return add_size(parts, known.x, known.axis)


def add_size(parts: Parts, x: Value, axis: int) -> Value:
    """Add the length of an axis, as an int32 scalar."""
    graph = parts.graph
    shape, steps = graph.value("int32", [x.rank]), graph.value("int32", [])
    kind = {"outType": type_number("int32")}
    parts.insert(graph.op("SHAPE", [x], [shape], options=kind))
    cut = [parts.integers(n) for n in (axis, axis + 1, 1)]
    scalar = {"shrinkAxisMask": 1}
    parts.insert(graph.op("STRIDED_SLICE", [shape, *cut], [steps], options=scalar))
    return steps


def _counted(value: Value) -> set[Axis]:
    """The axis whose size a value of one number is; nothing if it is none."""
    while (op := value.producer) is not None:
        if op.kind in RESHAPES or op.kind == "CAST":
            value = op.input(0) if op.kind in RESHAPES else _counter(op)
            continue
        if op.kind not in ("STRIDED_SLICE", "GATHER"):
            break
        shape = made_by(op.input(0), "SHAPE")
        place = int32_numbers(op.input(1))
        end = int32_numbers(op.input(2)) if op.kind == "STRIDED_SLICE" else None
        if shape is None or place is None or len(place) != 1:
            break
        if end is not None and end[0] - place[0] != 1:
            break
        x = shape.input(0)
        return same_axes(x, place[0] % x.rank)
    return set()


def _counter(cast: Op) -> Value:
    """The whole numbers that a CAST is of, before they were kept to those of int16."""
    value = cast.input(0)
    for kind in ("MAXIMUM", "MINIMUM"):
        bound = made_by(value, kind)
        if bound is not None and int32_numbers(bound.input(1)) in ([32767], [-32767]):
            value = bound.input(0)
    return value
