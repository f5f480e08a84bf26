"""What a report says of running a file: latency and memory, at a few lengths, in a few seconds.

What enters: a file. What leaves: `Timing`s and `MemoryUse`s, at the lengths that it takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.errors import AbortError, SampleError
from rnnlite.lite.files import ModelSource
from rnnlite.report.timings import MemoryUse, Timing
from rnnlite.runtime.bench import time_model
from rnnlite.runtime.memory import memory_by_length

LENGTHS = (10, 100, 1000)

MOST_SECONDS = 2.0
"""The time that the runs of one length may take, about."""

REPEATS = 50


def measured(
    model: ModelSource, lengths: Sequence[int] = LENGTHS
) -> tuple[list[Timing], list[MemoryUse]]:
    """Latency and memory of a file, a record of each for each length.

    Args:
        model: path or content.
        lengths: sequence lengths. Those that the model does not take are left out.

    Raises:
        ModelError: the file is no LiteRT model.
    """
    timings: list[Timing] = []
    for length in lengths:
        try:
            (first,) = time_model(model, lengths=[length], repeats=3)
            repeats = min(REPEATS, int(1000 * MOST_SECONDS / max(first.median, 1e-3)))
            if repeats > first.repeats:
                (first,) = time_model(model, lengths=[length], repeats=repeats)
        except SampleError:
            continue
        timings.append(first)
        if first.length is None:
            break
    taken = [t.length for t in timings if t.length is not None]
    if not timings:
        return [], []
    try:
        return timings, memory_by_length(model, taken)
    except (AbortError, SampleError):
        return timings, []
