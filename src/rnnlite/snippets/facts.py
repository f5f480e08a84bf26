"""What a program has to know of a file: its signatures, and how it is streamed.

What enters: a file. What leaves: plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.record import TARGET, record
from rnnlite.runtime.model import Model
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import SIGNATURE

STEPS = 20
"""Time steps of the sequence that a program runs, where any number does."""

CHUNK = 8
"""Time steps of a chunk, where any number does."""

FREE = -1
"""Stands in a shape for an axis of time."""


@dataclass(frozen=True)
class Port:
    """An input, output or state.

    Attributes:
        name: the signature's.
        dtype: as NumPy calls it.
        shape: FREE for axes of time; a free batch is 1.
        scale, zero: of its integers; scale 0 where it has none.
        initial: of a state, the number that it begins with.
        late: of a streamed output, rows that are not there yet at the beginning.
        axis: of a streamed output, the axis of its rows; -1 where it is one result so far.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.0
    zero: int = 0
    initial: float = 0.0
    late: int = 0
    axis: int = -1


@dataclass(frozen=True)
class Function:
    """A signature for whole sequences."""

    key: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def is_free(self) -> bool:
        """Whether an input takes sequences of several lengths."""
        return any(FREE in p.shape for p in self.inputs)


@dataclass(frozen=True)
class Streamed:
    """The signature for chunks.

    Attributes:
        inputs, outputs, states: in its order.
        chunk: steps of a chunk.
        delay: steps by which outputs come later.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[Port, ...]
    chunk: int
    delay: int

    @property
    def is_free(self) -> bool:
        """Whether it takes chunks of several lengths."""
        return any(FREE in p.shape for p in self.inputs)


@dataclass(frozen=True)
class Facts:
    """A file.

    Attributes:
        functions: its signatures for whole sequences.
        stream: that for chunks, if it has one.
        steps: time steps of the sequence that is run.
        ops: the kinds of op in it.
        target: what it was made for.
        exits: signatures of its exits, in the order in which they are run.
    """

    functions: tuple[Function, ...]
    stream: Streamed | None
    steps: int
    ops: tuple[str, ...]
    target: str
    exits: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[Port, ...]:
        """All inputs, outputs and states."""
        found = [p for f in self.functions for p in (*f.inputs, *f.outputs)]
        if self.stream is not None:
            found += [*self.stream.inputs, *self.stream.outputs, *self.stream.states]
        return tuple(found)


def facts_of(data: bytes) -> Facts:
    """What is to be known of a file.

    Raises:
        ModelError: it is no LiteRT model, or has no signature.
    """
    parsed = schema.read(data)
    target = str(record(parsed).get(TARGET, "litert"))
    with Model(data, parsed=parsed) as model:
        known = {k: s for k, s in model.signatures.items() if k != SIGNATURE}
        if not known:
            raise ModelError(
                "the file has no signature to call it by",
                found="a main graph alone",
                remedy="Convert its source with rnnlite, which names inputs and outputs",
            )
        functions = tuple(
            Function(key, _ports(s.inputs), _ports(s.outputs)) for key, s in known.items()
        )
        stream = _streamed(model)
        exits = tuple(e.signature for e in model.exits)
        least = [n for s in known.values() for p in s.inputs for n in p.least]
    ops = tuple(sorted({op.kind for op in parsed.ops()}))
    return Facts(functions, stream, max([STEPS, *least]), ops, target, exits)


def _ports(specs: Sequence[TensorSpec]) -> tuple[Port, ...]:
    return tuple(_port(spec) for spec in specs)


def _port(spec: TensorSpec, initial: float = 0.0, late: int = 0, axis: int = -1) -> Port:
    shape = tuple(
        d if d is not None else 1 if k == spec.batch_axis else FREE
        for k, d in enumerate(spec.shape)
    )
    scale, zero = spec.quantization or (0.0, 0)
    return Port(spec.name, str(spec.dtype), shape, scale, zero, initial, late, axis)


def _streamed(model: Model) -> Streamed | None:
    ends = model.stream_ends
    if ends is None:
        return None
    layout = ends.layout
    outputs = []
    for spec, output in zip(ends.outputs, layout.outputs, strict=True):
        rows = None if output.so_far else output.rows
        outputs.append(
            _port(spec) if rows is None else _port(spec, late=rows.delay, axis=rows.axis)
        )
    states = []
    for spec, state in zip(ends.states, layout.states, strict=True):
        port = _port(spec, state.initial)
        # Of a state only the batch may be free.
        whole = tuple(1 if d == FREE else d for d in port.shape)
        states.append(Port(port.name, port.dtype, whole, port.scale, port.zero, state.initial))
    several = max(CHUNK // layout.multiple, 1) * layout.multiple
    return Streamed(
        _ports(ends.inputs), tuple(outputs), tuple(states), layout.chunk or several, layout.delay
    )
