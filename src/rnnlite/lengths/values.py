"""Sizes at given lengths of the free axes: their values, and the axes that they depend on.

What enters: a `Size`, and lengths by `Axis`. What leaves: a number, a simpler `Size`, or axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnlite.lengths.sizes import (
    Atom,
    Axis,
    Floor,
    Larger,
    Opaque,
    Size,
    floor_div,
    free,
    maximum,
    size_of,
    terms_of,
)


def evaluate(size: Size, values: Mapping[Axis, int]) -> int | None:
    """The number that a size has at these lengths; None where it depends on unknown ones."""
    if isinstance(size, int):
        return size
    total = 0
    for monomial, factor in size.terms:
        for atom in monomial:
            value = _value(atom, values)
            if value is None:
                return None
            factor *= value
        total += factor
    return total


def _value(atom: Atom, values: Mapping[Axis, int]) -> int | None:
    if isinstance(atom, Axis):
        return values.get(atom)
    if isinstance(atom, Floor):
        of = evaluate(atom.of, values)
        return None if of is None else of // atom.by
    if isinstance(atom, Larger):
        one, other = evaluate(atom.one, values), evaluate(atom.other, values)
        return None if one is None or other is None else max(one, other)
    return None


def substitute(size: Size, values: Mapping[Axis, int]) -> Size:
    """The size with the lengths of some free axes put in."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, factor in size.terms:
        term: Size = factor
        for atom in monomial:
            term = term * _substituted(atom, values)
        total = total + term
    return total


def _substituted(atom: Atom, values: Mapping[Axis, int]) -> Size:
    if isinstance(atom, Axis):
        return values[atom] if atom in values else free(atom)
    if isinstance(atom, Floor):
        return floor_div(substitute(atom.of, values), atom.by)
    if isinstance(atom, Larger):
        return maximum(substitute(atom.one, values), substitute(atom.other, values))
    return size_of({(atom,): 1})


def axes_of(size: Size) -> frozenset[Axis]:
    """The free axes that a size depends on."""
    return frozenset(a for a in _atoms(size) if isinstance(a, Axis))


def is_known(size: Size) -> bool:
    """Whether a size depends on free axes only."""
    return not any(isinstance(a, Opaque) for a in _atoms(size))


def _atoms(size: Size) -> Iterator[Atom]:
    """All atoms of a size, those within other atoms too."""
    for monomial, _ in terms_of(size):
        for atom in monomial:
            yield atom
            if isinstance(atom, Floor):
                yield from _atoms(atom.of)
            elif isinstance(atom, Larger):
                yield from _atoms(atom.one)
                yield from _atoms(atom.other)
