"""Numbers in shapes that are computed at run time, as functions of free axes.

What enters: a graph's values. What leaves: for a value of integers that holds sizes, each of its
numbers as a `Size` of `lengths.sizes`, in the free axes of the values whose SHAPE it was computed
from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from rnnlite.lengths.sizes import Axis, Size, floor_div, free, maximum, minimum, unknown
from rnnlite.lite.ir import Array, Op, Value

Numbers = list[Size] | None
"""The elements of a value in order; None where not even their count is known."""

LONGEST = 16
"""Vectors with more elements are not followed: they are no shapes."""


class Sizes:
    """Finds the numbers in values that hold sizes, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[Value, Array | None] = {}
        self._places: dict[Value, int] = {}
        self._values: list[Value] = []

    def of(self, value: Value) -> Numbers:
        """The elements of a value, flat; None where they are not known."""
        found = self.content(value)
        return None if found is None else list(found.reshape(-1))

    def size(self, value: Value, axis: int) -> Size:
        """The size of an axis of a value."""
        known = value.dims[axis]
        if known >= 0:
            return known
        if value not in self._places:
            self._places[value] = len(self._values)
            self._values.append(value)
        return free(Axis(self._places[value], axis))

    def owner(self, axis: Axis) -> Value:
        """The value that a free axis belongs to."""
        return self._values[axis.input]

    def content(self, value: Value) -> Array | None:
        """The elements of a value in its shape, as an array of objects; None where not known."""
        if value not in self._known:
            self._known[value] = None
            self._known[value] = self._read(value)
        return self._known[value]

    def _read(self, value: Value) -> Array | None:
        if value.type not in ("int32", "int64") or not 0 <= prod(value.dims) <= LONGEST:
            return None
        numbers = value.integers()
        if numbers is not None:
            return _objects(numbers, value.dims)
        op = value.producer
        if op is None:
            return None
        rule = _RULES.get(op.kind)
        found = rule(self, op, value) if rule is not None else None
        if found is None:
            return _objects([unknown() for _ in range(prod(value.dims))], value.dims)
        return found

    def _shape(self, op: Op, value: Value) -> Array | None:
        source = op.input(0)
        return _objects([self.size(source, k) for k in range(source.rank)], value.dims)

    def _gather(self, op: Op, value: Value) -> Array | None:
        numbers, places = self.content(op.input(0)), op.input(1).integers()
        if numbers is None or places is None or op.integer("batchDims"):
            return None
        taken = np.take(numbers, places, axis=op.integer("axis"))
        return _objects(list(taken.reshape(-1)), value.dims)

    def _strided_slice(self, op: Op, value: Value) -> Array | None:
        numbers = self.content(op.input(0))
        ends = [op.input(k).integers() for k in (1, 2, 3)]
        if numbers is None or op.flag("newAxisMask") or op.flag("ellipsisMask"):
            return None
        if any(e is None for e in ends):
            return None
        begin, end, shrink = (op.integer(f"{m}Mask") for m in ("begin", "end", "shrinkAxis"))
        index: list[slice | int] = []
        for k, (first, last, step) in enumerate(zip(*(e or [] for e in ends), strict=True)):
            if shrink >> k & 1:
                index.append(first)
                continue
            stop = None if end >> k & 1 else last
            index.append(slice(None if begin >> k & 1 else first, stop, step))
        return _objects(list(np.asarray(numbers[tuple(index)]).reshape(-1)), value.dims)

    def _slice(self, op: Op, value: Value) -> Array | None:
        numbers = self.content(op.input(0))
        begin, size = (op.input(k).integers() for k in (1, 2))
        if numbers is None or begin is None or size is None:
            return None
        ends = zip(begin, size, strict=True)
        index = tuple(slice(b, None if s < 0 else b + s) for b, s in ends)
        return _objects(list(numbers[index].reshape(-1)), value.dims)

    def _joined(self, op: Op, value: Value) -> Array | None:
        parts = [self.of(v) for v in op.operands]
        if any(p is None for p in parts) or op.integer("axis"):
            return None
        return _objects([n for p in parts for n in p or []], value.dims)

    def _unpacked(self, op: Op, value: Value) -> Array | None:
        numbers = self.content(op.input(0))
        if numbers is None or op.integer("axis"):
            return None
        place = op.outputs.index(value)
        return _objects(list(np.asarray(numbers[place]).reshape(-1)), value.dims)

    def _product(self, op: Op, value: Value) -> Array | None:
        numbers = self.of(op.input(0))
        if numbers is None or prod(value.dims) != 1:
            return None
        product: Size = 1
        for number in numbers:
            product = number * product
        return _objects([product], value.dims)

    def _pairs(self, op: Op, value: Value) -> Array | None:
        first, second = (self.content(v) for v in op.operands)
        if first is None or second is None or op.integer("fusedActivationFunction"):
            return None
        compute = ARITHMETIC[op.kind]
        a, b = np.broadcast_arrays(first, second)
        pairs = zip(a.reshape(-1), b.reshape(-1), strict=True)
        return _objects([compute(x, y) for x, y in pairs], value.dims)

    def _same(self, op: Op, value: Value) -> Array | None:
        numbers = self.of(op.input(0))
        return None if numbers is None else _objects(numbers, value.dims)


ARITHMETIC: dict[str, Callable[[Size, Size], Size]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "FLOOR_DIV": floor_div,
    "FLOOR_MOD": lambda a, b: a - floor_div(a, b) * b,
    "MAXIMUM": maximum,
    "MINIMUM": minimum,
}

_RULES: dict[str, Callable[[Sizes, Op, Value], Array | None]] = {
    "SHAPE": Sizes._shape,
    "GATHER": Sizes._gather,
    "STRIDED_SLICE": Sizes._strided_slice,
    "SLICE": Sizes._slice,
    "CONCATENATION": Sizes._joined,
    "PACK": Sizes._joined,
    "UNPACK": Sizes._unpacked,
    "REDUCE_PROD": Sizes._product,
    **dict.fromkeys(ARITHMETIC, Sizes._pairs),
    "RESHAPE": Sizes._same,
    "SQUEEZE": Sizes._same,
    "EXPAND_DIMS": Sizes._same,
    "CAST": Sizes._same,
}


def _objects(numbers: Sequence[Size], dims: tuple[int, ...]) -> Array | None:
    """Numbers in a shape; None where they do not fit."""
    if len(numbers) != prod(dims):
        return None
    found = np.empty(len(numbers), object)
    found[:] = numbers
    return found.reshape(dims)
