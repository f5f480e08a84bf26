"""How a Scan is lowered, as data: what a loop is, what the caller asks for, what is chosen.

What enters: the caller's wishes, as a mapping or text. What leaves: checked `Options`. Pure, no
TensorFlow; `lowering.cost_model` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rnnlite.errors import ScheduleError
from rnnlite.lowering.merging import FAN, FEW
from rnnlite.scan.place import Place
from rnnlite.target import LITERT, Target

MAX_UNROLL = 4
MAX_LEVELS = 6

FREE_BATCH = 4
"""What a free batch counts as where its buffers are sized."""


@dataclass(frozen=True)
class Loop:
    """What a Scan's loop computes.

    Attributes:
        recurrent_weights: weights read at each time step; 0 where unrolling brings nothing.
        hoisted: False for a traced cell of unknown cost, which is never unrolled.
        length: the number of time steps, if it is fixed.
        row_bytes: bytes of one time step of all output sequences; 0 where none is wanted.
        fixed_rows: whether a time step of the output sequences has a shape that is known.
        neutral: whether steps can be put in front that leave the initial state as it is.
        roughly: whether they do so up to rounding alone.
        plain: whether it is a cell whose projection and product can be made in other ways.
        batch: sequences at a time, if that is fixed.
        projected_bytes: bytes of what one time step of one sequence is projected to.
        features: inputs of one time step of one sequence.
    """

    recurrent_weights: int
    hoisted: bool
    length: int | None
    row_bytes: int
    neutral: bool
    fixed_rows: bool = False
    plain: bool = False
    batch: int | None = 1
    projected_bytes: int = 0
    features: int = 0
    roughly: bool = False

    @property
    def rows_bytes(self) -> int:
        """Bytes of what one time step is projected to."""
        return (FREE_BATCH if self.batch is None else self.batch) * self.projected_bytes


@dataclass(frozen=True)
class Budget:
    """Bytes that all but weights may take in a file that is to be small.

    Attributes:
        free_bytes: in any file.
        share_of_weights: besides, for each weight, which takes a byte.
    """

    free_bytes: int = 27_000
    share_of_weights: float = 0.14


@dataclass(frozen=True)
class Options:
    """What the caller decides about loops; None is left to the cost model.

    Attributes:
        unroll: time steps an iteration (K); 1 for traced cells whatever it says.
        block: rows of a block of an output sequence (M); rounded up to a multiple of K.
        levels: loops within loops for output sequences, 1 to 6.
        growth: how many times larger than the next smaller one a buffer is.
        striped: 1 to project inputs block by block, 0 to project all at once.
        segments: loops one after the other that share a body, each with its own part of an output
            sequence; 1 where the length is fixed or values are integers.
        first: blocks that are computed one after the other before any loop over blocks; 0 for none,
            and for other cells than those below, a fixed length or integers.
        projection: where LSTM, GRU and SimpleRNN project their inputs: "before" the loop, in each
            "step", or "joined" with the product of the step.
        variables: 1 to keep the rows of output sequences in variables of the runtime while a loop
            runs, 0 in blocks that loops carry. Left open, it is 1 where rows have a fixed shape and
            none of the sizes of blocks is asked for.
        l2_bytes: the target's L2 cache a core.
        max_unroll: steps an iteration at most; each takes some 1.2 kB in the file.
        max_levels: loops within loops at most; each takes some 2 kB in the file.
        weight_bytes: bytes that a weight will have in the loop: 4, or 1 for int8.
        value_bytes: bytes that a projected or computed value will have: 4, 2 or 1.
        budget: how large the file may be; None where it may have any size.
        target: what the file is made for.
        exact: whether rounding may not differ with the length of a sequence: chunks of it are then
            the same integers.
    """

    unroll: int | None = None
    block: int | None = None
    levels: int | None = None
    growth: int | None = None
    striped: int | None = None
    segments: int | None = None
    first: int | None = None
    projection: str | None = None
    variables: int | None = None
    l2_bytes: int = LITERT.costs.l2_bytes
    max_unroll: int = MAX_UNROLL
    max_levels: int = MAX_LEVELS
    weight_bytes: int = 4
    value_bytes: int = 4
    budget: Budget | None = None
    target: Target = LITERT
    exact: bool = False


AUTOMATIC = Options()
"""All is left to the cost model."""


@dataclass(frozen=True)
class Schedule:
    """How one Scan's loop is laid out.

    Attributes:
        unroll: time steps an iteration (K), at least 1.
        remainder: what becomes of a length that K does not divide: "none" where that cannot be,
            "front" (neutral steps in front), "single" (a loop of single steps comes last).
        block: rows of a block, of output sequences or of what is projected together, a multiple of
            K; 0 where levels is 1.
        levels: loops within loops.
        growth: how many times larger than the next smaller one a buffer is, but for the smallest.
        striped: whether inputs are projected block by block, not all at once.
        apart: how many of the last rows of the batch are multiplied each on its own. XNNPACK's
            float products take as long for 1 row as for 7, unless it stands alone.
        place: where the inputs are projected.
        segments: loops one after the other, each over its part of the sequence.
        first: blocks that come before the segments: one, then the others if the sequence reaches
            them. A sequence that they hold takes no loop over blocks. 0 for none.
        kept: levels in which variables of the runtime may hold an output sequence; 0 where loops
            carry it.
    """

    unroll: int = 1
    remainder: str = "none"
    block: int = 0
    levels: int = 1
    growth: int = 8
    striped: bool = False
    apart: int = 0
    place: Place = Place.BEFORE
    segments: int = 1
    first: int = 0
    kept: int = 0

    @property
    def turns(self) -> tuple[int, ...]:
        """Lengths beyond which an output sequence is put together in another way."""
        if self.kept:
            return FAN * self.unroll, FEW * FAN * self.unroll
        return (self.block * (self.first + self.segments),) if self.block else ()

    def __str__(self) -> str:
        parts = [f"{self.unroll} steps an iteration" if self.unroll > 1 else "single steps"]
        if self.remainder != "none":
            parts.append({"front": "neutral steps in front"}.get(self.remainder, "rest last"))
        if self.kept:
            parts.append("rows kept in variables")
        if self.levels > 1:
            parts.append(f"blocks of {self.block} rows, {self.levels} levels")
        if self.first:
            parts.append(f"{self.first} blocks first" if self.first > 1 else "one block first")
        if self.segments > 1:
            parts.append(f"{self.segments} segments")
        if self.striped:
            parts.append("projected by blocks")
        if self.place is not Place.BEFORE:
            own = self.place is Place.STEP
            parts.append("projected in the step" if own else "inputs and state in one product")
        if self.apart:
            parts.append("last row apart" if self.apart == 1 else f"last {self.apart} rows apart")
        return ", ".join(parts)


LIMITS = {
    "unroll": (1, 64),
    "block": (1, 65536),
    "levels": (1, MAX_LEVELS),
    "growth": (2, 64),
    "striped": (0, 1),
    "segments": (1, 16),
    "first": (0, 16),
    "variables": (0, 1),
    "l2_bytes": (1, 1 << 40),
    "max_unroll": (1, 64),
    "max_levels": (1, MAX_LEVELS),
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
) -> Options:
    """What a caller asks for, checked.

    Args:
        weight_bytes, value_bytes: unless the caller says what they are.
        budget, target, exact: see `Options`.
        given: None; a mapping with keys of `Options`; or the same as text, "unroll=4,levels=2".

    Raises:
        ScheduleError: an unknown key, or a value that is no number within its limits.
    """
    if isinstance(given, Options):
        return given
    if given is None:
        given = {}
    ours = ("budget", "target", "exact")
    known = [field.name for field in fields(Options) if field.name not in ours]
    if isinstance(given, str):
        pairs = [part.partition("=") for part in given.split(",")]
        given = {key.strip(): int(v) if v.strip().isdecimal() else v for key, _, v in pairs}
    if not isinstance(given, Mapping):
        raise ScheduleError(
            "schedule is no schedule",
            expected=f"a mapping with some of the keys {', '.join(known)}",
            found=type(given).__name__,
        )
    for key, value in given.items():
        if key not in known:
            raise ScheduleError(
                "schedule names what it does not have",
                expected=", ".join(known),
                found=repr(key),
            )
        if key == "projection":
            if value not in [place.value for place in Place]:
                raise ScheduleError(
                    "schedule: projection is none of those there are",
                    expected=", ".join(repr(place.value) for place in Place),
                    found=repr(value),
                )
            continue
        low, high = LIMITS[key]
        number = isinstance(value, int) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ScheduleError(
                f"schedule: {key} is out of range",
                expected=f"a whole number from {low} to {high}",
                found=repr(value),
            )
    most = max(MAX_UNROLL, given.get("unroll", 0))
    sizes = {
        "weight_bytes": weight_bytes,
        "value_bytes": value_bytes,
        "l2_bytes": target.costs.l2_bytes,
        "max_unroll": most,
    }
    found = Options(**{**sizes, **given}, budget=budget, target=target, exact=exact)
    if found.variables and not target.variables:
        raise ScheduleError(
            f"{target.title} keeps no rows in variables",
            expected="variables=0, or that it is left out",
            found="variables=1",
        )
    return found
