"""How a Scan is lowered: unrolled steps, what becomes of a remainder, blocks. Pure, no TensorFlow.

What enters: what the loop computes (`Loop`) and what the caller asks for (`Options`). What leaves:
a `Schedule`.

The runtime's costs decide (constants below; `benchmarks/loop_costs.py` measures them):

- An iteration of WHILE costs as much as several small ops: K steps an iteration share it.
- XNNPACK packs a constant once for each product that reads it: K steps read K copies of the
  recurrent kernel, which should stay in half of the L2 cache.
- A loop is prepared anew at each run, the longer the more steps it holds.
- A carried output sequence is copied twice an iteration. Sequences are therefore written in blocks
  of M rows, blocks into blocks: with M constant and up to three further levels, time
  grows linearly up to hundreds of thousands of steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from rnnlite.errors import ScheduleError

DEFAULT_L2_BYTES = 1 << 20
MAX_UNROLL = 4
MAX_LEVELS = 6

PREPARE = 8.0
PREPARE_STEP = 2.0
"""Microseconds to prepare a loop, and each unrolled step of it."""

COPY_BYTES = 4.6e4
"""Bytes of a buffer that are copied in a microsecond."""

SMALLEST_BLOCK, LARGEST_BLOCK = 4, 256

TILE = 7
"""Rows that XNNPACK's float products take at a time."""

APART = {2: 2, 8: 1, 9: 2, 15: 1, 22: 1}
"""Batches a little above a multiple of `TILE`: rows that are faster each on its own."""

GATE = 0.6
"""Nanoseconds that a gate's value of one sequence saves where it is never written to memory."""

PADDING = {4: 0.02, 1: 0.005}
"""Nanoseconds for each input of a gate of a row that a product computes in vain, by the bytes of a
weight."""

ROW_APART = 3
"""What a row apart costs, in rows of a tile."""

STRIPE = 128
"""Time steps that are projected together where no output sequence says how many."""

STRIPED_BYTES = 3072
"""Bytes of a projected time step from which all of them together would leave the cache."""

LARGE_ROW = 2048
LEVELS = ((4096, 5), (512, 4), (65, 3), (0, 2))
"""Levels by bytes of an output row, from these on, where there are no segments: the larger the
rows, the more their copies outweigh the preparation of another loop."""

SEGMENTS = ((4096, 3, 8), (2048, 3, 4), (512, 3, 2), (0, 2, 1))
"""Levels and segments by bytes of an output row. A segment's buffers are so much smaller, and what
they hold is joined at once; each prepares its loops anew."""

GROWTH, GROWTH_OF_LARGE = 8, 4
"""How many times larger than the next smaller one a buffer is, and where rows are large and there
are no segments: copies come from memory then, where they cost more than another loop."""

FREE_BATCH = 4
"""What a free batch counts as where its buffers are sized."""

MANY = 28
"""What it counts as where products are: `predict` takes so many at a time."""

LARGE_PROJECTION = 4096
"""Bytes of the projected rows of a step, from which unstacking several costs more than an
iteration."""


class Place(Enum):
    """Where the inputs are projected.

    Attributes:
        BEFORE: for all time steps, or a block of them, before the loop.
        STEP: in each step, x W + h U as two products.
        JOINED: in each step as one product, [x, h] with W above U.
    """

    BEFORE = "before"
    STEP = "step"
    JOINED = "joined"


@dataclass(frozen=True)
class Loop:
    """What a Scan's loop computes.

    Attributes:
        recurrent_weights: weights read at each time step; 0 where unrolling brings nothing.
        hoisted: False for a traced cell of unknown cost, which is never unrolled.
        length: the number of time steps, if it is fixed.
        row_bytes: bytes of one time step of all output sequences; 0 where none is wanted.
        neutral: whether steps can be put in front that leave the initial state as it is.
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
    plain: bool = False
    batch: int | None = 1
    projected_bytes: int = 0
    features: int = 0

    @property
    def rows_bytes(self) -> int:
        """Bytes of what one time step is projected to."""
        return (FREE_BATCH if self.batch is None else self.batch) * self.projected_bytes


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
            sequence; 1 where the length is fixed.
        projection: where LSTM, GRU and SimpleRNN project their inputs: "before" the loop, in each
            "step", or "joined" with the product of the step.
        l2_bytes: the target's L2 cache a core.
        max_unroll: steps an iteration at most; each takes some 1.2 kB in the file.
        max_levels: loops within loops at most; each takes some 2 kB in the file.
        weight_bytes: bytes that a weight will have in the loop: 4, or 1 for int8.
        value_bytes: bytes that a projected or computed value will have: 4, 2 or 1.
    """

    unroll: int | None = None
    block: int | None = None
    levels: int | None = None
    growth: int | None = None
    striped: int | None = None
    segments: int | None = None
    projection: str | None = None
    l2_bytes: int = DEFAULT_L2_BYTES
    max_unroll: int = MAX_UNROLL
    max_levels: int = MAX_LEVELS
    weight_bytes: int = 4
    value_bytes: int = 4


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
    """

    unroll: int = 1
    remainder: str = "none"
    block: int = 0
    levels: int = 1
    growth: int = GROWTH
    striped: bool = False
    apart: int = 0
    place: Place = Place.BEFORE
    segments: int = 1

    def __str__(self) -> str:
        parts = [f"{self.unroll} steps an iteration" if self.unroll > 1 else "single steps"]
        if self.remainder != "none":
            parts.append({"front": "neutral steps in front"}.get(self.remainder, "rest last"))
        if self.levels > 1:
            parts.append(f"blocks of {self.block} rows, {self.levels} levels")
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
    "l2_bytes": (1, 1 << 40),
    "max_unroll": (1, 64),
    "max_levels": (1, MAX_LEVELS),
    "weight_bytes": (1, 4),
    "value_bytes": (1, 4),
}


def take_options(
    given: Options | Mapping[str, Any] | str | None, *, weight_bytes: int = 4, value_bytes: int = 4
) -> Options:
    """What a caller asks for, checked.

    Args:
        weight_bytes, value_bytes: unless the caller says what they are.
        given: None; a mapping with keys of `Options`; or the same as text, "unroll=4,levels=2".

    Raises:
        ScheduleError: an unknown key, or a value that is no number within its limits.
    """
    if isinstance(given, Options):
        return given
    if given is None:
        given = {}
    known = [field.name for field in fields(Options)]
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
    sizes = {"weight_bytes": weight_bytes, "value_bytes": value_bytes}
    return Options(**{**sizes, "max_unroll": most, **given})


def choose(loop: Loop, options: Options = Options()) -> Schedule:
    """Choose the schedule of one Scan.

    Args:
        loop: what it computes.
        options: what the caller decides.
    """
    place = _place(loop, options)
    unroll = _unroll(loop, options, place)
    remainder = "none"
    if unroll > 1 and (loop.length is None or loop.length % unroll):
        remainder = "front" if loop.neutral and place is Place.BEFORE else "single"
    levels, block = 1, 0
    row = loop.row_bytes * (FREE_BATCH if loop.batch is None else 1)
    row = math.ceil(row * options.value_bytes / 4)
    segments = 1
    if row:
        block = options.block or best_block(unroll, row)
        block = unroll * math.ceil(block / unroll)
        levels, segments = _levels(loop, options, row, block)
        levels = min(options.levels or levels, options.max_levels)
    whole = not loop.plain or remainder == "single" or place is not Place.BEFORE
    striped = not whole and _striped(loop, options)
    if striped and not row and options.max_levels > 1:
        block = unroll * math.ceil((options.block or STRIPE) / unroll)
        levels = 1 if loop.length is not None and loop.length <= block else 2
    return Schedule(
        unroll,
        remainder,
        block=block if levels > 1 else 0,
        levels=levels,
        growth=options.growth or (GROWTH if segments > 1 or row < LARGE_ROW else GROWTH_OF_LARGE),
        striped=striped and levels > 1,
        apart=_apart(loop, options),
        place=place,
        segments=segments,
    )


def _apart(loop: Loop, options: Options) -> int:
    float_product = options.weight_bytes == 4 and loop.plain
    return APART.get(loop.batch or MANY, 0) if float_product else 0


def _place(loop: Loop, options: Options) -> Place:
    """In the step, where the rows that its tiles compute in vain cost less than memory would."""
    if not loop.plain:
        return Place.BEFORE
    if options.projection is not None:
        return Place(options.projection)
    if options.value_bytes < 4 or not loop.features:
        return Place.BEFORE
    batch = loop.batch or MANY
    apart = _apart(loop, options)
    padded = -(batch - apart) % TILE + ROW_APART * apart
    if PADDING[options.weight_bytes] * loop.features * padded >= GATE * batch:
        return Place.BEFORE
    # int8 weights quantize what they multiply: inputs and states should not share a scale.
    return Place.JOINED if options.weight_bytes == 4 else Place.STEP


def _striped(loop: Loop, options: Options) -> bool:
    """Whether what all steps are projected to would go to memory and back."""
    if options.striped is not None:
        return bool(options.striped)
    # One sequence alone takes so long for its kernel that what it is projected to costs little.
    return loop.batch != 1 and loop.rows_bytes * options.value_bytes // 4 >= STRIPED_BYTES


def _levels(loop: Loop, options: Options, row: int, block: int) -> tuple[int, int]:
    """Levels and segments by the tables.

    A fixed length has no segments, whose bodies would differ by constants, and needs no more levels
    than make each buffer some 8 times the next one.
    """
    if loop.length is None and options.value_bytes == 4:
        levels, segments = next(found for least, *found in SEGMENTS if row >= least)
        return levels, options.segments or segments
    levels = next(count for least, count in LEVELS if row >= least)
    if loop.length is None:
        return levels, 1
    blocks = loop.length / block
    return min(levels, 1 if blocks <= 2 else 2 if blocks <= 16 else 3 if blocks <= 128 else 5), 1


def best_block(unroll: int, row_bytes: int) -> int:
    """The power of two that balances copies within a block against preparing a block's loop.

    A step costs 2 M R / (K c) for copies of M rows of R bytes at c bytes a microsecond, and p / M
    for a preparation of p microseconds: least at M = sqrt(p K c / (2 R)).
    """
    prepare = PREPARE + PREPARE_STEP * unroll
    best = math.sqrt(prepare * unroll * COPY_BYTES / (2 * row_bytes))
    power = 2 ** round(math.log2(best))
    return int(min(max(power, SMALLEST_BLOCK), LARGEST_BLOCK))


def _unroll(loop: Loop, options: Options, place: Place) -> int:
    if not loop.hoisted or loop.recurrent_weights <= 0:
        return 1
    unroll = options.unroll
    if unroll is None:
        unroll = options.max_unroll
        copy = loop.recurrent_weights * options.weight_bytes
        while unroll > 1 and unroll * copy > options.l2_bytes // 2:
            unroll //= 2
        inside = place is not Place.BEFORE
        small = inside or options.weight_bytes < 4 or loop.rows_bytes < LARGE_PROJECTION
        if not loop.row_bytes and not small:
            unroll = 1
        if loop.row_bytes and copy <= options.l2_bytes:
            # Copies of output rows are halved: more than a second kernel out of the cache costs,
            # the less so the more sequences share it.
            several = inside and 4 * copy <= 2 * options.l2_bytes
            unroll = min(max(unroll, 4 if several else 2), options.max_unroll)
    unroll = min(unroll, options.max_unroll)
    while loop.length is not None and unroll > max(loop.length, 1):
        unroll //= 2
    return max(unroll, 1)
