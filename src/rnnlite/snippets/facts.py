"""What a program has to know of a file: its signatures, and how it is streamed.

What enters: a file. What leaves: plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnlite.errors import ModelError
from rnnlite.lite import schema
from rnnlite.lite.record import TARGET, record
from rnnlite.runtime.model import Model
from rnnlite.specs import TensorSpec
from rnnlite.streaming.layout import SIGNATURE, StreamOutput
from rnnlite.streaming.rows import Rows
from rnnlite.target import LITERT, TARGETS, Target

STEPS = 20
"""Time steps of the sequence that a program runs, if the file takes as few."""

CHUNK = 8
"""Time steps of a chunk, about, if their number is free."""

FREE = -1
"""In a shape, the size of a free axis that is not the batch."""


@dataclass(frozen=True)
class TensorFacts:
    """An input, output or state.

    Attributes:
        name: its name in the signature.
        dtype: its name in NumPy.
        shape: its shape, with FREE for free axes; a free batch is 1.
        scale, zero_point: its quantization; scale 0 if it has none.
        initial: for a state, the value that it begins with.
        mask: for a quantized input, the real value that masks a time step; None if there is none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0
    initial: float = 0.0
    mask: float | None = None


@dataclass(frozen=True)
class Function:
    """A signature for whole sequences."""

    key: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]

    @property
    def is_free(self) -> bool:
        """Whether an input takes sequences of several lengths."""
        return any(FREE in p.shape for p in self.inputs)


@dataclass(frozen=True)
class Streamed:
    """The signature for chunks of a stream.

    Attributes:
        inputs, outputs, states: its tensors, in its order.
        times: for each input, its time axis; -1 if it is given whole with each chunk.
        rows: for each output, where its rows are; axis -1 if it is one result so far.
        chunk: time steps of a chunk.
        delay: time steps by which outputs are late.
        tail: whether steps are fed beyond the end of a sequence, to get the late rows.
    """

    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    states: tuple[TensorFacts, ...]
    times: tuple[int, ...]
    rows: tuple[Rows, ...]
    chunk: int
    delay: int
    tail: bool

    @property
    def is_late(self) -> bool:
        """Whether some rows are not final yet when their step is fed."""
        return self.tail or any(r.delay for r in self.rows)

    @property
    def is_free(self) -> bool:
        """Whether it takes chunks of several lengths."""
        return any(FREE in p.shape for p in self.inputs)


@dataclass(frozen=True)
class Facts:
    """What a program that runs a file has to know of it.

    Attributes:
        functions: its signatures for whole sequences.
        stream: its signature for chunks, if it has one.
        steps: time steps of the sequence that the program runs.
        ops: the kinds of op in the file, sorted.
        target: the target that it was made for; LiteRT if it names none that is known here.
        exits: the signatures of its exits, in the order in which they are run.
    """

    functions: tuple[Function, ...]
    stream: Streamed | None
    steps: int
    ops: tuple[str, ...]
    target: Target
    exits: tuple[str, ...] = ()

    @property
    def tensors(self) -> tuple[TensorFacts, ...]:
        """All inputs, outputs and states."""
        found = [p for f in self.functions for p in (*f.inputs, *f.outputs)]
        if self.stream is not None:
            found += [*self.stream.inputs, *self.stream.outputs, *self.stream.states]
        return tuple(found)


def facts_of(data: bytes) -> Facts:
    """What a program that runs a file has to know of it.

    Raises:
        ModelError: it is no LiteRT model, or has no signature.
    """
    parsed = schema.read(data)
    target = TARGETS.get(str(record(parsed).get(TARGET)), LITERT)
    with Model(data, parsed=parsed) as model:
        known = {k: s for k, s in model.signatures.items() if k != SIGNATURE}
        stream = _streamed(model)
        if not known and stream is None:
            raise ModelError(
                "the file has no signature to call it by",
                found="a main graph alone",
                remedy="Convert its source with rnnlite, which names inputs and outputs",
            )
        functions = tuple(
            Function(key, _tensors(s.inputs), _tensors(s.outputs)) for key, s in known.items()
        )
        exits = tuple(e.signature for e in model.exits)
        least = [n for s in known.values() for p in s.inputs for n in p.least]
    ops = tuple(sorted({op.kind for op in parsed.ops()}))
    return Facts(functions, stream, max([STEPS, *least]), ops, target, exits)


def _tensors(specs: Sequence[TensorSpec]) -> tuple[TensorFacts, ...]:
    return tuple(_tensor(spec) for spec in specs)


def _tensor(spec: TensorSpec) -> TensorFacts:
    shape = tuple(
        d if d is not None else 1 if k == spec.batch_axis else FREE
        for k, d in enumerate(spec.shape)
    )
    scale, zero_point = spec.quantization or (0.0, 0)
    # Compared in float32, as the source does.
    mask = None if not scale or spec.mask_value is None else float(np.float32(spec.mask_value))
    return TensorFacts(spec.name, str(spec.dtype), shape, scale, zero_point, mask=mask)


def _streamed(model: Model) -> Streamed | None:
    signature = model.stream_signature
    if signature is None:
        return None
    layout = signature.layout
    rows = (replace(o.rows or Rows(-1), axis=_axis(o)) for o in layout.outputs)
    states = []
    for spec, state in zip(signature.states, layout.states, strict=True):
        tensor = _tensor(spec)
        # Only the batch of a state may be free.
        whole = tuple(1 if d == FREE else d for d in tensor.shape)
        states.append(replace(tensor, shape=whole, initial=state.initial))
    several = max(CHUNK // layout.multiple, 1) * layout.multiple
    return Streamed(
        inputs=_tensors(signature.inputs),
        outputs=_tensors(signature.outputs),
        states=tuple(states),
        times=tuple(-1 if i.time is None else i.time for i in layout.inputs),
        rows=tuple(rows),
        chunk=layout.chunk or several,
        delay=layout.delay,
        tail=layout.tail,
    )


def _axis(output: StreamOutput) -> int:
    return -1 if output.so_far or output.rows is None else output.rows.axis
