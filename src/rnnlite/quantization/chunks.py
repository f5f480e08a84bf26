"""The function of a chunk, quantized with that of the whole sequence: both get the same parameters.

What enters: the float models of both, prepared alike. What leaves: pairs of values that share one
scale and zero point, the ops that stay in float, and the types in which states come in and go out.

A state goes out with the scale and zero point with which it comes in. What adds up all that came so
far (sums, means, sums so far) has no bound, so no range holds it: it stays in float in both, from
the numbers that it adds to the last op that works element by element on the result. So does pooling
that pads, which is one op in one and several in the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.plan.plan import is_float
from rnnlite.quantization.plan.twins import Pair, pairs
from rnnlite.quantization.prepare.ones import drop_ones
from rnnlite.runtime.signatures import StreamSignature
from rnnlite.streaming.layout import Layout, StreamState
from rnnlite.streaming.twins import Twins

ADDS = frozenset({"SUM", "MEAN", "CUMSUM", "REDUCE_PROD"})
"""Ops whose results have no bound where they run over all of time."""

MOVES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE"})

HANDS_ON = MOVES | ADDS | {"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2"}
"""Ops whose results have no bound where an operand has none."""


SHARES = frozenset({"AVERAGE_POOL_2D", "DIV", "MUL", "MAXIMUM", "CAST", "RESHAPE"})
"""Ops that a mean of the rows of a window that are there is made of."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """The function of a chunk, in float.

    Attributes:
        model: as the converter gave it.
        signature: its inputs, outputs and states.
        twins: what in it means the same as what in the whole sequence's function.
    """

    model: Model
    signature: StreamSignature
    twins: Twins

    def states(self, model: Model) -> list[tuple[StreamState, Value, Value]]:
        """The states of a model of it, each as it comes in and as it goes out."""
        known = self.signature.layout.states
        before = model.main.inputs[len(self.signature.inputs) :]
        after = model.main.outputs[len(self.signature.outputs) :]
        return list(zip(known, before, after, strict=True))

    def make_alike(self, whole: Model) -> None:
        """Let both models have the same ops for the same thing, as far as the official converter
        gave them others; in place."""
        for model in (self.model, whole):
            drop_ones(model)

    def pairs(self, whole: Model) -> list[Pair]:
        """Values of this and of the whole sequence's float model that mean the same."""
        return pairs(self.model, whole, self.twins)


def tied(found: Iterable[Pair]) -> list[Pair]:
    """The pairs, and what follows from them: operands that are in none, of ops of one kind whose
    results are a pair. Such are what our own passes put in the place of an op."""
    result: dict[Pair, None] = {}
    queue = list(found)
    known = {value for pair in queue for value in pair}
    while queue:
        a, b = queue.pop()
        if (a, b) in result:
            continue
        result[a, b] = None
        one, other = a.producer, b.producer
        if one is None or other is None or one.kind != other.kind or one.branches:
            continue
        for x, y in zip(one.inputs, other.inputs, strict=False):
            if is_float(x) and is_float(y) and not known & {x, y} and _alike(x, y):
                queue.append((x, y))
    return list(result)


def _alike(x: Value, y: Value) -> bool:
    """Whether two values are made by ops of one kind."""
    one, other = x.producer, y.producer
    return one is not None and other is not None and one.kind == other.kind


def running_ops(chunk: Chunk, model: Model, found: Sequence[Pair]) -> frozenset[Op]:
    """The ops of both models that work on what adds up all that came so far.

    Args:
        model: of the chunk, prepared.
        found: values of it and of the other that mean the same.
    """
    grow = [before for state, before, _ in chunk.states(model) if state.grows and is_float(before)]
    grow += [after for state, _, after in chunk.states(model) if state.grows and is_float(after)]
    here = _region(grow)
    made = {v for op in here for v in op.outputs}
    there = [b for a, b in found if a in made]
    makers = [v for v in there if v.producer is not None and v.producer.kind in HANDS_ON]
    return frozenset(here | _region(makers) | _padded_means(found))


def _padded_means(found: Sequence[Pair]) -> set[Op]:
    """The ops of pooling that pads: one in the whole, a mean and a share of it in a chunk."""
    ops: set[Op] = set()
    for a, b in found:
        one, other = a.producer, b.producer
        if one is None or other is None or (one.kind, other.kind) != ("DIV", "AVERAGE_POOL_2D"):
            continue
        ops.add(other)
        queue: list[Op | None] = [one]
        while queue:
            op = queue.pop()
            if op is not None and op.kind in SHARES:
                ops.add(op)
                queue += [v.producer for v in op.operands if is_float(v)]
    return ops


def _region(values: Iterable[Value]) -> set[Op]:
    """The ops that make values or hand them on, element by element; and the sums in front."""
    found: set[Op] = set()
    queue = list(values)
    while queue:
        value = queue.pop()
        for op in (value.producer, *value.readers):
            if op is None or op in found or op.kind not in HANDS_ON or not is_float(op.output):
                continue
            found.add(op)
            queue += [v for v in op.outputs if is_float(v)]
            queue += [v for v in op.operands if is_float(v) and _adds(v.producer)]
    return found


def _adds(op: Op | None) -> bool:
    """Whether an op adds up what comes, or hands on what one did."""
    while op is not None and op.kind in MOVES:
        op = op.input(0).producer
    return op is not None and op.kind in ADDS


def io_types(chunk: Chunk, model: Model) -> Mapping[Value | int, str | None]:
    """The types of float states: that within, but for what stays in float. As they come in by the
    value, as they go out by the place: a result may be a state as well."""
    types: dict[Value | int, str | None] = {}
    first = len(chunk.signature.outputs)
    for place, (state, before, _) in enumerate(chunk.states(model), first):
        if is_float(before):
            types[before] = types[place] = "float32" if state.grows else None
    return types


def with_params(layout: Layout, values: Sequence[Value]) -> Layout:
    """The layout of a quantized model.

    Args:
        values: its states as they come in.
    """
    states = [
        replace(state, dtype=v.type, scale=v.scale, zero_point=v.zero_point)
        if state.dtype == "float32" and v.type != "float32"
        else state
        for state, v in zip(layout.states, values, strict=True)
    ]
    return replace(layout, states=tuple(states))
