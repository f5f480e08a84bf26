"""Broadcast functions of two operands: of tensors in any order of axes, and of sizes.

What enters: two operands in any order of axes, and a function of two tensors or numbers. What
leaves: its result, in the order of axes of one of them. Known sizes give known sizes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    as_value,
    known,
)
from rnnlite.frontends.onnx.values import LARGEST, Dims, Operand, Size, Value, is_known
from rnnlite.scan.tensors import Array, Tensor

NUMBERS: dict[str, Callable[[int, int], Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": lambda a, b: int(a / b),
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "Max": max,
    "Min": min,
    "Mod": operator.mod,
}


def of_sizes(op: str, a: Argument, b: Argument) -> Operand | None:
    """A function of two small integer vectors, one of which is a shape; None for anything else."""
    if op not in NUMBERS or not (isinstance(a, Dims) or isinstance(b, Dims)):
        return None
    left, right = entries_of(a), entries_of(b)
    if left is None or right is None:
        return None
    left, right = np.broadcast_arrays(left, right)
    found = np.empty(left.shape, object)
    for place in np.ndindex(left.shape):
        found[place] = _of_two(op, left[place], right[place])
    if any(isinstance(e, bool | np.bool_) for e in found.reshape(-1)):
        return np.asarray(found, bool) if all(map(_is_plain, found.reshape(-1))) else None
    return Dims(found) if all(e is not None for e in found.reshape(-1)) else None


def _is_plain(entry: object) -> bool:
    return isinstance(entry, bool | np.bool_)


def entries_of(operand: Argument) -> Any:
    """Integers of rank 0 or 1 as an object array; None for anything else."""
    if isinstance(operand, Dims):
        return operand.entries
    if isinstance(operand, np.ndarray) and operand.dtype.kind in "iu" and operand.ndim <= 1:
        return operand.astype(object)
    return None


def _of_two(op: str, a: Size, b: Size) -> Any:
    if is_known(a) and is_known(b):
        return NUMBERS[op](int(a), int(b))
    if op == "Equal":
        # An unknown size is not below 0.
        if (is_known(a) and a < 0) or (is_known(b) and b < 0):
            return False
        return None
    if op in ("Add", "Sub") and is_known(b) and b == 0:
        return a
    if op in ("Mul", "Div") and is_known(b) and b == 1:
        return a
    if op == "Mul" and is_known(a) and a == 1:
        return b
    if op == "Mul" and ((is_known(a) and a == 0) or (is_known(b) and b == 0)):
        return 0
    if op == "Min" and (_is_largest(a) or _is_largest(b)):
        return b if _is_largest(a) else a
    functions: dict[str, Callable[[Any, Any], Any]] = {
        "Add": operator.add,
        "Sub": operator.sub,
        "Mul": operator.mul,
        "Div": operator.floordiv,
        "Mod": operator.mod,
        "Max": tf.maximum,
        "Min": tf.minimum,
    }
    return functions[op](a, b) if op in functions else None


def _is_largest(size: Size) -> bool:
    """Whether a number means no limit, as no size in int32 is larger."""
    return is_known(size) and int(size) >= LARGEST


def broadcast(function: Callable[[Any, Any], Any], a: Argument, b: Argument) -> Value:
    """The result of a function of two operands, in the order of axes of one of them."""
    left, right = as_value(a), as_value(b)
    if left.axes == right.axes and len(left.base.shape) == len(right.base.shape):
        return left.like(function(left.base, right.base))
    lead = (
        left
        if (left.rank, not isinstance(a, np.ndarray))
        >= (
            right.rank,
            not isinstance(b, np.ndarray),
        )
        else right
    )
    other, raw = (right, b) if lead is left else (left, a)
    arranged = _beside(lead, other, known(raw))
    if arranged is None:
        return Value.of(function(left.plain(), right.plain()))
    base = function(lead.base, arranged) if lead is left else function(arranged, lead.base)
    return lead.like(base)


def _beside(lead: Value, other: Value, numbers: Array | None) -> Tensor | None:
    """An operand in the order of axes of another of at least its rank; None where that fails."""
    if other.rank > lead.rank or (lead.is_plain and numbers is None):
        return None
    shape = (1,) * (lead.rank - other.rank) + other.shape
    # The result must not be larger than `lead` along an axis that its base lacks, or may have at
    # size 1.
    for k, (size, place) in enumerate(zip(shape, lead.axes, strict=True)):
        if place is None and size != 1:
            return None
        if size != 1 and lead.shape[k] != size and lead.shape[k] in (1, None):
            return None
    order = [k for k, place in enumerate(lead.axes) if place is not None]
    order.sort(key=lambda k: lead.axes[k] or 0)
    if numbers is not None:
        if numbers.size == 1:
            return tf.constant(numbers.reshape(()))
        full = numbers.reshape([-1 if s is None else s for s in shape])
        kept = [full.shape[k] for k in order]
        return tf.constant(_trimmed(np.transpose(full, _all(order, lead.rank)).reshape(kept)))
    padded = Value(other.base, (None,) * (lead.rank - other.rank) + other.axes)
    return padded.arranged(order)


def _all(order: Sequence[int], rank: int) -> list[int]:
    """An order of axes, with the axes that it leaves out (of size 1) in front."""
    return [k for k in range(rank) if k not in order] + list(order)


def _trimmed(array: Array) -> Array:
    """An array without leading axes of size 1."""
    while array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    return array
