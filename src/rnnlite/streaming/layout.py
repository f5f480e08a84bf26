"""What a file says of its stream. Data, without TensorFlow: the runtime knows nothing else of it.

What enters: what `function` finds, or the record in a file. What leaves: a `Layout`, as data and as
JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rnnlite.streaming.rows import Rows

SIGNATURE = "stream"
"""Name of the signature that takes a chunk."""

RECORD = "stream"
"""Key of the layout in the file's record."""


@dataclass(frozen=True)
class StreamInput:
    """An input of the signature that is no state.

    Attributes:
        name: the source's.
        time: its axis of time; None where it is given whole at each call.
    """

    name: str
    time: int | None


@dataclass(frozen=True)
class StreamOutput:
    """An output of the signature that is no state.

    Attributes:
        name: the source's.
        rows: the place of its rows in the stream; of a result so far, the place of the rows that
            are summed up. None where the output depends on no input with time.
        so_far: whether the output is one result for the whole sequence, such as a class. Each
            chunk then gives the result of the steps that have come.
    """

    name: str
    rows: Rows | None
    so_far: bool


@dataclass(frozen=True)
class StreamState:
    """A state of the signature, an input and an output of one name.

    Attributes:
        name: "state/<layer>/<name>".
        initial: the number that it holds, all over, at the start of a sequence.
        batch_axis: the axis of the batch where that is free, else None.
        dtype: of its elements, as the file has them.
        scale, zero_point: of integers that stand for real = scale * (integer - zero_point). The
            input and the output of a state have the same. None of other types.
        grows: whether the state adds up all steps so far. No range holds such a sum, so the state
            stays in float.
    """

    name: str
    initial: float
    batch_axis: int | None
    dtype: str = "float32"
    scale: float | None = None
    zero_point: int | None = None
    grows: bool = False


@dataclass(frozen=True)
class Layout:
    """How the signature "stream" is used.

    Attributes:
        chunk: steps of each chunk; None where a chunk may have any multiple of `multiple`.
        multiple: the length of a chunk is a multiple of so many steps, for strides along time.
        longest: the most steps to run in one call; longer chunks are cut into pieces of this size.
        tail: whether steps are fed beyond the end of a sequence, until its last, late rows have
            come. The states `steps` and `end` (`streaming.clock`) then say where it ends.
        inputs, outputs: without the states.
        states: in the order of the signature.
    """

    chunk: int | None
    multiple: int
    longest: int
    tail: bool
    inputs: tuple[StreamInput, ...]
    outputs: tuple[StreamOutput, ...]
    states: tuple[StreamState, ...]

    @property
    def delay(self) -> int:
        """Steps of look-ahead: each output row comes so many steps after the step that it is of."""
        return max((r.look_ahead for o in self.outputs if (r := o.rows)), default=0)

    def lacking(self, steps: int) -> int:
        """Steps to feed beyond the end of a sequence of `steps` steps, in whole chunks."""
        found = max((o.rows.lacking(steps) for o in self.outputs if o.rows), default=0)
        unit = self.chunk or self.multiple
        return -(-found // unit) * unit

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = asdict(self)
        for output in found["outputs"]:
            rows = output["rows"] or {}
            # Known while the function is emitted alone.
            rows.pop("most", None)
            rows.pop("unit", None)
        return found


def layout_from(data: Mapping[str, Any]) -> Layout:
    """What `Layout.to_dict` gave."""
    outputs = [
        StreamOutput(o["name"], None if o["rows"] is None else Rows(**o["rows"]), o["so_far"])
        for o in data["outputs"]
    ]
    return Layout(
        chunk=data["chunk"],
        multiple=data["multiple"],
        longest=data["longest"],
        tail=data["tail"],
        inputs=tuple(StreamInput(**i) for i in data["inputs"]),
        outputs=tuple(outputs),
        states=tuple(StreamState(**s) for s in data["states"]),
    )
