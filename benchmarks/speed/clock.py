"""Interleaved timing: every engine once a round, in changing order, so that noise meets all alike.

Each lap begins with a run that is not counted: the one before it belonged to another engine, which
left the caches, and sometimes threads that still spin, to whoever comes next.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

LEAST_LAP = 500e-6
"""Seconds: shorter runs are repeated within a lap."""


def medians(
    runs: Mapping[str, Callable[[], Any]], *, seconds: float, rounds: tuple[int, int] = (5, 200)
) -> dict[str, float]:
    """Median seconds of one run of each.

    Args:
        runs: by name.
        seconds: time for all rounds together, about.
        rounds: least and largest number of rounds.
    """
    repeats = {}
    spent = 0.0
    for name, run in runs.items():
        run()
        lap = _timing(run, 1)
        repeats[name] = max(1, round(LEAST_LAP / lap))
        spent += lap * repeats[name]
    count = int(min(max(seconds / spent, rounds[0]), rounds[1]))
    timings: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs.items())
    gc.disable()
    try:
        for _ in range(count):
            random.shuffle(order)
            for name, run in order:
                run()
                timings[name].append(_timing(run, repeats[name]))
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in timings.items()}


def _timing(run: Callable[[], Any], repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - begin) / repeats
