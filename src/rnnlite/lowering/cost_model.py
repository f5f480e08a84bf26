"""The cost model: from what a loop computes to its `Schedule`.

What enters: what a loop computes (`Loop`), the caller's options. What leaves: a `Schedule`. Pure,
no TensorFlow.

The costs of the target decide (`target.Costs`; `benchmarks/loop_costs.py` measures them):

- An iteration of WHILE costs as much as several small ops: K steps an iteration share it.
- XNNPACK packs a constant once for each product that reads it: K steps read K copies of the
  recurrent kernel, which should stay in half of the L2 cache.
- A loop is prepared anew at each run, the longer the more steps it holds.
- A carried output sequence is copied twice an iteration. Sequences are therefore computed in
  partitions, written in chunks of M rows, chunks into chunks: with M constant and few levels, time
  grows linearly up to hundreds of thousands of steps.
- The projected inputs of all steps go to memory and back. Where a batch fills XNNPACK's tiles, a
  step projects its own inputs for less.
"""

from __future__ import annotations

import math

from rnnlite.lowering.merging import FAN
from rnnlite.lowering.merging import MAX_LEVELS as VARIABLE_LEVELS
from rnnlite.lowering.schedule import AUTOMATIC, FREE_BATCH, Loop, Options, Schedule
from rnnlite.scan.projection import Projection
from rnnlite.target import LITERT, Costs

SMALLEST_CHUNK, LARGEST_CHUNK = 4, 256

PROJECTED_CHUNK = 128
"""Time steps that are projected together where no output sequence says how many."""


def choose(loop: Loop, options: Options = AUTOMATIC) -> Schedule:
    """Choose the schedule of one Scan.

    Args:
        loop: what the Scan's loop computes.
        options: what the caller decides.
    """
    costs = options.target.costs
    projection = _projection(loop, options)
    unroll = _unroll(loop, options, projection)
    remainder = "none"
    if unroll > 1 and (loop.length is None or loop.length % unroll):
        padded = loop.identity_padding and not (loop.roughly and options.exact)
        remainder = "front" if padded and projection is Projection.HOISTED else "single"
    depth, chunk = 1, 0
    row = loop.row_bytes * (FREE_BATCH if loop.batch is None else 1)
    row = math.ceil(row * options.value_bytes / 4)
    partitions = 1
    whole = not loop.plain or remainder == "single" or projection is not Projection.HOISTED
    chunked = not whole and _chunked(loop, options)
    variable_levels = _variable_levels(loop, options, unroll, row, chunked=chunked) if row else 0
    chunked = chunked and not variable_levels
    if row and not variable_levels:
        chunk = options.chunk or best_chunk(unroll, row, costs)
        chunk = unroll * math.ceil(chunk / unroll)
        depth, partitions = _depth(loop, options, row, chunk)
        depth = min(options.depth or depth, options.max_depth)
    if chunked and not row and options.max_depth > 1:
        chunk = unroll * math.ceil((options.chunk or PROJECTED_CHUNK) / unroll)
        depth = 1 if loop.length is not None and loop.length <= chunk else 2
    peeled_chunks = (
        _peeled_chunks(loop, options, row, depth) if not chunked and not variable_levels else 0
    )
    large = partitions == 1 and row >= costs.large_row
    return Schedule(
        unroll,
        remainder,
        chunk=chunk if depth > 1 else 0,
        depth=depth,
        chunk_growth=options.chunk_growth
        or (costs.chunk_growth_of_large if large else costs.chunk_growth),
        chunked_projection=chunked and depth > 1,
        remainder_rows=_remainder_rows(loop, options),
        projection=projection,
        partitions=partitions,
        peeled_chunks=peeled_chunks,
        variable_levels=variable_levels,
    )


def _variable_levels(loop: Loop, options: Options, unroll: int, row: int, *, chunked: bool) -> int:
    """Levels of resource variables that hold an output sequence; 0 where loops carry it."""
    wanted: int | bool | None = options.variables
    if not options.target.variables:
        wanted = 0
    if wanted is None:
        sizes = (
            "chunk",
            "depth",
            "chunk_growth",
            "partitions",
            "peeled_chunks",
            "chunked_projection",
        )
        asked = any(getattr(options, name) is not None for name in sizes)
        costs = options.target.costs
        largest = costs.large_variables if loop.batch == 1 else costs.large_variables_of_several
        wanted = not asked and row < largest and not chunked
    short = loop.length is not None and loop.length <= FAN * unroll
    return (
        min(VARIABLE_LEVELS, options.max_depth) if wanted and loop.fixed_rows and not short else 0
    )


def _peeled_chunks(loop: Loop, options: Options, row: int, depth: int) -> int:
    """The number of peeled chunks; 0 without a loop over chunks, or without shared bodies.

    It is 0 for unknown cells too: only known cells can make their weights anew, as constants of a
    branch.
    """
    if depth == 1 or not loop.plain or not _shared(loop, options):
        return 0
    if options.peeled_chunks is not None:
        return options.peeled_chunks
    costs = options.target.costs
    if (loop.batch or costs.usual_batch) >= costs.large_batch:
        return costs.peeled_chunks_of_large
    return next(count for least, count in costs.peeled_chunks if row >= least)


def _shared(loop: Loop, options: Options) -> bool:
    """Whether loops can share bodies.

    Loops of a fixed length differ by constants. In integer models, calibration would see the values
    of one loop only.
    """
    return loop.length is None and options.value_bytes == 4


def _remainder_rows(loop: Loop, options: Options) -> int:
    float_product = options.weight_bytes == 4 and loop.plain
    costs = options.target.costs
    return costs.remainder_rows.get(loop.batch or costs.usual_batch, 0) if float_product else 0


def _projection(loop: Loop, options: Options) -> Projection:
    """Where inputs are projected: in the loop if padding its tiles costs less than memory does."""
    if not loop.plain:
        return Projection.HOISTED
    if options.projection is not None:
        return Projection(options.projection)
    costs = options.target.costs
    batch = loop.batch or costs.usual_batch
    integers = options.value_bytes < 4
    if (
        integers
        or options.chunked_projection is not None
        or batch < costs.fewest
        or not loop.features
    ):
        return Projection.HOISTED
    remainder_rows = _remainder_rows(loop, options)
    padded = -(batch - remainder_rows) % costs.tile + costs.remainder_row * remainder_rows
    in_vain = costs.padding[options.weight_bytes] * loop.features * padded
    if in_vain >= costs.gate * batch:
        return Projection.HOISTED
    # int8 weights quantize what they multiply: inputs and states should not share a scale.
    return Projection.FUSED if options.weight_bytes == 4 else Projection.IN_LOOP


def _chunked(loop: Loop, options: Options) -> bool:
    """Whether the projected inputs of all steps are too large for the cache, and made by chunks."""
    if options.chunked_projection is not None:
        return bool(options.chunked_projection)
    # One sequence alone takes so long for its kernel that what it is projected to costs little.
    bytes_ = loop.rows_bytes * options.value_bytes // 4
    return loop.batch != 1 and bytes_ >= options.target.costs.chunked_bytes


def _depth(loop: Loop, options: Options, row: int, chunk: int) -> tuple[int, int]:
    """The depth and the number of partitions, from the tables of the target.

    A fixed length gets no more levels than it needs for each buffer to be some 8 times the next
    one.
    """
    costs = options.target.costs
    if _shared(loop, options):
        depth, partitions = next(found for least, *found in costs.partitions if row >= least)
        return depth, options.partitions or partitions
    depth = next(count for least, count in costs.depth if row >= least)
    if loop.length is None:
        return depth, 1
    chunks = loop.length / chunk
    return min(depth, 1 if chunks <= 2 else 2 if chunks <= 16 else 3 if chunks <= 128 else 5), 1


def best_chunk(unroll: int, row_bytes: int, costs: Costs = LITERT.costs) -> int:
    """The rows of a chunk, a power of two: balances copies against preparing a chunk's loop.

    A step costs 2 M R / (K c) microseconds for copies of M rows of R bytes at c bytes a
    microsecond, and p / M for a preparation of p microseconds. The sum is least at M = sqrt(p K c /
    (2 R)).
    """
    prepare = costs.prepare + costs.prepare_step * unroll
    best = math.sqrt(prepare * unroll * costs.copy_bytes / (2 * row_bytes))
    power = 2 ** round(math.log2(best))
    return int(min(max(power, SMALLEST_CHUNK), LARGEST_CHUNK))


def _unroll(loop: Loop, options: Options, projection: Projection) -> int:
    if not loop.hoisted or loop.recurrent_weights <= 0:
        return 1
    unroll = options.unroll
    if unroll is None:
        unroll = options.max_unroll
        inside = projection is not Projection.HOISTED
        weights = loop.features * loop.projected_bytes // 4 if inside else 0
        copy = (loop.recurrent_weights + weights) * options.weight_bytes
        while unroll > 1 and unroll * copy > options.l2_bytes // 2:
            unroll //= 2
        large = options.target.costs.large_projection
        small = inside or options.weight_bytes < 4 or loop.rows_bytes < large
        if not loop.row_bytes and not small:
            unroll = 1
        if loop.row_bytes and copy <= options.l2_bytes:
            # Two steps an iteration halve the copies of output rows. That saves more than a second
            # kernel costs, even out of the cache; with several sequences, four steps do.
            several = inside and 4 * copy <= 2 * options.l2_bytes
            unroll = min(max(unroll, 4 if several else 2), options.max_unroll)
    unroll = min(unroll, options.max_unroll)
    while loop.length is not None and unroll > max(loop.length, 1):
        unroll //= 2
    return max(unroll, 1)
