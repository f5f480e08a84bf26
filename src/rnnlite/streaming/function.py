"""From an Entry to the function of one chunk: inputs and states in, outputs and states out.

What enters: an Entry, whose function computes whole sequences. What leaves: a ConcreteFunction of
a chunk, its inputs and outputs, and the `Layout` that tells the runtime how to use it. What it
refuses: what needs the future, by the name of its layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.errors import ShapeError
from rnnlite.frontends.functions import trace
from rnnlite.frontends.program import Entry
from rnnlite.lengths.analysis import Analysis
from rnnlite.lengths.sizes import Axis, free
from rnnlite.lowering.schedule import Options
from rnnlite.scan.scan import Tensor
from rnnlite.specs import TensorSpec
from rnnlite.streaming import (
    calls,
    counts,
    moves,
    pointwise,
    reductions,
    reshapes,
    slices,
    spreading,
    windows,
)
from rnnlite.streaming.clock import Clock
from rnnlite.streaming.emit import FAR, TIME, Emitter
from rnnlite.streaming.layout import Layout, StreamInput, StreamOutput, StreamState
from rnnlite.streaming.recurrences import emit_scan
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.states import State, States
from rnnlite.streaming.timed import plain
from rnnlite.streaming.twins import Twins
from rnnlite.streaming.values import Bounded, Sizes, SoFar, Static, Timed, Value, refused

__all__ = [
    "Streamed",
    "calls",
    "counts",
    "moves",
    "pointwise",
    "reductions",
    "reshapes",
    "slices",
    "spreading",
    "streamed",
    "windows",
]


LONGEST = 64
"""The most steps of a chunk that run in one call. The output sequence of a call is one buffer, and
the loop copies it at each step: with so few rows the copies cost less than a second loop would."""


@dataclass(frozen=True, eq=False)
class Streamed:
    """An Entry as a function of chunks.

    Attributes:
        function: a ConcreteFunction.
        inputs, outputs: those of the function, in order; the states come last.
        layout: how the function is used.
        twins: which of its ops mean the same as which ops of the function of whole sequences.
    """

    function: Any
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layout: Layout
    twins: Twins = Twins()  # noqa: RUF009 (immutable)


def streamed(entry: Entry, chunk: int | None, options: Options) -> Streamed:
    """The function of one chunk of an Entry.

    Args:
        entry: what is streamed; each of its inputs has one free axis, which is time, or none.
        chunk: steps of each chunk, or None for any.
        options: how loops are laid out.

    Raises:
        StreamingError: the model needs steps of the sequence that have not come yet.
        ShapeError: no input has an axis of time, or the chunk is no multiple of the strides.
    """
    times = times_of(entry)
    if chunk is not None:
        # Strides have to fit before anything is made of so few steps.
        found, _ = _Emission.of(entry, times, None, options).sketch(tail=False)
        _require_multiple(chunk, _multiple(found))
    emission = _Emission.of(entry, times, chunk, options)
    inputs = emission.inputs
    found, states = emission.sketch(tail=False)
    multiple = _multiple(found)
    tail = any(r.lacking(_long(multiple)) > 0 for r in _rows(found))
    if tail:
        found, states = emission.sketch(tail=True)
    function, twins = emission.trace(states, tail=tail)
    outputs = _specs(entry.outputs, states, function.outputs)
    return Streamed(
        function=function,
        inputs=(*inputs, *map(_state_spec, states)),
        outputs=outputs,
        layout=Layout(
            chunk=chunk,
            multiple=multiple,
            longest=chunk or max(LONGEST // multiple, 1) * multiple,
            tail=tail,
            inputs=tuple(StreamInput(p.name, t) for p, t in zip(entry.inputs, times, strict=True)),
            outputs=tuple(
                StreamOutput(p.name, getattr(v, "rows", None), not isinstance(v, Timed))
                for p, v in zip(entry.outputs, found, strict=True)
            ),
            states=tuple(
                StreamState(s.name, s.initial, _free_axis(s), s.dtype, grows=s.grows)
                for s in states
            ),
        ),
        twins=twins,
    )


def _require_multiple(chunk: int, multiple: int) -> None:
    if chunk % multiple:
        raise ShapeError(
            f"chunks of {chunk} steps cannot be streamed",
            expected=f"a multiple of {multiple}, the strides along time",
            found=str(chunk),
            remedy=f"Give streaming={-(-chunk // multiple) * multiple}",
        )


def options_of_chunk(options: Options, chunk: int | None) -> Options:
    """How loops are laid out for chunks: few steps, and LiteRT prepares the loop at each call."""
    return replace(
        options,
        unroll=options.unroll or (1 if chunk is None else None),
        depth=1,
        partitions=1,
        variables=0,
    )


def times_of(entry: Entry) -> list[int | None]:
    """The axis of time of each input: its free axis; of several, that which recurrences run over.

    Raises:
        ShapeError: there is none at all, or an input has several.
    """
    found: list[int | None] = []
    for k, spec in enumerate(entry.inputs):
        axes = [a for a, d in enumerate(spec.shape) if d is None and a != spec.batch_axis]
        if len(axes) > 1:
            axes = [a for a in axes if Axis(k, a) in entry.lengths.times]
            if len(axes) != 1:
                raise ShapeError(
                    f"input '{spec.name}' has more than one axis that could be time",
                    expected="one free axis beside the batch",
                    found=str(list(spec.shape)),
                    remedy="Fix the sizes of the others in the model",
                )
        found.append(axes[0] if axes else None)
    if not any(axis is not None for axis in found):
        raise ShapeError(
            "no input has a free axis of time to stream along",
            found="; ".join(
                # The notes say which layer pins what.
                [", ".join(f"{p.name} {list(p.shape)}" for p in entry.inputs), *entry.notes]
            ),
            remedy="Leave sequence_length free; the report of a conversion without streaming says "
            "what pins it",
        )
    return found


class _Emission:
    """Emits the function of a chunk, to learn its states, and again with these as inputs."""

    @classmethod
    def of(
        cls, entry: Entry, times: Sequence[int | None], chunk: int | None, options: Options
    ) -> _Emission:
        """Of chunks of so many steps, or of any."""
        inputs = tuple(
            p if t is None else replace(p, shape=(*p.shape[:t], chunk, *p.shape[t + 1 :]), least=())
            for p, t in zip(entry.inputs, times, strict=True)
        )
        return cls(entry, inputs, times, options_of_chunk(options, chunk))

    def __init__(
        self,
        entry: Entry,
        inputs: Sequence[TensorSpec],
        times: Sequence[int | None],
        options: Options,
    ) -> None:
        self._entry, self._inputs, self._times = entry, inputs, times
        self.inputs = tuple(inputs)
        self._options = options
        sizes = [
            tuple(
                d if d is not None else free(TIME if a == t else Axis(k, a))
                for a, d in enumerate(p.shape)
            )
            for k, (p, t) in enumerate(zip(entry.inputs, times, strict=True))
        ]
        function = entry.function
        self._analysis = Analysis(
            function.graph, list(zip(function.inputs, sizes, strict=False)), entry.scans
        )

    def sketch(self, *, tail: bool) -> tuple[list[Value], list[State]]:
        """The outputs and the states, in a graph that is thrown away."""
        graph = tf.__internal__.FuncGraph("sketch")
        with graph.as_default():
            chunks = [tf.compat.v1.placeholder(p.dtype, p.shape) for p in self._inputs]
            states = States()
            return self._outputs(chunks, states, tail=tail)[0], states.met

    def trace(self, met: Sequence[State], *, tail: bool) -> tuple[Any, Twins]:
        """The function for good, a ConcreteFunction, and what in it stands for what."""
        twins: list[Twins] = []

        def call(tensors: Sequence[Tensor]) -> list[Tensor]:
            # Copied ops read variables by their handles; who freezes the function looks for these.
            for variable in self._entry.function.variables:
                tf.compat.v1.get_default_graph().watch_variable(variable)
            count = len(self._inputs)
            states = States(tensors[count:])
            found, emitted = self._outputs(tensors[:count], states, tail=tail)
            twins.append(emitted)
            return [v.tensor for v in found if not isinstance(v, Sizes | Bounded)] + states.after()

        function = trace(call, [*self._inputs, *map(_state_spec, met)], autograph=False)
        return function, twins[-1]

    def _outputs(
        self, chunks: Sequence[Tensor], states: States, *, tail: bool
    ) -> tuple[list[Value], Twins]:
        entry = self._entry
        first = next(k for k, t in enumerate(self._times) if t is not None)
        clock = Clock(states, tail=tail, chunk=(chunks[first], self._times[first] or 0))
        given: list[Value] = [
            Static(x) if t is None else Timed(x, Rows(t))
            for x, t in zip(chunks, self._times, strict=True)
        ]
        emitter = Emitter(
            entry.function,
            given,
            analysis=self._analysis,
            recurrences=entry.scans,
            states=states,
            clock=clock,
            place=entry.place,
            options=self._options,
            emit_scan=emit_scan,
        )
        found: list[Value] = []
        for spec, output in zip(entry.outputs, entry.function.outputs, strict=True):
            value = emitter.value(output)
            if isinstance(value, Sizes | Bounded):
                raise refused(f"output '{spec.name}'", "it is the length of the whole sequence")
            if isinstance(value, Timed) and value.rows.most is not None:
                raise refused(f"output '{spec.name}'", "given numbers decide how many rows it has")
            found.append(plain(emitter, output.op, value) if isinstance(value, Timed) else value)
        return found, emitter.twins()


def _rows(values: Sequence[Value]) -> list[Rows]:
    return [v.rows for v in values if isinstance(v, Timed | SoFar)]


def _multiple(values: Sequence[Value]) -> int:
    """Steps that chunks are a multiple of."""
    return math.lcm(1, *(r.multiple for r in _rows(values)))


def _long(multiple: int) -> int:
    """A long sequence of whole chunks."""
    return -(-FAR // multiple) * multiple


def _state_spec(state: State) -> TensorSpec:
    return TensorSpec(state.name, state.shape, state.dtype, batch_axis=state.batch_axis)


def _free_axis(state: State) -> int | None:
    axis = state.batch_axis
    return axis if axis is not None and state.shape[axis] is None else None


def _specs(
    outputs: Sequence[TensorSpec], states: Sequence[State], tensors: Sequence[Tensor]
) -> tuple[TensorSpec, ...]:
    own = [replace(p, shape=tuple(t.shape)) for p, t in zip(outputs, tensors, strict=False)]
    return (*own, *map(_state_spec, states))
