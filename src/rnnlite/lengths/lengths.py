"""The lengths that a model takes, as found by an analysis. Data, without TensorFlow.

What enters: how many steps each recurrence takes and what the ops demand, as functions of the free
axes of the inputs. What leaves: which of the axes are time, the least length of each, whether given
lengths fit, and lengths at which a recurrence takes a wanted number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from rnnlite.lengths.facts import Requirement
from rnnlite.lengths.sizes import Axis, Size
from rnnlite.lengths.values import axes_of, evaluate, is_known, substitute

LONGEST = 1 << 20
"""The largest length that is looked for."""

LONGEST_RUN = 1 << 10
"""The largest length at which a source is run to find the least one that it takes."""

NEARBY = 4096
"""How many lengths are tried one after the other, for demands that are no bounds."""

Values = dict[Axis, int]


@dataclass(frozen=True)
class Steps:
    """How many steps a recurrence takes.

    Attributes:
        size: the number of steps, as a function of the free axes.
        unroll: steps in an iteration.
        thresholds: numbers of steps beyond which its outputs are gathered by another strategy.
    """

    size: Size
    unroll: int = 1
    thresholds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Lengths:
    """How the lengths inside of a model follow from those of its inputs.

    Attributes:
        axes: the free axes of the inputs, in order, without the batch.
        steps: how many steps each recurrence takes.
        requirements: what the ops demand.
        tried: least lengths that were found by running the source, where the length of a recurrence
            is not known.
    """

    axes: tuple[Axis, ...] = ()
    steps: tuple[Steps, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    tried: tuple[tuple[Axis, int], ...] = ()

    @property
    def times(self) -> frozenset[Axis]:
        """The free axes that a recurrence runs over."""
        return frozenset(a for s in self.steps for a in axes_of(s.size)) & frozenset(self.axes)

    @property
    def known(self) -> bool:
        """Whether the length of every recurrence is known."""
        return all(is_known(s.size) for s in self.steps)

    def fits(self, values: Mapping[Axis, int]) -> bool:
        """Whether no op is known to refuse these lengths, or to be left without a step."""
        return all(r.kind == "meant" or r.holds(values) is not False for r in self.requirements)

    def with_tried(self, runs: Callable[[Values], bool]) -> Lengths:
        """These lengths, with the least length that a source takes when it is run.

        Args:
            runs: whether the source runs at some lengths.
        """
        least = first(lambda n: runs(dict.fromkeys(self.axes, n)), LONGEST_RUN)
        return self if least is None else replace(self, tried=tuple((a, least) for a in self.axes))

    def fixed(self, values: Mapping[Axis, int]) -> Lengths:
        """These lengths, with sizes put in for some free axes."""
        left = [r.fixed(values) for r in self.requirements]
        return Lengths(
            axes=tuple(a for a in self.axes if a not in values),
            steps=tuple(replace(s, size=substitute(s.size, values)) for s in self.steps),
            requirements=tuple(r for r in left if r is not None),
            tried=tuple((a, n) for a, n in self.tried if a not in values),
        )

    @cached_property
    def least(self) -> Values:
        """The least length of each free axis, where the others are long enough."""
        found: Values = {}
        for axis in self.axes:
            floor = max(self._bound(axis), dict(self.tried).get(axis, 1))
            near = range(floor, floor + NEARBY)
            if self._coupled(axis):
                found[axis] = next((n for n in near if self.completed({axis: n})), floor)
            else:
                found[axis] = next((n for n in near if self.fits({axis: n})), floor)
        return found

    def _bound(self, axis: Axis) -> int:
        """The least length that satisfies the lower bounds on this axis alone."""
        bounds = [r for r in self.requirements if r.kind == "least" and r.axes == {axis}]
        return first(lambda n: all(r.holds({axis: n}) for r in bounds)) or 1

    def _coupled(self, axis: Axis) -> bool:
        """Whether a requirement ties an axis to another."""
        tied = [r.axes for r in self.requirements if r.kind != "meant"]
        return any(len(axes) > 1 and axis in axes for axes in tied)

    def pinned(self) -> frozenset[Axis]:
        """Free axes that an op takes at one size only (or at a few that strides round to it)."""
        found = set()
        for requirement in self.requirements:
            if requirement.kind == "equal" and len(requirement.axes) == 1:
                (axis,) = requirement.axes
                # Two large lengths: sizes that are equal at both are equal at all.
                if not all(requirement.holds({axis: n}) for n in (LONGEST, LONGEST - 1)):
                    found.add(axis)
        return frozenset(found)

    def meant(self) -> list[tuple[Axis, int, str]]:
        """Free axes that an op is meant to take at one size, that size, and the name of the op."""
        found = []
        for requirement in self.requirements:
            if requirement.kind == "meant" and len(requirement.axes) == 1:
                (axis,) = requirement.axes
                size = next((n for n in range(1, NEARBY) if requirement.holds({axis: n})), None)
                if size is not None:
                    found.append((axis, size, requirement.op))
        return found

    def completed(
        self, values: Mapping[Axis, int], wanted: Mapping[Axis, int] | None = None
    ) -> Values | None:
        """Lengths for all free axes that fit, some of them given; None where none is found.

        Args:
            values: lengths of some axes.
            wanted: lengths to try first for the other axes.
        """
        found: Values = dict(values)
        if not self.fits(found):
            return None
        for axis in self.axes:
            if axis in found:
                continue
            first_one = (wanted or {}).get(axis, max(found.values(), default=1))
            start = max(self._bound(axis), 1)
            for n in (first_one, *range(start, start + NEARBY)):
                if self.fits({**found, axis: n}):
                    found[axis] = n
                    break
            else:
                return None
        return found

    def reaching(
        self, size: Size, axis: Axis, steps: int, others: Mapping[Axis, int]
    ) -> int | None:
        """The least length of an axis at which `size` is at least `steps`."""

        def enough(n: int) -> bool:
            found = evaluate(size, {**others, axis: n})
            return found is not None and found >= steps

        return first(enough)


def first(holds: Callable[[int], bool], longest: int = LONGEST) -> int | None:
    """The least number of which `holds` is true; it must be true of all larger ones too.

    None where it is true of none up to `longest`.
    """
    high = 1
    while not holds(high):
        high *= 2
        if high > longest:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
