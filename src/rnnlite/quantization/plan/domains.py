"""Keep the operands of a kernel to the integers that the kernel takes.

What enters: an op of integers whose kernel has a domain. What leaves: ops to stand in front of it.

The facts of the LiteRT kernels: DIV refuses a divisor of zero, RSQRT an operand that is not
positive, SQRT a negative one. LOG gives an arbitrary number for an operand that is not positive.
EXP in int16 wraps around where the result is beyond its range. DIV gives the end of its range where
the quotient is less than half a step, such as 1 step over 12,000: it shifts by 32 bits or more, and
processors then do not shift at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Op, Value
from rnnlite.quantization.ops import VERSIONS
from rnnlite.quantization.params import LIMITS


@dataclass(frozen=True)
class Domain:
    """The integers that a kernel takes of an operand.

    Attributes:
        operand: the index of the operand.
        least: the smallest integer, counted from the zero point; None where there is none.
        both_signs: whether integers at least as far below the zero point are taken as well.
        logarithm: whether the largest one is the logarithm of the largest value of the result.
    """

    operand: int = 0
    least: int | None = None
    both_signs: bool = False
    logarithm: bool = False


DOMAINS = {
    "DIV": Domain(1, least=1, both_signs=True),
    "RSQRT": Domain(least=1),
    "LOG": Domain(least=1),
    "SQRT": Domain(least=0),
    "EXP": Domain(logarithm=True),
}


def keep_in_domain(
    value: Value, domain: Domain, *, signed: bool, result: Value
) -> tuple[list[Op], Value]:
    """Replace integers that a kernel does not take by the nearest integer that it takes.

    Args:
        value: the operand, of integers.
        domain: what the kernel takes of it.
        signed: whether values below zero are to be expected.
        result: the value that the kernel writes.

    Returns:
        ops to stand in front, and the value to take instead.
    """
    edit = _Edit(value)
    if domain.logarithm:
        top = result.scale * (LIMITS[result.type][1] - result.zero_point)
        limit = value.zero_point + math.floor(math.log(top) / value.scale)
        return edit.ops, edit.add_bound("MINIMUM", limit)
    if domain.both_signs and signed:
        return edit.ops, edit.add_without_zero()
    return edit.ops, edit.add_bound("MAXIMUM", value.zero_point + (domain.least or 0))


def drop_small_quotients(
    numerator: Value, divisor: Value, result: Value, *, signed: bool
) -> tuple[list[Op], Value]:
    """Replace the numerator by zero where the quotient would be less than half a step.

    Args:
        numerator, divisor, result: of a DIV, of int16.
        signed: whether divisors below zero are to be expected.

    Returns:
        ops to stand in front, and the numerator to take instead.
    """
    half = 0.5 * result.scale * divisor.scale / numerator.scale
    if half * LIMITS[divisor.type][1] < 1.0:
        return [], numerator
    # |numerator| < half |divisor|, in int32: 15 bits times 15 bits.
    most = 2**15
    factors = (most, round(half * most)) if half < 1.0 else (max(round(most / half), 1), most)
    edit = _Edit(numerator)
    low = edit.add_size(numerator, factors[0], signed=True)
    high = edit.add_size(divisor, factors[1], signed=signed)
    return edit.ops, edit.add_choice(edit.add_less(low, high, result), result)


class _Edit:
    """Ops on one value of integers."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.graph = value.graph
        self.ops: list[Op] = []

    def add_bound(self, kind: str, limit: int) -> Value:
        """Add a MINIMUM or MAXIMUM (`kind`) of the value and an integer."""
        low, high = LIMITS[self.value.type]
        bound = self._number(min(max(limit, low), high))
        return self._add(kind, [self.value, bound])

    def add_without_zero(self) -> Value:
        """Replace zeros of the value by one step above zero; compared as int32, see `integer`."""
        graph, zero = self.graph, self.value.zero_point
        size = graph.like(self.value, "int32")
        cast = graph.op("CAST", [self.value], [size], version=VERSIONS["CAST"][1])
        nothing = graph.constant(np.array(zero, np.int32))
        flag = graph.like(self.value, "bool")
        self.ops += [cast, graph.op("EQUAL", [size, nothing], [flag], options={})]
        return self._add("SELECT_V2", [flag, self._number(zero + 1), self.value])

    def add_size(self, value: Value, factor: int, *, signed: bool) -> Value:
        """Integers times a factor, in int32; where they may be negative, their absolute value."""
        cast = self.graph.like(value, "int32")
        self.ops.append(
            self.graph.op("CAST", [value], [cast], version=VERSIONS["CAST"][1], options={})
        )
        above = self._add_product(cast, factor)
        if not signed:
            return above
        size = self.graph.like(value, "int32")
        below = self._add_product(cast, -factor)
        self.ops.append(self.graph.op("MAXIMUM", [above, below], [size], options={}))
        return size

    def add_less(self, low: Value, high: Value, result: Value) -> Value:
        """A flag for each element of a result: whether `low` is less than `high`."""
        flag = self.graph.like(result, "bool")
        self.ops.append(self.graph.op("LESS", [low, high], [flag], options={}))
        return flag

    def add_choice(self, flag: Value, result: Value) -> Value:
        """For each element of a result: zero where the flag is set, the value elsewhere."""
        taken = self.graph.like(result, self.value.type, self.value.quantization)
        inputs = [flag, self._number(self.value.zero_point), self.value]
        version = VERSIONS.get("SELECT_V2", (1, 1))[1]
        self.ops.append(self.graph.op("SELECT_V2", inputs, [taken], version=version, options={}))
        return taken

    def _add_product(self, x: Value, factor: int) -> Value:
        product = self.graph.like(x)
        inputs = [x, self.graph.constant(np.array(factor, np.int32))]
        self.ops.append(self.graph.op("MUL", inputs, [product], options={}))
        return product

    def _number(self, number: int) -> Value:
        values = np.array(number, self.value.type)
        return self.graph.constant(values, quantization=self.value.quantization)

    def _add(self, kind: str, inputs: list[Value]) -> Value:
        result = self.graph.like(self.value, quantization=self.value.quantization)
        version = VERSIONS.get(kind, (1, 1))[0 if self.value.type == "int8" else 1]
        self.ops.append(self.graph.op(kind, inputs, [result], version=version, options={}))
        return result
