"""Time the chunks of a stream: how long each call takes, the slowest of many included.

What enters: a file with a stream. What leaves: a `StreamTiming`. NumPy and ai-edge-litert.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import RenderableType

from rnnlite.lite.files import ModelSource
from rnnlite.report.rendering import table
from rnnlite.report.timings import StreamTiming
from rnnlite.runtime.bench import random_of
from rnnlite.runtime.model import load
from rnnlite.runtime.stream import Stream
from rnnlite.specs import Array

WARM_UP_CALLS = 100
STREAMS = 100
"""How many streams of one model are opened to measure the memory of one."""


def time_stream(
    model: ModelSource, *, steps: int | None = None, calls: int = 100_000
) -> StreamTiming:
    """Time a stream on random chunks, one call after the other.

    Args:
        model: path or content of a file that has a stream.
        steps: the length of each chunk. If None, the one that the file fixes, or the shortest that
            it takes.
        calls: how many calls are timed.

    Raises:
        ModelError: the file has no stream.
        SampleError: the stream takes no chunks of so many steps.
    """
    loaded = load(model)
    stream = loaded.stream()
    count = steps or stream.multiple
    rng = np.random.default_rng(0)
    chunks = [_chunk(stream, count, rng) for _ in range(16)]
    for k in range(WARM_UP_CALLS):
        stream(chunks[k % len(chunks)])
    timings = np.empty(calls)
    gc.collect()
    for k in range(calls):
        chunk = chunks[k % len(chunks)]
        begin = time.perf_counter()
        stream(chunk)
        timings[k] = time.perf_counter() - begin
    timings *= 1e6
    p90, p99, p999 = (float(p) for p in np.percentile(timings, [90, 99, 99.9]))
    return StreamTiming(
        steps=count,
        calls=calls,
        median=float(np.median(timings)),
        p90=p90,
        p99=p99,
        p999=p999,
        largest=float(timings.max()),
        bytes_a_stream=_memory(loaded, chunks[0]),
    )


def _chunk(stream: Stream, steps: int, rng: np.random.Generator) -> Any:
    """A random chunk, as a stream takes it."""
    arrays = []
    for spec, known in zip(stream.signature.inputs, stream.signature.layout.inputs, strict=True):
        array = random_of(spec, steps, rng)
        if known.time is not None and array.shape[known.time] != steps:
            array = np.resize(
                array, [steps if k == known.time else n for k, n in enumerate(array.shape)]
            )
        arrays.append(_of_stream(array, spec.batch_axis))
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _of_stream(array: Array, batch_axis: int | None) -> Array:
    return array if batch_axis is None else np.take(array, 0, axis=batch_axis)


def _memory(loaded: Any, chunk: Any) -> int | None:
    """Bytes that one more stream takes, the mean of many; None where the system does not tell."""
    before = _resident()
    streams = [loaded.stream() for _ in range(STREAMS)]
    for stream in streams:
        stream(chunk)
    after = _resident()
    return None if before is None or after is None else max(after - before, 0) // len(streams)


def _resident() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return None
    import resource

    return pages * resource.getpagesize()


def stream_table(timings: Sequence[StreamTiming]) -> RenderableType:
    """The timings as a table."""
    return table(
        f"Microseconds a chunk ({timings[0].calls} calls)",
        ["steps", "median", "90 %", "99 %", "99.9 %", "largest", "bytes a stream more"],
        [
            [
                t.steps,
                t.median,
                t.p90,
                t.p99,
                t.p999,
                t.largest,
                "" if t.bytes_a_stream is None else t.bytes_a_stream,
            ]
            for t in timings
        ],
    )
