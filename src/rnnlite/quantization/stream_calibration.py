"""Calibrate the function of a chunk as it is used: stream the samples, with states fed back.

What enters: the float model of a chunk, and samples of whole sequences. What leaves: the range of
every tensor. Sequences are cut at random, so that states and kept rows are those of real use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.isolation.interpreter import WatchedApart
from rnnlite.lite.ir import Model
from rnnlite.quantization.calibration import Ranges, Samples, numbered, shared
from rnnlite.quantization.params import Array
from rnnlite.runtime.signatures import Run, StreamSignature
from rnnlite.runtime.stream import Stream

MOST = 400
"""How many chunks are run at most."""

LONGEST = 16
"""The longest chunk, in units: the shortest chunks that the stream takes."""

NOTHING = 1e30
"""Larger numbers stand for the maximum of no rows; the lowest integer serves as well."""


def calibrate_stream(model: Model, signature: StreamSignature, samples: Samples) -> Ranges:
    """Stream samples through the float model and watch every tensor.

    Args:
        model: the float model of a chunk.
        signature: its inputs, outputs and states.
        samples: whole sequences.

    Raises:
        AbortError: the LiteRT runtime ends its process on the model.
        SampleError: no sample can be streamed.
    """
    data, places = numbered(model, beyond=NOTHING)
    inputs = [model.main.values.index(v) for v in model.main.inputs]
    outputs = [model.main.values.index(v) for v in model.main.outputs]
    watched = WatchedApart(data, inputs, [None] * len(inputs))

    def run(arrays: Sequence[Array]) -> list[Array]:
        near = [_near(a) for a in arrays]
        return watched.call(near, outputs, "a calibration sample, chunk by chunk")

    try:
        _feed(signature, run, samples)
        seen = watched.ranges()
    finally:
        watched.close()
    return shared(model, {places[name]: r for name, r in seen.items() if name in places})


def _near(array: Array) -> Array:
    if array.dtype.kind != "f":
        return array
    return np.where(np.abs(array) > NOTHING, array.dtype.type(0), array)


def _feed(signature: StreamSignature, run: Run, samples: Samples) -> None:
    rng = np.random.default_rng(0)
    sizes = [s.shape[s.batch_axis] for s in signature.inputs if s.batch_axis is not None]
    batch = max((n for n in sizes if n is not None), default=1)
    stream = Stream(signature, run, batch)
    calls = 0
    for row in samples.used:
        if calls >= MOST:
            break
        chunks = list(_chunks(row, signature, rng, batch))
        stream.reset()
        for chunk in chunks[: MOST - calls]:
            stream(chunk)
        calls += len(chunks)
        if chunks:
            # A sequence may be too short to be ended.
            with contextlib.suppress(SampleError):
                stream.finish()


def _chunks(
    row: Sequence[Array], signature: StreamSignature, rng: np.random.Generator, batch: int
) -> list[tuple[Array, ...]]:
    """A sample cut into random chunks of whole units; steps that are left over are dropped."""
    unit = signature.layout.chunk or signature.layout.multiple
    axes = [
        None if i.time is None else i.time - (s.batch_axis is not None and s.batch_axis < i.time)
        for s, i in zip(signature.inputs, signature.layout.inputs, strict=True)
    ]
    lengths = [a.shape[x] for a, x in zip(row, axes, strict=True) if x is not None]
    total = min(lengths) // unit
    found, at = [], 0
    while at < total:
        count = min(int(rng.integers(1, LONGEST + 1)), total - at)
        steps = range(at * unit, (at + count) * unit)
        cut = [a if x is None else a.take(steps, x) for a, x in zip(row, axes, strict=True)]
        if batch > 1:
            cut = [
                a if s.batch_axis is None else np.stack([a] * batch)
                for a, s in zip(cut, signature.inputs, strict=True)
            ]
        found.append(tuple(cut))
        at += count
    return found
