"""Latency and memory of a file by sequence length, as data.

What enters: what was measured. What leaves: records.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Latencies of one length, in milliseconds.

    Attributes:
        length: the size of every free axis except the batch; None where the model's length is
            pinned.
        threads: how many threads an op may use.
        repeats: number of timed runs.
        cold: the first run at this length, memory set-up included.
        median, p90, p99, minimum: over the timed runs.
        microseconds_a_step: median over length; None where the length is pinned.
    """

    length: int | None
    threads: int
    repeats: int
    cold: float
    median: float
    p90: float
    p99: float
    minimum: float
    microseconds_a_step: float | None


@dataclass(frozen=True)
class MemoryUse:
    """Memory that a fresh process takes for a model, less what it has without the model.

    Attributes:
        length: see `Timing`.
        peak: peak bytes up to a run at this length, the file and the buffers of the runtime
            included.
    """

    length: int | None
    peak: int


@dataclass(frozen=True)
class StreamTiming:
    """Times of the calls of a stream, in microseconds.

    Attributes:
        steps: steps of each chunk.
        calls: number of timed calls.
        median, p90, p99, p999, largest: over the calls; p999 is the 99.9th percentile.
        bytes_a_stream: memory that one more stream of the same model takes; None where the system
            does not tell.
    """

    steps: int
    calls: int
    median: float
    p90: float
    p99: float
    p999: float
    largest: float
    bytes_a_stream: int | None
