"""Shapes that are computed at run time, as far as they are known beforehand.

What enters: a graph's values. What leaves: for an int32 value that holds sizes, each of its
numbers: an int, or a `Size` where it depends on the input. The ops that Keras and the converter
compute shapes with are followed: SHAPE, GATHER, STRIDED_SLICE, CONCATENATION, PACK, products,
RESHAPE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnlite.lite.ir import Op, Value


@dataclass(frozen=True)
class Size:
    """A number that depends on the input.

    Attributes:
        value: whose size it is; None where it is some other number.
        axis: of it.
        key: makes numbers that nothing is known of differ.
    """

    value: Value | None
    axis: int = 0
    key: object = field(default_factory=object)

    @classmethod
    def of(cls, value: Value, axis: int) -> Size:
        """The size of an axis."""
        return cls(value, axis, None)


Number = int | Size
Numbers = list[Number] | None
"""The elements of a value in order; None where not even their count is known."""

LONGEST = 16
"""Longer vectors are no shapes."""


class Sizes:
    """Asks for the numbers in values of sizes, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[Value, Numbers] = {}

    def of(self, value: Value) -> Numbers:
        """The elements of a value."""
        if value not in self._known:
            self._known[value] = None
            self._known[value] = self._read(value)
        return self._known[value]

    def _read(self, value: Value) -> Numbers:
        numbers = value.integers()
        if numbers is not None:
            return [*numbers] if len(numbers) <= LONGEST else None
        op = value.producer
        if op is None:
            return None
        rule = _RULES.get(op.kind)
        found = rule(self, op) if rule is not None else None
        return _unknown(value) if found is None else found

    def _shape(self, op: Op) -> Numbers:
        source = op.input(0)
        return [d if d >= 0 else Size.of(source, k) for k, d in enumerate(source.dims)]

    def _gather(self, op: Op) -> Numbers:
        numbers = self.of(op.input(0))
        places = op.input(1).integers()
        if numbers is None or places is None or op.integer("batchDims"):
            return None
        return [numbers[k] for k in places]

    def _slice(self, op: Op) -> Numbers:
        numbers = self.of(op.input(0))
        ends = [op.input(k).integers() for k in (1, 2, 3)]
        if numbers is None or len(op.input(0).dims) != 1:
            return None
        if any(e is None or len(e) != 1 for e in ends) or op.flag("newAxisMask"):
            return None
        begin, end, step = (e[0] for e in ends if e is not None)
        if op.flag("shrinkAxisMask"):
            return [numbers[begin]]
        first = None if op.flag("beginMask") else begin
        return numbers[first : None if op.flag("endMask") else end : step]

    def _joined(self, op: Op) -> Numbers:
        parts = [self.of(v) for v in op.operands]
        if any(p is None for p in parts):
            return None
        return [n for p in parts for n in p or []]

    def _product(self, op: Op) -> Numbers:
        numbers = self.of(op.input(0))
        if numbers is None or int(np.prod(op.output.dims)) != 1:
            return None
        return [_multiplied(numbers)]

    def _pairs(self, op: Op) -> Numbers:
        first, second = (self.of(v) for v in op.operands)
        if first is None or second is None:
            return None
        length = max(len(first), len(second))
        if len(first) not in (1, length) or len(second) not in (1, length):
            return None
        pairs = zip(_spread(first, length), _spread(second, length), strict=True)
        return [_multiplied(pair) for pair in pairs]

    def _same(self, op: Op) -> Numbers:
        return self.of(op.input(0))


_RULES: dict[str, Callable[[Sizes, Op], Numbers]] = {
    "SHAPE": Sizes._shape,
    "GATHER": Sizes._gather,
    "STRIDED_SLICE": Sizes._slice,
    "CONCATENATION": Sizes._joined,
    "PACK": Sizes._joined,
    "REDUCE_PROD": Sizes._product,
    "MUL": Sizes._pairs,
    "RESHAPE": Sizes._same,
    "SQUEEZE": Sizes._same,
    "EXPAND_DIMS": Sizes._same,
    "CAST": Sizes._same,
}


def _unknown(value: Value) -> Numbers:
    """As many unknown numbers as a value of integers has elements."""
    count = int(np.prod(value.dims))
    if value.type not in ("int32", "int64") or not 0 <= count <= LONGEST:
        return None
    return [Size(None) for _ in range(count)]


def _multiplied(numbers: Sequence[Number]) -> Number:
    known = int(np.prod([n for n in numbers if isinstance(n, int)]))
    unknown = [n for n in numbers if not isinstance(n, int)]
    if not unknown:
        return known
    return unknown[0] if len(unknown) == 1 and known == 1 else Size(None)


def _spread(numbers: list[Number], length: int) -> list[Number]:
    return numbers * length if len(numbers) == 1 else numbers
