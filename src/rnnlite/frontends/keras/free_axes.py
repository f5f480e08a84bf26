"""Find the axes of inputs of fixed shape that may be free: those that a recurrence runs over.

What enters: the inputs as the model declares them, and ways to trace and to run it. What leaves:
the axes that are free. An axis is tried by tracing the model with it free, and following the sizes
(`rnnlite.lengths`). The result is confirmed by running the source at other lengths, at which a
recurrence takes another number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rnnlite.lengths.lengths import Lengths, Values
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.values import axes_of, evaluate
from rnnlite.scan.scan import Lowered, Recurrence
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import Array, TensorSpec

Free = dict[int, tuple[int, ...]]
"""Index of an input -> its free axes."""

OTHERS = 2
"""At how many other lengths a freed model is run."""

SEARCHED = 512
"""How many lengths above the declared one are searched for these."""


@dataclass(frozen=True, eq=False)
class Traced:
    """The model traced for some inputs, with its recurrences lowered.

    Attributes:
        function: the ConcreteFunction.
        names: the names of its outputs.
        records: one for each recurrence.
        notes: what was changed in the model, for the user.
        lengths: how the lengths inside follow from those of the inputs.
        scans: the Scans, with their results in `function`.
    """

    function: ConcreteFunction
    names: tuple[str, ...]
    records: tuple[Recurrence, ...]
    notes: tuple[str, ...]
    lengths: Lengths
    scans: tuple[Lowered, ...] = ()


@dataclass(frozen=True, eq=False)
class Probes:
    """Ways to probe a model at given inputs; each raises what the source raises.

    Attributes:
        trace: traces the model and lowers its recurrences.
        reference: makes the source's own function for given inputs.
        sample: makes random inputs, with free axes of the given lengths.
        channels_first: whether convolutions of the model have channels first.
    """

    trace: Callable[[Sequence[TensorSpec]], Traced]
    reference: Callable[[Sequence[TensorSpec]], Callable[[Sequence[Array]], list[Array]]]
    sample: Callable[[Sequence[TensorSpec], int | Mapping[Axis, int]], list[Array]]
    channels_first: bool


@dataclass(frozen=True, eq=False)
class Freed:
    """The result of the search for free axes.

    Attributes:
        free: the free axes of each input that has any.
        failure: the first failure of a probe, if there was one.
        kept: for each other input that may be a sequence, further shapes: running them shows which
            layer pins it.
    """

    free: Free
    failure: BaseException | None
    kept: dict[int, list[tuple[int | None, ...]]]


def may_be_freed(spec: TensorSpec) -> bool:
    """Whether an input of fixed shape may be a sequence: features, token ids or a mask."""
    fixed = None not in spec.sample_shape
    return fixed and (
        len(spec.shape) >= 3 or (len(spec.shape) == 2 and not spec.dtype.startswith("float"))
    )


def with_free(
    inputs: Sequence[TensorSpec], free: Mapping[int, Sequence[int]]
) -> tuple[TensorSpec, ...]:
    """The inputs with these axes free."""
    return tuple(
        replace(
            p, shape=tuple(None if axis in free.get(k, ()) else d for axis, d in enumerate(p.shape))
        )
        for k, p in enumerate(inputs)
    )


def freed(inputs: Sequence[TensorSpec], probes: Probes) -> Freed:
    """Free the axes that the model allows: of all inputs at once, or else of one after the other.

    Args:
        inputs: the inputs as the model declares them, with the batch decided.
        probes: traces and runs the model.
    """
    search = _Search(inputs, probes)
    search.choose()
    search.drop_pinned()
    search.confirm()
    return Freed(search.free, search.failure, search.kept())


class _Search:
    """The search for the free axes of one model, probe by probe.

    Attributes:
        free: the axes that are found to be free so far.
        failure: the first failure of a probe.
    """

    def __init__(self, inputs: Sequence[TensorSpec], probes: Probes) -> None:
        self.inputs, self.probes = inputs, probes
        self.pinned = [k for k, p in enumerate(inputs) if may_be_freed(p)]
        self.free: Free = {}
        self.failure: BaseException | None = None
        self._seen: dict[int, Lengths] = {}

    def choose(self) -> None:
        """Choose the axes of time of each input: those that a recurrence runs over.

        If no recurrence runs over an axis, the first set of axes that can be free is chosen.
        """
        choices = {k: self._choices(k) for k in self.pinned}
        together = {k: found[0] for k, found in choices.items()}
        tried = self._lengths(together)
        fallback: Free = {}
        for k in self.pinned:
            for axes in choices[k]:
                first = axes == together[k]
                if first and tried is None and len(self.pinned) == 1:
                    continue
                lengths = tried if first and tried else self._lengths({**self.free, k: axes})
                if lengths is None:
                    continue
                chosen, times = _time_of(lengths, k, axes, self.inputs[k])
                if chosen and times:
                    self.free[k] = chosen
                elif chosen:
                    fallback.setdefault(k, chosen)
                if first and self._explained(lengths, k, axes):
                    break
                if chosen and times:
                    break
            if k not in self.free and k in fallback:
                self.free[k] = fallback[k]

    def _explained(self, lengths: Lengths, k: int, axes: Sequence[int]) -> bool:
        """Whether no recurrence can run over another axis of an input."""
        if any(Axis(k, axis) in lengths.times for axis in axes):
            return True
        if len(axes) > 1:
            return not self._may_be_images(k)
        return all(axes_of(s.size) for s in lengths.steps)

    def _choices(self, k: int) -> list[tuple[int, ...]]:
        """Sets of axes that may be time, the likeliest first."""
        rank = len(self.inputs[k].shape)
        if rank <= 2:
            return [(1,)]
        if rank == 3:
            return [(1,), (2,)]
        first = 2 if self.probes.channels_first else 1
        space = tuple(range(first, first + rank - 2))
        images = [(1,)] if self._may_be_images(k) else []
        return [space, *images, *((axis,) for axis in space)]

    def _may_be_images(self, k: int) -> bool:
        """Whether an input may be a sequence of images, with time in front of the channels."""
        return self.probes.channels_first and len(self.inputs[k].shape) > 4

    def _lengths(self, free: Free) -> Lengths | None:
        """The lengths of the model with these axes free; None where the model refuses that."""
        try:
            lengths = self.probes.trace(with_free(self.inputs, free)).lengths
        except Exception as e:  # noqa: BLE001 - whatever the source raises; another choice may do
            self.failure = self.failure or e
            return None
        for k, axes in free.items():
            others = {
                Axis(j, axis): self._size(j, axis)
                for j, several in free.items()
                for axis in several
                if j != k
            }
            if k not in self._seen or len(axes) > 1:
                self._seen[k] = lengths.fixed(others)
        return lengths

    def _size(self, k: int, axis: int) -> int:
        return self.inputs[k].shape[axis] or 1

    def drop_pinned(self) -> None:
        """Drop axes that an op pins while all chosen axes are free, until none is pinned."""
        while self.free:
            lengths = self._lengths(self.free)
            pinned = set() if lengths is None else lengths.pinned()
            if lengths is not None and not pinned:
                return
            for k in list(self.free):
                left = tuple(a for a in self.free[k] if lengths and Axis(k, a) not in pinned)
                self.free[k] = left
                if not left:
                    del self.free[k]

    def confirm(self) -> None:
        """Run the source at other lengths: with all inputs freed, or else one by one."""
        if not self.free or self._runs(self.free):
            return
        confirmed: Free = {}
        for k, axes in self.free.items() if len(self.free) > 1 else ():
            if self._runs({**confirmed, k: axes}):
                confirmed[k] = axes
        self.free = confirmed

    def _runs(self, free: Free) -> bool:
        candidate = with_free(self.inputs, free)
        declared = {Axis(k, axis): self._size(k, axis) for k, axes in free.items() for axis in axes}
        try:
            lengths = self.probes.trace(candidate).lengths
            # Axes that the model itself leaves free take lengths too.
            declared = lengths.completed(declared) or declared
            reference = self.probes.reference(candidate)
            for values in other_lengths(lengths, declared):
                reference(self.probes.sample(candidate, values))
        except Exception as e:  # noqa: BLE001 - whatever the source raises
            self.failure = self.failure or e
            return False
        return True

    def kept(self) -> dict[int, list[tuple[int | None, ...]]]:
        """See `Freed.kept`. Images are left out if nothing pins them."""
        found = {}
        for k in self.pinned:
            if k in self.free:
                continue
            shape = self.inputs[k].shape
            lengths = self._seen.get(k)
            axes = [1]
            if lengths is not None:
                axes = [a.axis for a in lengths.axes if a.input == k]
                pins = [a for a in axes if Axis(k, a) in _alone(lengths, k, a, shape).pinned()]
                axes = pins or axes
                if len(shape) > 3 and not (lengths.steps and pins):
                    continue
            found[k] = [
                (*shape[:axis], size, *shape[axis + 1 :])
                for axis in axes
                for size in _refused(lengths, k, axis, shape)
            ]
        return found


def _time_of(
    lengths: Lengths, k: int, axes: Sequence[int], spec: TensorSpec
) -> tuple[tuple[int, ...], bool]:
    """The axes of time among these, and whether a recurrence runs over them.

    Each axis is checked with the others at their declared sizes: axes that are free at the same
    time may seem to be mixed.
    """
    alone = {axis: _alone(lengths, k, axis, spec.shape) for axis in axes}
    free = [axis for axis in axes if Axis(k, axis) not in alone[axis].pinned()]
    times = [axis for axis in free if Axis(k, axis) in alone[axis].times]
    whole = [
        axis
        for axis in times
        if not any(
            r.kind == "multiple" and r.axes == {Axis(k, axis)} for r in alone[axis].requirements
        )
    ]
    times = whole or times
    # An axis that the declared model pools down to size 1 is hardly time.
    times = [a for a in times if not _collapsed(alone[a], Axis(k, a), spec.shape[a])] or times
    if times:
        return tuple(times), True
    return (tuple(free), False) if len(spec.shape) <= 3 else ((), False)


def _collapsed(lengths: Lengths, axis: Axis, size: int | None) -> bool:
    """Whether recurrences take as many steps at the declared size as at the least one."""
    return _steps(lengths, {axis: size or 1}) == _steps(lengths, {axis: lengths.least[axis]})


def _alone(lengths: Lengths, k: int, axis: int, shape: Sequence[int | None]) -> Lengths:
    """The lengths with only one axis of an input free."""
    others = [a for a in lengths.axes if a.input == k and a.axis != axis]
    return lengths.fixed({a: shape[a.axis] or 1 for a in others})


def other_lengths(lengths: Lengths, declared: Values) -> list[Values]:
    """Lengths above the declared ones at which recurrences take other numbers of steps.

    If no recurrence runs over a free axis, any other lengths that fit.
    """
    found: list[Values] = []
    # Numbers of steps tell lengths apart only if they depend on a free axis.
    known = lengths.known and any(axes_of(s.size) for s in lengths.steps)
    seen = {_steps(lengths, declared)}
    for change in range(1, SEARCHED):
        first = min(declared)
        wanted = {axis: n + change for axis, n in declared.items()}
        values = (
            wanted if lengths.fits(wanted) else lengths.completed({first: wanted[first]}, wanted)
        )
        if values is None:
            continue
        steps = _steps(lengths, values)
        if known and steps in seen:
            continue
        seen.add(steps)
        found.append(values)
        if len(found) == OTHERS:
            break
    if not lengths.known:
        # Other lengths may give the same number of steps; twice the declared one does not.
        found.append({axis: 2 * n for axis, n in declared.items()})
    return found


def _steps(lengths: Lengths, values: Values) -> tuple[int | None, ...]:
    return tuple(evaluate(s.size, values) for s in lengths.steps)


def _refused(lengths: Lengths | None, k: int, axis: int, shape: Sequence[int | None]) -> list[int]:
    """The first size of an axis that an op is known to refuse; else sizes that it may refuse."""
    size = shape[axis] or 1
    likely = [size + 1, size + 2, 2 * size]
    if lengths is None:
        return likely
    alone = _alone(lengths, k, axis, shape)
    seen = [n for n in range(size + 1, size + SEARCHED) if not alone.fits({Axis(k, axis): n})]
    return seen[:1] or likely
