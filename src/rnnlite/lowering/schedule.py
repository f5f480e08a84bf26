"""How a Scan is lowered, as data: what a loop is, what the caller asks for, what is chosen.

What enters: what the caller asks for, as a mapping or text. What leaves: checked `Options`. Pure,
no TensorFlow. `lowering.cost_model` chooses a `Schedule` by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rnnlite.errors import ScheduleError
from rnnlite.lowering.merging import FAN, FEW
from rnnlite.scan.projection import Projection
from rnnlite.target import LITERT, Target

MAX_UNROLL = 4
MAX_DEPTH = 6

FREE_BATCH = 4
"""The batch size that buffers are sized for where the batch is free."""


@dataclass(frozen=True)
class Loop:
    """What a Scan's loop computes.

    Attributes:
        recurrent_weights: weights read at each time step; 0 where unrolling brings nothing.
        hoisted: False for a traced cell of unknown cost, which is never unrolled.
        length: the number of time steps, if it is fixed.
        row_bytes: bytes of one time step of all output sequences, a free batch counted as 1; 0
            where no output sequence is wanted.
        fixed_rows: whether a time step of the output sequences has a shape that is known.
        identity_padding: whether steps can be put in front that leave the initial state as it is.
        roughly: whether such padding changes the initial state by rounding.
        plain: whether the cell is one whose projection and product can be laid out in several ways.
        batch: the batch size, if it is fixed.
        projected_bytes: bytes of the projected inputs of one time step of one sequence.
        features: input features of one time step of one sequence.
    """

    recurrent_weights: int
    hoisted: bool
    length: int | None
    row_bytes: int
    identity_padding: bool
    fixed_rows: bool = False
    plain: bool = False
    batch: int | None = 1
    projected_bytes: int = 0
    features: int = 0
    roughly: bool = False

    @property
    def rows_bytes(self) -> int:
        """Bytes of the projected inputs of one time step of a batch."""
        return (FREE_BATCH if self.batch is None else self.batch) * self.projected_bytes


@dataclass(frozen=True)
class Budget:
    """How many bytes a small file may have beside its weights.

    Attributes:
        free_bytes: bytes that any file may have.
        share_of_weights: further bytes for each weight.
    """

    free_bytes: int = 27_000
    share_of_weights: float = 0.14


@dataclass(frozen=True)
class Options:
    """What the caller decides about loops; None is left to the cost model.

    Attributes:
        unroll: time steps in an iteration (K). Traced cells always have 1.
        chunk: rows of a chunk of an output sequence (M); rounded up to a multiple of K.
        depth: loops within loops for output sequences, 1 to 6.
        chunk_growth: how many times larger than the next smaller one a buffer is.
        chunked_projection: 1 to project inputs chunk by chunk, 0 to project all at once.
        partitions: loops one after the other that share a body, each with its own part of an output
            sequence; 1 where the length is fixed or values are integers.
        peeled_chunks: chunks that are computed one after the other before any loop over chunks.
            Always 0 for other cells than LSTM, GRU and SimpleRNN, for a fixed length and for
            integers.
        projection: where LSTM, GRU and SimpleRNN project their inputs: "hoisted" out of the loop,
            "in_loop" in each step, or "fused" with the product of the step.
        variables: 1 to keep the rows of output sequences in variables of the runtime while a loop
            runs, 0 in chunks that loops carry. Left open, it is 1 where rows are small and have a
            fixed shape, inputs are not projected by chunks, and no size of chunks is asked for.
        l2_bytes: size of the L2 cache of each of the target's cores.
        max_unroll: steps in an iteration at most; each takes some 1.2 kB in the file.
        max_depth: loops within loops at most; each takes some 2 kB in the file.
        weight_bytes: bytes that a weight will have in the loop: 4, or 1 for int8.
        value_bytes: bytes that a projected or computed value will have: 4, 2 or 1.
        budget: how large the file may be; None where it may have any size.
        target: what the file is made for.
        exact: whether rounding must not depend on the length of a sequence, so that chunks of it
            give the same integers.
        streamed: whether the function of a chunk is made as well. Both functions then get the same
            kernels.
    """

    unroll: int | None = None
    chunk: int | None = None
    depth: int | None = None
    chunk_growth: int | None = None
    chunked_projection: int | None = None
    partitions: int | None = None
    peeled_chunks: int | None = None
    projection: str | None = None
    variables: int | None = None
    l2_bytes: int = LITERT.costs.l2_bytes
    max_unroll: int = MAX_UNROLL
    max_depth: int = MAX_DEPTH
    weight_bytes: int = 4
    value_bytes: int = 4
    budget: Budget | None = None
    target: Target = LITERT
    exact: bool = False
    streamed: bool = False


AUTOMATIC = Options()
"""All is left to the cost model."""


@dataclass(frozen=True)
class Schedule:
    """How one Scan's loop is laid out.

    Attributes:
        unroll: time steps in an iteration (K), at least 1.
        remainder: what is done where K does not divide the length: "front" (identity padding steps
            in front), "single" (a loop of single steps comes last), "none" where K divides every
            length.
        chunk: rows of a chunk of output sequences, or of inputs that are projected together. A
            multiple of K; 0 where depth is 1.
        depth: loops within loops.
        chunk_growth: how many times larger than the next smaller one a buffer is, but for the
            smallest.
        chunked_projection: whether inputs are projected chunk by chunk, not all at once.
        remainder_rows: how many of the last rows of the batch are multiplied each on its own.
            XNNPACK's float products take as long for 1 row as for 7, unless it stands alone.
        projection: where the inputs are projected.
        partitions: loops one after the other, each over its part of the sequence.
        peeled_chunks: chunks that come before the partitions: first one, then the others if the
            sequence is that long. A sequence that fits in them runs no loop over chunks. 0 for
            none.
        variable_levels: levels of resource variables that may hold an output sequence; 0 where
            loops carry it.
    """

    unroll: int = 1
    remainder: str = "none"
    chunk: int = 0
    depth: int = 1
    chunk_growth: int = 8
    chunked_projection: bool = False
    remainder_rows: int = 0
    projection: Projection = Projection.HOISTED
    partitions: int = 1
    peeled_chunks: int = 0
    variable_levels: int = 0

    @property
    def thresholds(self) -> tuple[int, ...]:
        """Lengths beyond which an output sequence is gathered by another strategy."""
        if self.variable_levels:
            return FAN * self.unroll, FEW * FAN * self.unroll
        return (self.chunk * (self.peeled_chunks + self.partitions),) if self.chunk else ()

    def __str__(self) -> str:
        parts = [f"{self.unroll} steps an iteration" if self.unroll > 1 else "single steps"]
        if self.remainder != "none":
            parts.append(
                {"front": "identity padding steps in front"}.get(self.remainder, "rest last")
            )
        if self.variable_levels:
            parts.append("rows in resource variables")
        if self.depth > 1:
            parts.append(f"chunks of {self.chunk} rows, {self.depth} levels")
        if self.peeled_chunks:
            parts.append(
                f"{self.peeled_chunks} chunks peeled"
                if self.peeled_chunks > 1
                else "one chunk peeled"
            )
        if self.partitions > 1:
            parts.append(f"{self.partitions} partitions")
        if self.chunked_projection:
            parts.append("projected by chunks")
        if self.projection is not Projection.HOISTED:
            own = self.projection is Projection.IN_LOOP
            parts.append("projected in the step" if own else "inputs and state in one product")
        if self.remainder_rows:
            parts.append(
                "last row alone"
                if self.remainder_rows == 1
                else f"last {self.remainder_rows} rows alone"
            )
        return ", ".join(parts)


LIMITS = {
    "unroll": (1, 64),
    "chunk": (1, 65536),
    "depth": (1, MAX_DEPTH),
    "chunk_growth": (2, 64),
    "chunked_projection": (0, 1),
    "partitions": (1, 16),
    "peeled_chunks": (0, 16),
    "variables": (0, 1),
    "l2_bytes": (1, 1 << 40),
    "max_unroll": (1, 64),
    "max_depth": (1, MAX_DEPTH),
    "weight_bytes": (1, 4),
    "value_bytes": (1, 4),
}


def take_options(
    given: Options | Mapping[str, Any] | str | None,
    *,
    weight_bytes: int = 4,
    value_bytes: int = 4,
    budget: Budget | None = None,
    target: Target = LITERT,
    exact: bool = False,
    streamed: bool = False,
) -> Options:
    """What a caller asks for, checked.

    Args:
        given: None; a mapping with keys of `Options`; the same as text, "unroll=4,depth=2"; or
            `Options`, which are given back as they are.
        weight_bytes, value_bytes: see `Options`; a mapping or text that has them overrules them.
        budget, target, exact, streamed: see `Options`.

    Raises:
        ScheduleError: an unknown key, or a value that is no number within its limits.
    """
    if isinstance(given, Options):
        return given
    asked = _as_mapping(given)
    for key, value in asked.items():
        _require_value(key, value)
    sizes = {
        "weight_bytes": weight_bytes,
        "value_bytes": value_bytes,
        "l2_bytes": target.costs.l2_bytes,
        "max_unroll": max(MAX_UNROLL, asked.get("unroll", 0)),
    }
    found = Options(
        **{**sizes, **asked}, budget=budget, target=target, exact=exact, streamed=streamed
    )
    if found.variables and not target.variables:
        raise ScheduleError(
            f"{target.title} keeps no rows in variables",
            expected="variables=0, or that it is left out",
            found="variables=1",
        )
    return found


def _keys() -> list[str]:
    """The keys that a caller may give."""
    ours = ("budget", "target", "exact", "streamed")
    return [field.name for field in fields(Options) if field.name not in ours]


def _as_mapping(given: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """What a caller asks for as a mapping: text such as "unroll=4,depth=2" is read, None is empty.

    Raises:
        ScheduleError: it is of another type.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        pairs = [part.partition("=") for part in given.split(",")]
        return {key.strip(): int(v) if v.strip().isdecimal() else v for key, _, v in pairs}
    if not isinstance(given, Mapping):
        raise ScheduleError(
            "schedule is no schedule",
            expected=f"a mapping with some of the keys {', '.join(_keys())}",
            found=type(given).__name__,
        )
    return given


def _require_value(key: str, value: object) -> None:
    """Refuse an unknown key, and a value beyond `LIMITS`.

    Raises:
        ScheduleError: naming the key, and what it takes.
    """
    if key not in _keys():
        raise ScheduleError(
            "schedule names what it does not have",
            expected=", ".join(_keys()),
            found=repr(key),
        )
    if key == "projection":
        if value not in [where.value for where in Projection]:
            raise ScheduleError(
                "schedule: projection is none of those there are",
                expected=", ".join(repr(where.value) for where in Projection),
                found=repr(value),
            )
        return
    low, high = LIMITS[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ScheduleError(
            f"schedule: {key} is out of range",
            expected=f"a whole number from {low} to {high}",
            found=repr(value),
        )
