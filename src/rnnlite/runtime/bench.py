"""Time a LiteRT file by sequence length. NumPy and ai-edge-litert; matplotlib for a picture.

What enters: a file and lengths. What leaves: a `Timing` for each length, a table, a picture.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import RenderableType

from rnnlite.errors import DependencyError
from rnnlite.lite.files import ModelSource
from rnnlite.report.rendering import table
from rnnlite.report.timings import Timing
from rnnlite.runtime.model import load
from rnnlite.specs import Array, TensorSpec

WARM_UP_RUNS = 3


def time_model(
    model: ModelSource, *, lengths: Sequence[int], num_threads: int = 1, repeats: int = 50
) -> list[Timing]:
    """Time a model on random input, one sequence at a time (or its pinned batch).

    Args:
        model: path or content.
        lengths: sequence lengths; a model of pinned length is timed once.
        num_threads: threads an op may use.
        repeats: timed runs at each length.

    Raises:
        ModelError: the file is no LiteRT model.
        SampleError: the model does not run at one of the lengths.
    """
    loaded = load(model, num_threads=num_threads)
    free = any(None in spec.sample_shape for spec in loaded.inputs)
    return [
        _time_one(loaded, length, num_threads, repeats) for length in (lengths if free else [None])
    ]


def _time_one(model: Any, length: int | None, threads: int, repeats: int) -> Timing:
    arrays = random_arrays(model, length, np.random.default_rng(0))
    begin = time.perf_counter()
    model.run(arrays)
    cold = 1000 * (time.perf_counter() - begin)
    for _ in range(WARM_UP_RUNS):
        model.run(arrays)
    timings = []
    for _ in range(repeats):
        begin = time.perf_counter()
        model.run(arrays)
        timings.append(1000 * (time.perf_counter() - begin))
    median = float(np.median(timings))
    return Timing(
        length=length,
        threads=threads,
        repeats=repeats,
        cold=cold,
        median=median,
        p90=float(np.percentile(timings, 90)),
        p99=float(np.percentile(timings, 99)),
        minimum=float(np.min(timings)),
        microseconds_a_step=1000 * median / length if length else None,
    )


def random_arrays(model: Any, length: int | None, rng: np.random.Generator) -> list[Array]:
    """Random inputs of one length for a loaded model, one for each input; see `random_of`."""
    return [random_of(spec, length or 1, rng) for spec in model.inputs]


def random_of(spec: TensorSpec, length: int, rng: np.random.Generator) -> Array:
    """A random array for an input: its free axes are as long as `length`, a free batch is 1.

    Returns:
        an array of the dtype of the input: normal floats, any integers where it is quantized, 0 and
        1 where it takes ids, True for bool, the length where it counts time steps.
    """
    shape = [
        (1 if k == spec.batch_axis else length) if d is None else d
        for k, d in enumerate(spec.shape)
    ]
    dtype = np.dtype(spec.dtype)
    if spec.counts:
        return np.full(shape, length, dtype)
    if dtype.kind == "b":
        return np.ones(shape, bool)
    if dtype.kind in "iu" and spec.quantization is None:
        # Ids of 0 and 1 are in every vocabulary.
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def bench_tables(timings: Sequence[Timing]) -> RenderableType:
    """The timings as a table."""
    return table(
        f"Latency in milliseconds (threads: {timings[0].threads}, runs: {timings[0].repeats})",
        ["length", "first run", "fastest", "median", "90 %", "99 %", "microseconds a step"],
        [
            [
                t.length if t.length is not None else "pinned",
                t.cold,
                t.minimum,
                t.median,
                t.p90,
                t.p99,
                t.microseconds_a_step if t.microseconds_a_step is not None else "",
            ]
            for t in timings
        ],
    )


def picture(timings: Sequence[Timing], title: str) -> bytes:
    """Latency against length, as a PNG: median, fastest run to 90th percentile, first run.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise DependencyError(
            "a picture needs matplotlib, which is not installed",
            remedy="Install it with: pip install matplotlib",
        ) from e
    lengths = [t.length or 1 for t in timings]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(lengths, [t.median for t in timings], "o-", label="median")
    axes.fill_between(
        lengths, [t.minimum for t in timings], [t.p90 for t in timings], alpha=0.25, label="to 90 %"
    )
    axes.plot(lengths, [t.cold for t in timings], "x", label="first run")
    axes.set(xlabel="time steps", ylabel="milliseconds", title=title, xscale="log", yscale="log")
    axes.legend()
    axes.grid(visible=True, which="both", alpha=0.3)
    sink = io.BytesIO()
    figure.savefig(sink, format="png")
    return sink.getvalue()
