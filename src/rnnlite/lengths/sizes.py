"""The algebra of sizes: how long an axis is, as a function of the free axes of the inputs.

What enters: sizes. What leaves: sizes, in a normal form.

A `Size` is an int, or an `Expression`: a sum of products of atoms with whole coefficients. Atoms:

- `Axis`: a free axis of an input, at least 1;
- `Floor`: floor(p / d) of an expression, which strides and pooling give;
- `Larger`: max(p, q), which slices give;
- `Opaque`: a number of which nothing is known, not even that it is at least 1.

Every operation gives its result in normal form, so that equal sizes mostly compare equal: a floor
of a floor becomes one floor, whole parts are taken out of floors, and ceil(p / d) is floor((p + d -
1) / d). Sizes
that compare unequal may still be equal; `values.evaluate` decides for given lengths.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, Union


@dataclass(frozen=True, order=True)
class Axis:
    """A free axis of an input: the indices of the input and of the axis."""

    input: int
    axis: int

    @property
    def key(self) -> str:
        """What atoms are ordered by, and shown as."""
        return f"n{self.input}.{self.axis}"


@dataclass(frozen=True)
class Opaque:
    """A number of which nothing is known; it is equal only to itself."""

    number: int

    @property
    def key(self) -> str:
        """What atoms are ordered by, and shown as."""
        return f"?{self.number}"


@dataclass(frozen=True)
class Floor:
    """floor(of / by), by > 1."""

    of: Expression
    by: int

    @cached_property
    def key(self) -> str:
        """What atoms are ordered by, and shown as."""
        return f"floor(({self.of}) / {self.by})"


@dataclass(frozen=True)
class Larger:
    """max(one, other)."""

    one: Size
    other: Size

    @cached_property
    def key(self) -> str:
        """What atoms are ordered by, and shown as."""
        return f"max({self.one}, {self.other})"


Atom: TypeAlias = Axis | Opaque | Floor | Larger
Monomial: TypeAlias = tuple[Atom, ...]
"""A product of atoms, ordered by their keys; the empty one is 1."""


class Expression:
    """A sum of products of atoms. Immutable; arithmetic on sizes makes it.

    Attributes:
        terms: the monomials and their coefficients, none of which is 0, in a fixed order.
    """

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms
        self._hash = hash(terms)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.terms == other.terms

    def __add__(self, other: Size) -> Size:
        found = dict(self.terms)
        for monomial, factor in terms_of(other):
            found[monomial] = found.get(monomial, 0) + factor
        return size_of(found)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        return self + other * -1

    def __rsub__(self, other: Size) -> Size:
        return self * -1 + other

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, int):
            return size_of({m: f * other for m, f in self.terms})
        found: dict[Monomial, int] = {}
        for (a, f), (b, g) in itertools.product(self.terms, terms_of(other)):
            monomial = tuple(sorted((*a, *b), key=_key))
            found[monomial] = found.get(monomial, 0) + f * g
        return size_of(found)

    __rmul__ = __mul__

    def __str__(self) -> str:
        parts = []
        for monomial, factor in self.terms:
            names = [a.key for a in monomial]
            parts.append(" ".join([str(factor)] * (factor != 1 or not names) + names))
        return " + ".join(parts)

    __repr__ = __str__


Size: TypeAlias = Union[int, Expression]  # noqa: UP007 (a forward reference in `Larger`)

_numbers = itertools.count()


def free(axis: Axis) -> Size:
    """The size of a free axis."""
    return size_of({(axis,): 1})


def unknown() -> Size:
    """A size of which nothing is known; it is equal only to itself."""
    return size_of({(Opaque(next(_numbers)),): 1})


def floor_div(size: Size, by: Size) -> Size:
    """floor(size / by); unknown where `by` is no number and the division is not exact."""
    if isinstance(by, Expression):
        quotient, exact = divided(size, by)
        return quotient if exact else unknown()
    if by <= 0:
        return unknown()
    if isinstance(size, int):
        return size // by
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, factor in size.terms:
        left = factor % by if not monomial else math.copysign(abs(factor) % by, factor)
        rest[monomial] = int(left)
        whole[monomial] = (factor - int(left)) // by
    return size_of(whole) + _floor(size_of(rest), by)


def _floor(rest: Size, by: int) -> Size:
    """floor(rest / by) in normal form; coefficients are below `by` already."""
    if isinstance(rest, int):
        return rest // by
    lead = next(f for m, f in rest.terms if m)
    if lead < 0:
        # floor(p / d) = -ceil(-p / d)
        return -1 * floor_div(-rest + (by - 1), by)
    constant = dict(rest.terms).get((), 0)
    body = rest - constant
    if isinstance(body, Expression) and len(body.terms) == 1:
        (monomial, factor) = body.terms[0]
        if factor == 1 and len(monomial) == 1 and isinstance(monomial[0], Floor):
            # A floor of a floor.
            inner = monomial[0]
            return floor_div(inner.of + constant * inner.by, inner.by * by)
    common = math.gcd(by, *(f for m, f in rest.terms if m))
    if common > 1:
        parts = {m: f // common for m, f in rest.terms}
        return floor_div(size_of(parts), by // common)
    return size_of({(Floor(rest, by),): 1})


def ceil_div(size: Size, by: int) -> Size:
    """ceil(size / by)."""
    return floor_div(size + (by - 1), by)


def maximum(one: Size, other: Size) -> Size:
    """The larger of two."""
    difference = one - other
    if isinstance(difference, int):
        return one if difference >= 0 else other
    if least_value(difference) >= 0:
        return one
    if least_value(-difference) >= 0:
        return other
    a, b = sorted((one, other), key=str)
    return size_of({(Larger(a, b),): 1})


def minimum(one: Size, other: Size) -> Size:
    """The smaller of two."""
    return one + other - maximum(one, other)


def divided(size: Size, by: Size) -> tuple[Size, bool]:
    """size / by, and whether the division is exact for every length.

    Where it is not, the quotient is rounded down, or unknown.
    """
    size, by = reduced(size, by)
    if isinstance(by, int):
        if by == 0:
            return unknown(), False
        if all(f % by == 0 for _, f in terms_of(size)):
            return size_of({m: f // by for m, f in terms_of(size)}), True
        return floor_div(size, by), False
    quotient = _long_division(size, by)
    return (unknown(), False) if quotient is None else (quotient, True)


def reduced(size: Size, by: Size) -> tuple[Size, Size]:
    """Both sizes divided by the atoms that are in each of their terms, often the batch."""
    if isinstance(size, int) or isinstance(by, int):
        return size, by
    for atom in dict.fromkeys(by.terms[0][0]):
        while True:
            both = [_without(t, atom) for t in (terms_of(size), terms_of(by))]
            if both[0] is None or both[1] is None:
                break
            size, by = both[0], both[1]
    return size, by


def _without(terms: tuple[tuple[Monomial, int], ...], atom: Atom) -> Size | None:
    found: dict[Monomial, int] = {}
    for monomial, factor in terms:
        if atom not in monomial:
            return None
        place = monomial.index(atom)
        found[(*monomial[:place], *monomial[place + 1 :])] = factor
    return size_of(found)


def _long_division(size: Size, by: Expression) -> Size | None:
    """The quotient of two polynomials if there is no remainder, else None."""
    quotient: Size = 0
    lead, factor = max(by.terms, key=_degree)
    for _ in range(32):
        if size == 0:
            return quotient
        monomial, f = max(terms_of(size), key=_degree)
        rest = list(monomial)
        for atom in lead:
            if atom not in rest:
                return None
            rest.remove(atom)
        if f % factor:
            return None
        step = size_of({tuple(rest): f // factor})
        quotient, size = quotient + step, size - step * by
    return None


def _degree(term: tuple[Monomial, int]) -> tuple[int, list[str]]:
    return len(term[0]), [a.key for a in term[0]]


def least_value(size: Size) -> float:
    """A lower bound of a size, with free axes of at least 1; minus infinity if none is found."""
    total = 0.0
    for monomial, factor in terms_of(size):
        bounds = [_least_atom(a) for a in monomial]
        if not monomial:
            total += factor
        elif factor < 0 or min(bounds) < 0:
            return -math.inf
        else:
            total += factor * math.prod(bounds)
    return total


def _least_atom(atom: Atom) -> float:
    if isinstance(atom, Axis):
        return 1
    if isinstance(atom, Floor):
        of = least_value(atom.of)
        return of if of == -math.inf else of // atom.by
    if isinstance(atom, Larger):
        return max(least_value(atom.one), least_value(atom.other))
    return -math.inf


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """The monomials of a size and their coefficients, none of which is 0."""
    if isinstance(size, Expression):
        return size.terms
    return (((), size),) if size else ()


def size_of(terms: Mapping[Monomial, int]) -> Size:
    """The size with these terms; an int if it depends on nothing."""
    found = [(m, f) for m, f in terms.items() if f]
    if not found:
        return 0
    if len(found) == 1 and not found[0][0]:
        return found[0][1]
    found.sort(key=lambda term: (not term[0], [a.key for a in term[0]]))
    return Expression(tuple(found))


def _key(atom: Atom) -> str:
    return atom.key
