"""The cost model: from what a loop computes to its `Schedule`. Pure, no TensorFlow.

The costs of the target decide (`target.Costs`; `benchmarks/loop_costs.py` measures them):

- An iteration of WHILE costs as much as several small ops: K steps an iteration share it.
- XNNPACK packs a constant once for each product that reads it: K steps read K copies of the
  recurrent kernel, which should stay in half of the L2 cache.
- A loop is prepared anew at each run, the longer the more steps it holds.
- A carried output sequence is copied twice an iteration. Sequences are therefore computed in
  segments, written in blocks of M rows, blocks into blocks: with M constant and few levels, time
  grows linearly up to hundreds of thousands of steps.
- What all steps are projected to goes to memory and back. Where a batch fills XNNPACK's tiles, a
  step projects its own inputs for less.
"""

from __future__ import annotations

import math

from rnnlite.lowering.merging import FAN
from rnnlite.lowering.merging import MAX_LEVELS as KEPT_LEVELS
from rnnlite.lowering.schedule import AUTOMATIC, FREE_BATCH, Loop, Options, Schedule
from rnnlite.scan.place import Place
from rnnlite.target import LITERT, Costs

SMALLEST_BLOCK, LARGEST_BLOCK = 4, 256

STRIPE = 128
"""Time steps that are projected together where no output sequence says how many."""


def choose(loop: Loop, options: Options = AUTOMATIC) -> Schedule:
    """Choose the schedule of one Scan.

    Args:
        loop: what it computes.
        options: what the caller decides.
    """
    costs = options.target.costs
    place = _place(loop, options)
    unroll = _unroll(loop, options, place)
    remainder = "none"
    if unroll > 1 and (loop.length is None or loop.length % unroll):
        neutral = loop.neutral and not (loop.roughly and options.exact)
        remainder = "front" if neutral and place is Place.BEFORE else "single"
    levels, block = 1, 0
    row = loop.row_bytes * (FREE_BATCH if loop.batch is None else 1)
    row = math.ceil(row * options.value_bytes / 4)
    segments = 1
    whole = not loop.plain or remainder == "single" or place is not Place.BEFORE
    striped = not whole and _striped(loop, options)
    kept = _kept(loop, options, unroll, row, striped=striped) if row else 0
    striped = striped and not kept
    if row and not kept:
        block = options.block or best_block(unroll, row, costs)
        block = unroll * math.ceil(block / unroll)
        levels, segments = _levels(loop, options, row, block)
        levels = min(options.levels or levels, options.max_levels)
    if striped and not row and options.max_levels > 1:
        block = unroll * math.ceil((options.block or STRIPE) / unroll)
        levels = 1 if loop.length is not None and loop.length <= block else 2
    first = _first(loop, options, row, levels) if not striped and not kept else 0
    large = segments == 1 and row >= costs.large_row
    return Schedule(
        unroll,
        remainder,
        block=block if levels > 1 else 0,
        levels=levels,
        growth=options.growth or (costs.growth_of_large if large else costs.growth),
        striped=striped and levels > 1,
        apart=_apart(loop, options),
        place=place,
        segments=segments,
        first=first,
        kept=kept,
    )


def _kept(loop: Loop, options: Options, unroll: int, row: int, *, striped: bool) -> int:
    """Levels of variables for an output sequence, where the runtime can keep its rows there."""
    wanted: int | bool | None = options.variables
    if not options.target.variables:
        wanted = 0
    if wanted is None:
        sizes = ("block", "levels", "growth", "segments", "first", "striped")
        asked = any(getattr(options, name) is not None for name in sizes)
        costs = options.target.costs
        largest = costs.large_kept if loop.batch == 1 else costs.large_kept_of_several
        wanted = not asked and row < largest and not striped
    short = loop.length is not None and loop.length <= FAN * unroll
    return min(KEPT_LEVELS, options.max_levels) if wanted and loop.fixed_rows and not short else 0


def _first(loop: Loop, options: Options, row: int, levels: int) -> int:
    """Blocks that come before loops over blocks, where these are and bodies can be shared.

    Only known cells make their weights anew, as constants of a branch.
    """
    if levels == 1 or not loop.plain or not _shared(loop, options):
        return 0
    if options.first is not None:
        return options.first
    costs = options.target.costs
    if (loop.batch or costs.usual_batch) >= costs.large_batch:
        return costs.first_of_large
    return next(count for least, count in costs.first if row >= least)


def _shared(loop: Loop, options: Options) -> bool:
    """Whether loops can share bodies. Those of a fixed length differ by constants, and calibration
    would see the values of one alone."""
    return loop.length is None and options.value_bytes == 4


def _apart(loop: Loop, options: Options) -> int:
    float_product = options.weight_bytes == 4 and loop.plain
    costs = options.target.costs
    return costs.apart.get(loop.batch or costs.usual_batch, 0) if float_product else 0


def _place(loop: Loop, options: Options) -> Place:
    """In the step, where the rows that its tiles compute in vain cost less than memory would."""
    if not loop.plain:
        return Place.BEFORE
    if options.projection is not None:
        return Place(options.projection)
    costs = options.target.costs
    batch = loop.batch or costs.usual_batch
    integers = options.value_bytes < 4
    if integers or options.striped is not None or batch < costs.fewest or not loop.features:
        return Place.BEFORE
    apart = _apart(loop, options)
    padded = -(batch - apart) % costs.tile + costs.row_apart * apart
    in_vain = costs.padding[options.weight_bytes] * loop.features * padded
    if in_vain >= costs.gate * batch:
        return Place.BEFORE
    # int8 weights quantize what they multiply: inputs and states should not share a scale.
    return Place.JOINED if options.weight_bytes == 4 else Place.STEP


def _striped(loop: Loop, options: Options) -> bool:
    """Whether what all steps are projected to would go to memory and back."""
    if options.striped is not None:
        return bool(options.striped)
    # One sequence alone takes so long for its kernel that what it is projected to costs little.
    bytes_ = loop.rows_bytes * options.value_bytes // 4
    return loop.batch != 1 and bytes_ >= options.target.costs.striped_bytes


def _levels(loop: Loop, options: Options, row: int, block: int) -> tuple[int, int]:
    """Levels and segments by the tables.

    A fixed length needs no more levels than make each buffer some 8 times the next one.
    """
    costs = options.target.costs
    if _shared(loop, options):
        levels, segments = next(found for least, *found in costs.segments if row >= least)
        return levels, options.segments or segments
    levels = next(count for least, count in costs.levels if row >= least)
    if loop.length is None:
        return levels, 1
    blocks = loop.length / block
    return min(levels, 1 if blocks <= 2 else 2 if blocks <= 16 else 3 if blocks <= 128 else 5), 1


def best_block(unroll: int, row_bytes: int, costs: Costs = LITERT.costs) -> int:
    """The power of two that balances copies within a block against preparing a block's loop.

    A step costs 2 M R / (K c) for copies of M rows of R bytes at c bytes a microsecond, and p / M
    for a preparation of p microseconds: least at M = sqrt(p K c / (2 R)).
    """
    prepare = costs.prepare + costs.prepare_step * unroll
    best = math.sqrt(prepare * unroll * costs.copy_bytes / (2 * row_bytes))
    power = 2 ** round(math.log2(best))
    return int(min(max(power, SMALLEST_BLOCK), LARGEST_BLOCK))


def _unroll(loop: Loop, options: Options, place: Place) -> int:
    if not loop.hoisted or loop.recurrent_weights <= 0:
        return 1
    unroll = options.unroll
    if unroll is None:
        unroll = options.max_unroll
        inside = place is not Place.BEFORE
        weights = loop.features * loop.projected_bytes // 4 if inside else 0
        copy = (loop.recurrent_weights + weights) * options.weight_bytes
        while unroll > 1 and unroll * copy > options.l2_bytes // 2:
            unroll //= 2
        large = options.target.costs.large_projection
        small = inside or options.weight_bytes < 4 or loop.rows_bytes < large
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
