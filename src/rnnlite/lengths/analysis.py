"""The walk: from the outputs of a TensorFlow function back to its inputs, op by op.

What enters: a FuncGraph, the sizes of its inputs, and the recurrences that were lowered into it.
What leaves: the sizes of any tensor that is asked for, and what the ops on the path demand. The
loops of a lowered recurrence are not walked through: its outputs are as long as its inputs. Where
an op has no rule, or its rule cannot tell, the shapes that the graph states are taken; nothing is
guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import tensorflow as tf

from rnnlite.lengths import computes, gathers, moves, slices, vectors
from rnnlite.lengths.facts import (
    LARGEST_CONTENT,
    NOTHING,
    RULES,
    Content,
    Demands,
    Fact,
    Node,
    Requirement,
    Sizes,
    static,
    vector,
    with_content,
)
from rnnlite.lengths.sizes import Size, unknown
from rnnlite.lengths.values import axes_of, is_known
from rnnlite.scan.scan import Lowered
from rnnlite.scan.tensors import Graph, Operation, Tensor

__all__ = ["Analysis", "computes", "gathers", "moves", "slices", "vectors"]

Key = tuple[int, str]

DEEPEST = 8
"""How many functions within functions are followed."""


@dataclass(frozen=True, eq=False)
class _Result:
    """One result of a recurrence.

    Attributes:
        lowered: the recurrence.
        state: index of the initial state that has the same sizes, or None.
        sequence: whether axis 0 is time.
        output: index among the outputs of a step; None for a state.
    """

    lowered: Lowered
    state: int | None
    sequence: bool
    output: int | None = None


class Analysis:
    """The sizes of the tensors of one graph.

    Args:
        graph: the FuncGraph of a function.
        inputs: its input tensors that have free axes, and their sizes.
        recurrences: the recurrences that were lowered while the function was traced, in its graph
            or in others.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: Sequence[tuple[Tensor, Sizes]],
        recurrences: Sequence[Lowered] = (),
    ) -> None:
        self._demands = Demands()
        self._results: dict[Key, _Result] = {}
        self._lengths: dict[int, Size] = {}
        self._recurrences = recurrences
        for lowered in recurrences:
            self._note(lowered)
        given = {_key(t): Fact(tuple(sizes)) for t, sizes in inputs}
        self._walk = _Walk(graph, given, self._demands, self._results, self._lengths, 0)

    def _note(self, lowered: Lowered) -> None:
        scan, result = lowered.scan, lowered.result
        same = scan.cell.output_is_state
        for place, y in enumerate(result.states):
            self._results[_key(y)] = _Result(lowered, place, sequence=False)
        for sequence, outputs in ((False, result.last), (True, result.outputs or ())):
            for place, y in enumerate(outputs):
                self._results.setdefault(_key(y), _Result(lowered, same, sequence, place))

    def sizes(self, tensor: Tensor) -> Sizes | None:
        """The sizes of a tensor; None where its rank is not known."""
        return self._walk.fact(tensor).sizes

    def content(self, tensor: Tensor) -> Content | None:
        """The numbers in a small tensor of integers that is made of sizes and constants."""
        return self._walk.fact(tensor).content

    def lengths(self) -> tuple[Size | None, ...]:
        """How many steps each recurrence takes; None for one that was not met on the walk."""
        return tuple(self._lengths.get(id(r)) for r in self._recurrences)

    def requirements(self) -> tuple[Requirement, ...]:
        """The demands of the ops that make the tensors that were asked for."""
        return tuple(self._demands.found.values())

    def time_axes(self, tensor: Tensor) -> tuple[int, ...]:
        """The axes of a tensor that follow a free axis which a recurrence runs over."""
        times = {a for length in self._lengths.values() for a in axes_of(length)}
        sizes = self.sizes(tensor) or ()
        return tuple(k for k, s in enumerate(sizes) if axes_of(s) & times)


class _Walk:
    """Facts of one graph, made on demand."""

    def __init__(
        self,
        graph: Graph,
        given: Mapping[Key, Fact],
        demands: Demands,
        results: Mapping[Key, _Result],
        lengths: dict[int, Size],
        depth: int,
    ) -> None:
        self.graph = graph
        self.facts: dict[Key, Fact] = dict(given)
        self.demands, self.results, self.lengths = demands, results, lengths
        self.depth = depth

    def fact(self, tensor: Tensor) -> Fact:
        """The Fact of a tensor."""
        stack = [tensor]
        entered: set[Key] = set()
        while stack:
            top = stack[-1]
            key = _key(top)
            if key in self.facts:
                stack.pop()
                continue
            missing = [t for t in self._needs(top) if _key(t) not in self.facts]
            if missing and key not in entered:
                entered.add(key)
                stack += missing
                continue
            # What is still missing depends on itself: it is in a loop of TensorFlow 1.
            self._make(top)
            stack.pop()
        return self.facts[_key(tensor)]

    def _needs(self, tensor: Tensor) -> list[Tensor]:
        result = self.results.get(_key(tensor))
        if result is None:
            return list(tensor.op.inputs)
        scan = result.lowered.scan
        mask = [] if scan.mask is None else [scan.mask]
        return [*scan.inputs, *mask, *scan.initial_states]

    def _make(self, tensor: Tensor) -> None:
        result = self.results.get(_key(tensor))
        if result is not None:
            self._keep(tensor, self._of_recurrence(tensor, result))
            return
        op = tensor.op
        found: Sequence[Fact] = ()
        record = RULES.get(op.type)
        inputs = [self.facts.get(_key(t), NOTHING) for t in op.inputs]
        # If a rule meets what it does not expect, the shapes that the graph states remain.
        try:
            if op.type == "Const":
                found = [_constant(op)]
            elif op.type in CALLS:
                found = CALLS[op.type](self, op, inputs)
            elif record is not None:
                found = record.sizes(Node(op, inputs, self.demands))
        except Exception:  # noqa: BLE001
            found = ()
        for k, output in enumerate(op.outputs):
            if _key(output) not in self.results and _key(output) not in self.facts:
                self._keep(output, found[k] if k < len(found) else NOTHING)

    def _keep(self, tensor: Tensor, fact: Fact) -> None:
        """Keep a fact; where the graph states a size, that is taken."""
        stated = static(tensor)
        if stated is None or fact.sizes is None or len(stated) != len(fact.sizes):
            self.facts[_key(tensor)] = Fact(stated if stated is not None else fact.sizes)
            return
        sizes = tuple(
            s if isinstance(s, int) else f for s, f in zip(stated, fact.sizes, strict=True)
        )
        for ours, theirs in zip(sizes, fact.sizes, strict=True):
            if ours != theirs:
                self.demands.add("equal", theirs, ours, tensor.op.name)
        self.facts[_key(tensor)] = replace(fact, sizes=sizes)

    def _of_recurrence(self, tensor: Tensor, result: _Result) -> Fact:
        """The Fact of a result of a recurrence: as long as the inputs, rows as large as the state.

        Where no state is known to be as large, rows have the sizes that the graph states.
        """
        scan = result.lowered.scan
        # The mask is read at each step, as the inputs are: it is as long.
        mask = [] if scan.mask is None else [scan.mask]
        found = [self.facts.get(_key(x), NOTHING).sizes for x in (*scan.inputs, *mask)]
        first = found[0]
        name = tensor.op.name
        length: Size = unknown() if not first else first[0]
        for other in found[1:]:
            if other:
                self.demands.add("equal", length, other[0], name)
                length = length if is_known(length) else other[0]
        self.lengths[id(result.lowered)] = length
        self.demands.add("least", length, 1, name)
        stated = static(tensor)
        if result.state is not None:
            row = self.facts.get(_key(scan.initial_states[result.state]), NOTHING).sizes
        elif stated is None:
            row = None
        else:
            row = stated[1:] if result.sequence else stated
            if scan.batched and first and len(first) > 1 and row and not isinstance(row[0], int):
                row = (first[1], *row[1:])
        if result.state is None and not scan.batched:
            row = self._row_of_step(result, found) or row
        if row is None:
            return Fact(stated)
        return Fact((length, *row) if result.sequence else tuple(row))

    def _row_of_step(self, result: _Result, inputs: Sequence[Sizes | None]) -> Sizes | None:
        """The sizes of an output of a step, from those of its rows and states."""
        step = result.lowered.result.step
        if step is None or result.output is None or self.depth >= DEEPEST:
            return None
        given = {
            _key(row): Fact(sizes[1:])
            for row, sizes in zip(step.rows, inputs, strict=False)
            if sizes
        }
        for state, first in zip(step.states, result.lowered.scan.initial_states, strict=False):
            given[_key(state)] = Fact(self.facts.get(_key(first), NOTHING).sizes)
        y = step.outputs[result.output]
        walk = _Walk(y.graph, given, Demands(), self.results, self.lengths, self.depth + 1)
        return walk.fact(y).sizes

    def function(
        self, name: str, arguments: Sequence[Fact], *, demanding: bool = False
    ) -> list[Fact]:
        """The Facts of the results of a function of the library.

        Args:
            demanding: whether the function always runs, and on just these arguments, so that its
                demands hold.
        """
        if self.depth >= DEEPEST:
            return []
        inner = self.graph._get_function(name).graph
        given = dict(zip(map(_key, inner.inputs), arguments, strict=False))
        demands = self.demands if demanding else Demands()
        walk = _Walk(inner, given, demands, self.results, self.lengths, self.depth + 1)
        return [walk.fact(t) for t in inner.outputs]


def _call(walk: _Walk, op: Operation, inputs: Sequence[Fact]) -> list[Fact]:
    return walk.function(op.get_attr("f").name, inputs, demanding=True)


def _branches(walk: _Walk, op: Operation, inputs: Sequence[Fact]) -> list[Fact]:
    """The sizes that both branches agree on."""
    names = [op.get_attr(f"{branch}_branch").name for branch in ("then", "else")]
    one, other = (walk.function(name, inputs[1:]) for name in names)
    return [_common(a, b) for a, b in zip(one, other, strict=True)]


def _loop(walk: _Walk, op: Operation, inputs: Sequence[Fact]) -> list[Fact]:
    """The sizes of loop variables that an iteration does not change."""
    # Only sizes are followed: the numbers in a variable change with each iteration.
    given = [Fact(f.sizes) for f in inputs]
    after = walk.function(op.get_attr("body").name, given)
    return [_common(a, b) for a, b in zip(given, after, strict=True)]


def _common(one: Fact, other: Fact) -> Fact:
    if one.sizes is None or other.sizes is None or len(one.sizes) != len(other.sizes):
        return NOTHING
    pairs = zip(one.sizes, other.sizes, strict=True)
    return Fact(tuple(a if a == b else unknown() for a, b in pairs))


CALLS = {
    "PartitionedCall": _call,
    "StatefulPartitionedCall": _call,
    "If": _branches,
    "StatelessIf": _branches,
    "While": _loop,
    "StatelessWhile": _loop,
}
"""Rules of ops that call functions."""


def _constant(op: Operation) -> Fact:
    """The sizes of a constant; of small integer ones, the numbers too."""
    tensor = op.outputs[0]
    sizes = static(tensor)
    count = tensor.shape.num_elements()
    if not tensor.dtype.is_integer or count is None or count > LARGEST_CONTENT:
        return Fact(sizes)
    value = tf.make_ndarray(op.get_attr("value"))
    return with_content(vector([int(x) for x in value.reshape(-1)]).reshape(value.shape))


def _key(tensor: Tensor) -> Key:
    return id(tensor.graph), tensor.name
