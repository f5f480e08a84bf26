"""The content of a tensor that a mask's constant reaches, as a few cases.

What enters: the cases of an op's operands. What leaves: those of its result. A case is a range of
values, in the float model and with the stand-in of the mask's constant: `(1 - m) * -1e9` is 0 in
both where m is 1, and -1e9 or its stand-in where m is 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.quantization.params import Array, Range, union

MOST_POINTS = 8
"""The most single values that are told apart; of a tensor of more, the range alone is kept."""

SMALL = 4096
"""The most elements of a constant whose values are listed; a larger one is a table."""


@dataclass(frozen=True)
class Case:
    """Some of a tensor's elements.

    Attributes:
        old: their range in the float model.
        new: their range with stand-ins.
        moved: whether the stand-ins change these elements.
    """

    old: Range
    new: Range
    moved: bool

    @property
    def is_point(self) -> bool:
        """Whether all of them have one value."""
        return self.old[0] == self.old[1] and self.new[0] == self.new[1]

    @property
    def side(self) -> int:
        """-1 where the middle of the elements' range in the float model is below zero, else 1."""
        return -1 if self.old[0] + self.old[1] < 0 else 1

    @property
    def swallows(self) -> bool:
        """Whether the numbers are so large that float32 loses what was added to the constant."""
        size = min(abs(self.old[0]), abs(self.old[1]))
        if not np.isfinite(size) or size >= float(np.finfo(np.float32).max):
            return True
        return bool(np.spacing(np.float32(size)) >= self.old[1] - self.old[0])


@dataclass(frozen=True)
class Cases:
    """All cases of a tensor.

    Attributes:
        cases: at least one.
        origins: the numbers of the constants whose stand-ins reach the moved cases.
    """

    cases: tuple[Case, ...]
    origins: frozenset[int] = frozenset()

    @property
    def moved(self) -> list[Case]:
        """The cases that differ from the float model's."""
        return [c for c in self.cases if c.moved]

    @property
    def is_moved(self) -> bool:
        """Whether some elements differ from the float model's."""
        return any(c.moved for c in self.cases)

    @property
    def is_finite(self) -> bool:
        """Whether every case is a single value, so that the content is known without data."""
        return all(c.is_point for c in self.cases)

    @property
    def plain(self) -> Range | None:
        """The range of the elements that are as in the float model."""
        return _hull(c.new for c in self.cases if not c.moved)

    @property
    def range(self) -> Range:
        """The range with stand-ins."""
        found = _hull(c.new for c in self.cases)
        if found is None:
            raise InternalError("a value without cases")
        return found


def point(value: float) -> Case:
    """The case of elements that hold one value, which no stand-in changes."""
    return Case((value, value), (value, value), moved=False)


def ordinary(values: Range) -> Cases:
    """An ordinary tensor of a known range."""
    return Cases((Case(values, values, moved=False),))


def points(values: Iterable[float]) -> Cases:
    """A tensor that holds these values alone."""
    return Cases(tuple(point(v) for v in values))


@dataclass(frozen=True)
class Constant:
    """What a constant holds.

    Attributes:
        far: its large elements, each once.
        near: the others, each once, or the smallest and largest where they are many.
        few: whether `near` holds all other elements, not only the smallest and largest.
    """

    far: tuple[float, ...]
    near: tuple[float, ...]
    few: bool = True

    @classmethod
    def of(cls, values: Array, large: float) -> Constant:
        """What an array of any shape holds; elements with |x| >= `large` are far."""
        flat = values.astype(np.float64).ravel()
        is_far = np.abs(flat) >= large
        far, near = np.unique(flat[is_far]), flat[~is_far]
        if len(near) <= SMALL:
            near = np.unique(near)
        few = len(near) <= MOST_POINTS
        listed = near.tolist() if few else [float(near.min()), float(near.max())]
        return cls(tuple(far.tolist()), tuple(listed), few)

    def value(self, origin: int | None = None, size: float = 0.0) -> Cases | None:
        """The constant as cases.

        With an origin, the large elements become `size`, with their sign. Without an origin they
        stay; None where they are infinite.
        """
        if origin is None and not np.isfinite(self.far).all():
            return None
        if origin is None:
            found = [point(v) for v in self.far]
        else:
            found = [Case((v, v), _both(float(np.copysign(size, v))), moved=True) for v in self.far]
        if self.few:
            found += [point(v) for v in self.near]
        else:
            ends = self.near[0], self.near[-1]
            found.append(Case(ends, ends, moved=False))
        return tidy(found, frozenset() if origin is None else frozenset([origin]))


def tidy(cases: Iterable[Case], origins: frozenset[int]) -> Cases | None:
    """Reduce cases to a few, of different content; None where a case holds NaN."""
    found: list[Case] = []
    for case in cases:
        if np.isnan([*case.old, *case.new]).any():
            return None
        if case.is_point and case.old == case.new:
            case = point(case.old[0])
        if case not in found:
            found.append(case)
    if len(found) > MOST_POINTS or not all(c.is_point for c in found):
        found = _merged(found)
    value = Cases(tuple(found))
    return Cases(value.cases, origins if value.is_moved else frozenset())


def join(values: Iterable[Cases]) -> Cases | None:
    """A tensor whose elements come from several others."""
    listed = list(values)
    return tidy([c for v in listed for c in v.cases], _origins(listed))


def combine(function: Callable[[Range, Range], Range], a: Cases, b: Cases) -> Cases | None:
    """The cases of an op of two operands, element by element, from a function of two ranges."""
    cases = []
    for x, y in itertools.product(a.cases, b.cases):
        old, new = function(x.old, y.old), function(x.new, y.new)
        cases.append(Case(old, new, moved=x.moved or y.moved))
    return tidy(cases, _origins([a, b]))


def add(a: Range, b: Range) -> Range:
    """The range of a sum."""
    return a[0] + b[0], a[1] + b[1]


def subtract(a: Range, b: Range) -> Range:
    """The range of a difference."""
    return a[0] - b[1], a[1] - b[0]


def multiply(a: Range, b: Range) -> Range:
    """The range of a product."""
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def divide(a: Range, b: Range) -> Range:
    """The range of a quotient; NaN where the divisor may be 0."""
    if b[0] <= 0.0 <= b[1]:
        return float("nan"), float("nan")
    return multiply(a, (1.0 / b[1], 1.0 / b[0]))


def maximum(a: Range, b: Range) -> Range:
    """The range of the larger of two."""
    return max(a[0], b[0]), max(a[1], b[1])


def minimum(a: Range, b: Range) -> Range:
    """The range of the smaller of two."""
    return min(a[0], b[0]), min(a[1], b[1])


def same_order(a: Cases, b: Cases) -> bool:
    """Whether all comparisons between two tensors come out as in the float model."""
    for x, y in itertools.product(a.cases, b.cases):
        if not (x.moved or y.moved):
            continue
        below = x.old[1] < y.old[0] and x.new[1] < y.new[0]
        above = x.old[0] > y.old[1] and x.new[0] > y.new[1]
        if not (below or above):
            return False
    return True


def _merged(cases: list[Case]) -> list[Case]:
    """One case each of plain elements, of those moved down and of those moved up."""
    kinds: dict[int, Case] = {}
    for case in cases:
        kind = 0 if not case.moved else (-1 if case.old[0] + case.old[1] < 0 else 1)
        known = kinds.get(kind)
        kinds[kind] = (
            case
            if known is None
            else Case(union(known.old, case.old), union(known.new, case.new), case.moved)
        )
    return list(kinds.values())


def _origins(values: list[Cases]) -> frozenset[int]:
    return frozenset().union(*(v.origins for v in values))


def _hull(ranges: Iterable[Range]) -> Range | None:
    found = None
    for values in ranges:
        found = values if found is None else union(found, values)
    return found


def _both(value: float) -> Range:
    return value, value
