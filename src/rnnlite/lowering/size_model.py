"""The size model: how large a file will be under a schedule, before anything is lowered.

What enters: what a model holds (`Contents`), and `Options` with a budget. What leaves: `Options`
that keep a file within the budget: the given ones, or others with smaller loops. Pure, no
TensorFlow. The numbers of ops were counted on files of single layers;
`tests/lowering/test_size_model.py` compares the sums with files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnlite.lowering.cost_model import choose
from rnnlite.lowering.schedule import Budget, Loop, Options, Schedule

LOG = logging.getLogger(__name__)

OP_BYTES = 110
"""Bytes of an op and its result in a quantized file, measured over small models."""

LOOP_OPS = 8
"""Ops of a loop of single steps that gives its last output, without those of the step."""

SEQUENCE_OPS = 12
"""Ops that make and write an output sequence."""

FRONT_OPS = 13
"""Ops that put identity padding steps in front, and take them away again."""

MASK_OPS, MASK_STEP_OPS = 6, 3
"""Ops that read a mask, and that keep states by it in a step."""

LEVEL_OPS, LEVEL_SIZE_OPS = 6, 10
"""Ops of a further loop around a loop, and those that compute how large its buffers are."""

PARTITION_OPS = 10
"""Ops that a further partition counts as: six ops, and a WHILE with some ten results."""

PEELED_OPS = 25
"""Ops of peeled chunks: their loop, and a branch."""

VARIABLE_OPS = 60
"""How many ops an output sequence in resource variables counts as, for each level of them."""

FEWEST_LEVELS = 2
"""Levels of variables below which long sequences would cost too much."""

CHANNEL_BYTES = 16
"""Bytes of one output channel: the scales of weights and bias, and the bias."""


@dataclass(frozen=True)
class Sized:
    """What the size model knows of one Scan.

    Attributes:
        loop: what its loop computes.
        step_ops: ops of one time step.
        sequences: how many output sequences are wanted.
        masked: whether steps are masked.
        again: whether an earlier Scan has the same inputs, as the other direction of a layer has.
            What depends on the length alone is then computed already.
    """

    loop: Loop
    step_ops: int
    sequences: int
    masked: bool = False
    again: bool = False


@dataclass(frozen=True)
class Contents:
    """What a model holds before it is lowered.

    Attributes:
        loops: the Scans of the model.
        others: number of ops outside of the Scans.
        weights: number of elements of all weights.
        channels: number of output channels of all kernels.
    """

    loops: tuple[Sized, ...]
    others: int
    weights: int
    channels: int


def ops_of(sized: Sized, schedule: Schedule) -> int:
    """How many ops a Scan counts as."""
    step = sized.step_ops + (MASK_STEP_OPS if sized.masked else 0)
    written = SEQUENCE_OPS * sized.sequences
    outer = schedule.depth - 1
    ops = step * schedule.unroll + written + LEVEL_OPS * outer
    ops += PARTITION_OPS * (schedule.partitions - 1) + (PEELED_OPS if schedule.peeled_chunks else 0)
    if schedule.remainder == "single":
        ops += LOOP_OPS + step + written
    if not sized.again:
        ops += LOOP_OPS + LEVEL_SIZE_OPS * outer + (MASK_OPS if sized.masked else 0)
        ops += FRONT_OPS if schedule.remainder == "front" else 0
    return ops + VARIABLE_OPS * schedule.variable_levels * sized.sequences


def ops(contents: Contents, options: Options) -> int:
    """How many ops a model counts as, with each Scan under the schedule that is chosen for it."""
    return contents.others + sum(ops_of(s, choose(s.loop, options)) for s in contents.loops)


def allowed(contents: Contents, budget: Budget) -> float:
    """Bytes that ops and their results may take, under a budget."""
    weights = budget.share_of_weights * contents.weights
    return budget.free_bytes + weights - CHANNEL_BYTES * contents.channels


def affordable(contents: Contents, options: Options) -> Options:
    """The first of `_smaller` that keeps within the budget, else the last.

    Args:
        contents: what the model holds.
        options: what the caller decides, which stays as it is; and the budget.
    """
    chosen = options
    if options.budget is not None:
        most = allowed(contents, options.budget)
        for chosen in _smaller(contents, options):
            count = ops(contents, chosen)
            LOG.info(
                "layout %s: %d ops of %d that the budget allows",
                _difference(chosen, options) or "as it is",
                count,
                most / OP_BYTES,
            )
            if count * OP_BYTES <= most:
                break
    return chosen


def _difference(chosen: Options, options: Options) -> str:
    """The options that differ, as text."""
    pairs = vars(chosen).items()
    return ", ".join(f"{k}={v}" for k, v in pairs if v != getattr(options, k))


def _smaller(contents: Contents, options: Options) -> Iterator[Options]:
    """Options one after the other, each of which makes smaller files than the one before.

    The order: fewer levels of variables, no variables, no peeled chunks, fewer unrolled steps, no
    partitions, fewer levels of loops, one at a time. What the caller asks for stays.
    """
    yield options
    if options.variables is None:
        if any(choose(s.loop, options).variable_levels > FEWEST_LEVELS for s in contents.loops):
            yield replace(options, max_depth=FEWEST_LEVELS)
        options = replace(options, variables=0)
        yield options
    if options.peeled_chunks is None:
        options = replace(options, peeled_chunks=0)
        yield options
    while not options.unroll and options.max_unroll > 1:
        options = replace(options, max_unroll=options.max_unroll // 2)
        yield options
    if not options.partitions:
        options = replace(options, partitions=1)
        yield options
    depth = max((choose(s.loop, options).depth for s in contents.loops), default=1)
    while not options.depth and depth > 1:
        depth -= 1
        options = replace(options, max_depth=depth)
        yield options
