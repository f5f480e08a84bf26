"""The lengths at which a model is compared with its source.

What enters: the `Lengths` of a model. What leaves: sizes of its free axes. They are the least
sizes, and sizes at which each recurrence takes the wanted numbers of steps. Strides in front of a
recurrence are allowed for: they divide some of the lengths, and others not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnlite.lengths.lengths import Lengths, Steps, Values
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.values import axes_of, evaluate, is_known

WANTED = (19, 1, 5, 8)
"""Numbers of steps: long and short; some are multiples of the unrolled steps, some are not."""

PAST_A_THRESHOLD = 3
"""How many steps a length is past a threshold, to compare the strategy that begins there."""

LONGER = (33, 64, 100, 128, 200, 256, 300, 400)
"""Numbers of steps that replace, in turn, lengths that the source refuses."""

MOST = 6
"""If as many lengths are found, none are added for recurrences at other paces."""


def compared(lengths: Lengths) -> list[Values]:
    """Lengths to compare at, the least ones among them; those past thresholds come first."""
    paces = _paces(lengths)
    found: list[Values] = []
    for steps in _past_thresholds(lengths):
        _add(found, lengths, _values(lengths, [steps], _wanted_of(steps), last=False))
    for k, wanted in enumerate(WANTED):
        values = lengths.least if wanted == 1 else None
        if values is None:
            values = _values(lengths, paces, wanted, last=k % 2 == 0)
        _add(found, lengths, values)
    for steps in paces[1:]:
        # A recurrence at another pace is compared below, at and above its unrolled steps as well.
        for wanted in WANTED[2:]:
            if len(found) < MOST and not _taken(found, steps, wanted):
                _add(found, lengths, _values(lengths, [steps, *paces], wanted, last=False))
    return found


def longer(lengths: Lengths) -> Iterator[Values]:
    """Further lengths, where the source refuses some."""
    for wanted in LONGER:
        values = _values(lengths, _paces(lengths), wanted, last=False)
        if values is not None:
            yield values


def unequal(lengths: Lengths) -> Values | None:
    """Lengths that differ from input to input, where nothing ties them to each other."""
    found: Values = {}
    for axis in lengths.axes:
        found[axis] = max(5 + 2 * axis.input, lengths.least[axis] + axis.input)
    if lengths.fits(found):
        return found
    return lengths.completed({lengths.axes[0]: found[lengths.axes[0]]}, found)


def shown(values: Values, lengths: Lengths) -> int:
    """The number that stands for several lengths: that of an axis that a recurrence runs over."""
    order = [a for a in lengths.axes if a in lengths.times] or lengths.axes
    return next((values[a] for a in order if a in values), 0)


def _paces(lengths: Lengths) -> list[Steps]:
    """Recurrences that take different numbers of steps, the one with the fewest first."""
    found = {s.size: s for s in lengths.steps if is_known(s.size) and axes_of(s.size)}
    far = dict.fromkeys(lengths.axes, 1 << 12)
    return sorted(found.values(), key=lambda s: evaluate(s.size, far) or 0)


def _past_thresholds(lengths: Lengths) -> list[Steps]:
    """Recurrences with one threshold each, at most the two largest of each; longest first."""
    past = {
        (s.size, threshold): Steps(s.size, s.unroll, (threshold,))
        for s in lengths.steps
        if is_known(s.size) and axes_of(s.size)
        for threshold in s.thresholds
        if threshold + PAST_A_THRESHOLD > WANTED[0]
    }
    by_size: dict[object, list[Steps]] = {}
    for (size, _), steps in past.items():
        by_size.setdefault(size, []).append(steps)
    found = [s for several in by_size.values() for s in sorted(several, key=_wanted_of)[-2:]]
    return sorted(found, key=_wanted_of, reverse=True)


def _wanted_of(steps: Steps) -> int:
    return steps.thresholds[0] + PAST_A_THRESHOLD


def _values(lengths: Lengths, paces: Sequence[Steps], wanted: int, *, last: bool) -> Values | None:
    """Lengths at which recurrences take `wanted` steps: the least such ones, or the largest."""
    least = lengths.least
    found: Values = {}
    for axis in lengths.axes:
        pace = next((s for s in paces if axis in axes_of(s.size)), None)
        size = wanted
        if pace is not None:
            first = lengths.reaching(pace.size, axis, wanted, least)
            after = lengths.reaching(pace.size, axis, wanted + 1, least)
            if first is None or after is None:
                return None
            size = max(after - 1, first) if last else first
        found[axis] = max(size, least[axis])
    return found


def _add(found: list[Values], lengths: Lengths, values: Values | None) -> None:
    """Add lengths, changed until they fit what ties axes to each other."""
    if values is None:
        return
    if not lengths.fits(values):
        first: Axis = lengths.axes[0]
        near = range(values[first], values[first] + MOST * len(WANTED))
        several = (lengths.completed({first: n}, values) for n in near)
        values = next((v for v in several if v is not None), None)
    if values is not None and values not in found:
        found.append(values)


def _taken(found: Sequence[Values], steps: Steps, wanted: int) -> bool:
    """Whether a recurrence already takes, at some length, as many steps modulo its unroll."""
    counts = [evaluate(steps.size, values) or 0 for values in found]
    return any(n % steps.unroll == wanted % steps.unroll for n in counts)
