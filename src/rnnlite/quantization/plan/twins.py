"""Which values of a chunk's model mean the same as values of the whole sequence's model.

What enters: the two float models, as the converter gave them, and the `Twins` of their functions
(`streaming.twins`). What leaves: pairs of values. Values in the step of a recurrence are matched by
the number of the recurrence and their place in the step; inputs and outputs by their order; all
other values by the op of the source that computes them.

    whole:  CONV_2D  (conv/Relu, conv/Conv2D)        chunk:  CONV_2D  (conv/Relu, conv/Conv2D_1)
    whole:  MEAN     (pool/Mean)                     chunk:  DIV      (pool/truediv)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnlite.lite.ir import Model, Value
from rnnlite.streaming.twins import Twins

Pair = tuple[Value, Value]
"""A value of the chunk's model and one of the whole sequence's."""


def pairs(chunk: Model, whole: Model, twins: Twins) -> list[Pair]:
    """The pairs of float values of the two models that mean the same.

    Args:
        chunk: the model of a chunk. Its inputs and outputs are those of `whole`, then the states.
        whole: the model of the whole sequence.
        twins: which ops of the two functions mean the same.
    """
    found = [
        (a, b)
        for ends in (
            (chunk.main.inputs, whole.main.inputs),
            (chunk.main.outputs, whole.main.outputs),
        )
        for a, b in zip(*ends, strict=False)
    ]
    steps = list(_by_step(chunk, whole, twins))
    known = {a for a, _ in steps}
    found += steps
    found += [(a, b) for a, b in _by_name(chunk, whole, twins) if a not in known]
    found += _among_steps(whole)
    return [(a, b) for a, b in found if _is_number(a) and _is_number(b)]


def _is_number(value: Value) -> bool:
    return value.type == "float32" and not value.is_constant


def _by_step(chunk: Model, whole: Model, twins: Twins) -> Iterator[Pair]:
    """Values of steps: the op's kind, the recurrence, the place within the step.

    An op may have taken in others that only move values: then the first place counts.
    """
    known: dict[Hashable, Value] = {}
    for place, value in _steps(whole):
        known.setdefault(place, value)
        known.setdefault(_first(place), value)
    for place, value in _steps(chunk):
        numbered = _numbered(place, twins)
        other = known.get(numbered) or known.get(_first(numbered))
        if other is not None:
            yield value, other


def _steps(model: Model) -> Iterator[tuple[tuple[Hashable, ...], Value]]:
    for value in _values(model):
        if value.origin is not None and value.origin.value is not None:
            yield value.origin.value, value


def _first(place: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    """The kind, the first place of several, the number among the results."""
    return (*place[:2], place[-1])


def _among_steps(whole: Model) -> Iterator[Pair]:
    """Steps of one loop, and those of others: a chunk begins at any of them."""
    known: dict[Hashable, Value] = {}
    for place, value in _steps(whole):
        first = known.setdefault(place, value)
        if first is not value:
            yield value, first


def _numbered(place: tuple[Hashable, ...], twins: Twins) -> tuple[Hashable, ...]:
    """A place within a step, by the number that the recurrence has in the other model."""
    return tuple(
        (twins.scans.get(part[0], -1), *part[1:]) if isinstance(part, tuple) else part
        for part in place
    )


def _by_name(chunk: Model, whole: Model, twins: Twins) -> Iterator[Pair]:
    """Results of ops of the source.

    The first name of a value is that of the last op in it; the others are asked where that has no
    twin, for ops that only move values may have been taken in.
    """
    known: dict[str, list[_Named]] = defaultdict(list)
    within: dict[str, list[_Named]] = defaultdict(list)
    for named in _named(whole):
        known[named.paths[0]].append(named)
        for path in named.paths[1:]:
            within[path].append(named)
    for named in _named(chunk):
        tables = [(path, table) for path in named.paths for table in (known, within)]
        found = (named.like(table, twins.ops.get(path, ())) for path, table in tables)
        others = next(filter(None, found), [])
        yield from ((named.value, other) for other in others)


@dataclass(frozen=True)
class _Named:
    """A value of a main graph.

    Attributes:
        key: the kind of its op, its place among the results, and which of the ops that the
            converter made of one of the source.
        value: itself.
        paths: names of the source's ops in it.
    """

    key: tuple[str, int, int]
    value: Value
    paths: tuple[str, ...]

    def like(self, table: Mapping[str, Sequence[_Named]], names: Sequence[str]) -> list[Value]:
        """The values under some names in a table that have the same key; or the only one there."""
        found = []
        for name in names:
            others = table.get(name, [])
            same = [o.value for o in others if o.key == self.key]
            found += same or ([others[0].value] if len(others) == 1 else [])
        return found


def _named(model: Model) -> Iterator[_Named]:
    counts: Counter[Hashable] = Counter()
    # What loops carry stands in another order in each.
    for op in (op for op in model.main.ops if not op.branches):
        for place, value in enumerate(op.outputs):
            origin = value.origin
            if origin is not None and origin.paths:
                counts[op.kind, place, origin.paths[0]] += 1
                number = counts[op.kind, place, origin.paths[0]]
                yield _Named((op.kind, place, number), value, origin.paths)


def _values(model: Model) -> Iterator[Value]:
    for graph in model.graphs:
        for op in graph.ops:
            yield from op.outputs
