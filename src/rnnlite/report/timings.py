"""What running a file took: latency and memory by sequence length, as data.

What enters: what was measured. What leaves: records, which print as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Latencies of one length, in milliseconds.

    Attributes:
        length: of every free axis but the batch; None where the model's length is pinned.
        threads: threads an op might use.
        repeats: timed runs.
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
    """Memory that a fresh process took for a model, beyond what it has without it.

    Attributes:
        length: as of `Timing`.
        peak: bytes at most, file and runtime's buffers included, up to a run at this length.
    """

    length: int | None
    peak: int


@dataclass(frozen=True)
class StreamTiming:
    """Times of the calls of a stream, in microseconds.

    Attributes:
        steps: of each chunk.
        calls: how many were timed.
        median, p90, p99, p999, largest: over the calls; p999 is the 99.9th percentile.
        bytes_a_stream: memory that a stream more of the same model takes; None where the system
            does not say.
    """

    steps: int
    calls: int
    median: float
    p90: float
    p99: float
    p999: float
    largest: float
    bytes_a_stream: int | None
