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
from typing import Any

from rnnlite.errors import ScheduleError

DEFAULT_L2_BYTES = 1 << 20
MAX_UNROLL = 4
MAX_LEVELS = 5

PREPARE = 8.0
PREPARE_STEP = 2.0
"""Microseconds to prepare a loop, and each unrolled step of it."""

COPY_BYTES = 4.6e4
"""Bytes of a buffer that are copied in a microsecond."""

SMALLEST_BLOCK, LARGEST_BLOCK = 16, 256

APART = (8, 15)
"""Batches of one more than a multiple of 7, as far as it pays."""

SMALL_ROW, LARGE_ROW = 64, 512
"""Bytes of an output row up to which two levels are enough, and from which four pay."""


@dataclass(frozen=True)
class Loop:
    """What a Scan's loop computes.

    Attributes:
        recurrent_weights: weights read at each time step; 0 where unrolling brings nothing.
        hoisted: False for a traced cell of unknown cost, which is never unrolled.
        length: the number of time steps, if it is fixed.
        row_bytes: bytes of one time step of all output sequences; 0 where none is wanted.
        neutral: whether steps can be put in front that leave the initial state as it is.
        batch: sequences at a time, if that is fixed and the product can be made apart.
    """

    recurrent_weights: int
    hoisted: bool
    length: int | None
    row_bytes: int
    neutral: bool
    batch: int | None = None


@dataclass(frozen=True)
class Options:
    """What the caller decides about loops; None is left to the cost model.

    Attributes:
        unroll: time steps an iteration (K); 1 for traced cells whatever it says.
        block: rows of a block of an output sequence (M); rounded up to a multiple of K.
        levels: loops within loops for output sequences, 1 to 5.
        l2_bytes: the target's L2 cache a core.
        max_unroll: steps an iteration at most; each takes some 1.2 kB in the file.
        max_levels: loops within loops at most; each takes some 2 kB in the file.
        weight_bytes: bytes that a weight will have in the loop: 4, or 1 for int8.
    """

    unroll: int | None = None
    block: int | None = None
    levels: int | None = None
    l2_bytes: int = DEFAULT_L2_BYTES
    max_unroll: int = MAX_UNROLL
    max_levels: int = MAX_LEVELS
    weight_bytes: int = 4


@dataclass(frozen=True)
class Schedule:
    """How one Scan's loop is laid out.

    Attributes:
        unroll: time steps an iteration (K), at least 1.
        remainder: what becomes of a length that K does not divide: "none" where that cannot be,
            "front" (neutral steps in front), "single" (a loop of single steps comes last).
        block: rows of a block of the output sequences, a multiple of K; 0 where levels is 1.
        levels: loops within loops.
        apart: whether the last row of the batch is multiplied on its own. XNNPACK's float products
            take 7 rows at a time, and as long for 1 as for 7, unless it stands alone.
    """

    unroll: int = 1
    remainder: str = "none"
    block: int = 0
    levels: int = 1
    apart: bool = False

    def __str__(self) -> str:
        parts = [f"{self.unroll} steps an iteration" if self.unroll > 1 else "single steps"]
        if self.remainder != "none":
            parts.append({"front": "neutral steps in front"}.get(self.remainder, "rest last"))
        if self.levels > 1:
            parts.append(f"blocks of {self.block} rows, {self.levels} levels")
        if self.apart:
            parts.append("last row apart")
        return ", ".join(parts)


LIMITS = {
    "unroll": (1, 64),
    "block": (1, 65536),
    "levels": (1, MAX_LEVELS),
    "l2_bytes": (1, 1 << 40),
    "max_unroll": (1, 64),
    "max_levels": (1, MAX_LEVELS),
    "weight_bytes": (1, 4),
}


def take_options(
    given: Options | Mapping[str, Any] | str | None, *, weight_bytes: int = 4
) -> Options:
    """What a caller asks for, checked.

    Args:
        weight_bytes: unless the caller says what it is.
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
        low, high = LIMITS[key]
        number = isinstance(value, int) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ScheduleError(
                f"schedule: {key} is out of range",
                expected=f"a whole number from {low} to {high}",
                found=repr(value),
            )
    most = max(MAX_UNROLL, given.get("unroll", 0))
    return Options(**{"weight_bytes": weight_bytes, "max_unroll": most, **given})


def choose(loop: Loop, options: Options = Options()) -> Schedule:
    """Choose the schedule of one Scan.

    Args:
        loop: what it computes.
        options: what the caller decides.
    """
    unroll = _unroll(loop, options)
    remainder = "none"
    if unroll > 1 and (loop.length is None or loop.length % unroll):
        remainder = "front" if loop.neutral else "single"
    levels, block = 1, 0
    if loop.row_bytes:
        block = options.block or best_block(unroll, loop.row_bytes)
        block = unroll * math.ceil(block / unroll)
        levels = min(options.levels or _levels(loop, block), options.max_levels)
    apart = options.weight_bytes == 4 and loop.batch in APART
    return Schedule(unroll, remainder, block if levels > 1 else 0, levels, apart)


def _levels(loop: Loop, block: int) -> int:
    """Two to four levels: the larger the rows, the more their copies outweigh a preparation.

    A fixed length needs no more than make each buffer some eight times the next smaller one.
    """
    levels = 2 if loop.row_bytes <= SMALL_ROW else 3 if loop.row_bytes < LARGE_ROW else 4
    if loop.length is None:
        return levels
    blocks = loop.length / block
    return min(levels, 1 if blocks <= 2 else 2 if blocks <= 16 else 3 if blocks <= 128 else 4)


def best_block(unroll: int, row_bytes: int) -> int:
    """The power of two that balances copies within a block against preparing a block's loop.

    A step costs 2 M R / (K c) for copies of M rows of R bytes at c bytes a microsecond, and p / M
    for a preparation of p microseconds: least at M = sqrt(p K c / (2 R)).
    """
    prepare = PREPARE + PREPARE_STEP * unroll
    best = math.sqrt(prepare * unroll * COPY_BYTES / (2 * row_bytes))
    power = 2 ** round(math.log2(best))
    return int(min(max(power, SMALLEST_BLOCK), LARGEST_BLOCK))


def _unroll(loop: Loop, options: Options) -> int:
    if not loop.hoisted or loop.recurrent_weights <= 0:
        return 1
    unroll = options.unroll
    if unroll is None:
        unroll = options.max_unroll
        copy = loop.recurrent_weights * options.weight_bytes
        while unroll > 1 and unroll * copy > options.l2_bytes // 2:
            unroll //= 2
    unroll = min(unroll, options.max_unroll)
    while loop.length is not None and unroll > max(loop.length, 1):
        unroll //= 2
    return max(unroll, 1)
