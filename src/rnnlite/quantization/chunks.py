"""Quantize the function of a chunk with that of the whole sequence, by the same parameters.

What enters: the float models of both, prepared alike. What leaves: pairs of values that share one
scale and zero point, the ops that stay in float, and the types in which states come in and go out.

A state has one scale and zero point, as an input and as an output. Ops that add up all steps so far
(sums, means, cumulated sums) have results without a bound, which no range holds: they stay in float
in both models, from the numbers that are added to the last op that works element by element on the
result. Pooling that pads stays in float too: it is one op in one model, and several in the other.
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
"""Ops whose result has no bound if they add over all time steps."""

MOVES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE"})

HANDS_ON = MOVES | ADDS | {"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2"}
"""Ops whose result has no bound if an operand has none."""


SHARES = frozenset({"AVERAGE_POOL_2D", "DIV", "MUL", "MAXIMUM", "CAST", "RESHAPE"})
"""Ops of which a chunk's model makes a padded mean: one over the rows that exist."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """The function of a chunk, in float.

    Attributes:
        model: the model as the converter gave it.
        signature: its inputs, outputs and states.
        twins: which ops of it and of the whole sequence's function mean the same.
    """

    model: Model
    signature: StreamSignature
    twins: Twins

    def states(self, model: Model) -> list[tuple[StreamState, Value, Value]]:
        """The states of a model of this function: for each, its input and its output."""
        known = self.signature.layout.states
        before = model.main.inputs[len(self.signature.inputs) :]
        after = model.main.outputs[len(self.signature.outputs) :]
        return list(zip(known, before, after, strict=True))

    def make_alike(self, whole: Model) -> None:
        """Remove, in place, ops that the official converter left in only one of the two models."""
        for model in (self.model, whole):
            drop_ones(model)

    def pairs(self, whole: Model) -> list[Pair]:
        """Values of this and of the whole sequence's float model that mean the same."""
        return pairs(self.model, whole, self.twins)


def tied(found: Iterable[Pair]) -> list[Pair]:
    """The pairs, and further pairs that follow from them.

    Where two results are a pair, made by ops of one kind, their operands are pairs too if they are
    in no other pair. This reaches values that rnnlite's own passes made.
    """
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
    """Whether ops of one kind make the two values."""
    one, other = x.producer, y.producer
    return one is not None and other is not None and one.kind == other.kind


def running_ops(chunk: Chunk, model: Model, found: Sequence[Pair]) -> frozenset[Op]:
    """The ops of both models that work on sums of all steps so far.

    Args:
        chunk: the function of a chunk.
        model: its model, prepared.
        found: pairs of values of it and of the whole sequence's model that mean the same.
    """
    grow = [before for state, before, _ in chunk.states(model) if state.grows and is_float(before)]
    grow += [after for state, _, after in chunk.states(model) if state.grows and is_float(after)]
    here = _region(grow)
    made = {v for op in here for v in op.outputs}
    there = [b for a, b in found if a in made]
    makers = [v for v in there if v.producer is not None and v.producer.kind in HANDS_ON]
    return frozenset(here | _region(makers) | _padded_means(found))


def _padded_means(found: Sequence[Pair]) -> set[Op]:
    """The ops of pooling that pads: AVERAGE_POOL_2D in the whole, several ops in a chunk."""
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
    """The ops that make or read these values, element by element, and the sums in front of them."""
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
    """Whether an op adds over an axis, or only moves the result of such an op."""
    while op is not None and op.kind in MOVES:
        op = op.input(0).producer
    return op is not None and op.kind in ADDS


def io_types(chunk: Chunk, model: Model) -> Mapping[Value | int, str | None]:
    """The types of float states for `rewrite_to_integers`: of inputs by value, of outputs by index.

    None stands for the type that the state has within the model; states that grow without bound are
    float32. Outputs go by index, for a value may be an output and a state.
    """
    types: dict[Value | int, str | None] = {}
    first = len(chunk.signature.outputs)
    for place, (state, before, _) in enumerate(chunk.states(model), first):
        if is_float(before):
            types[before] = types[place] = "float32" if state.grows else None
    return types


def with_params(layout: Layout, values: Sequence[Value]) -> Layout:
    """The layout of a stream with the quantization parameters of its states.

    Args:
        values: the states of the quantized model, as inputs.
    """
    states = [
        replace(state, dtype=v.type, scale=v.scale, zero_point=v.zero_point)
        if state.dtype == "float32" and v.type != "float32"
        else state
        for state, v in zip(layout.states, values, strict=True)
    ]
    return replace(layout, states=tuple(states))
