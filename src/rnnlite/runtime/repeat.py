"""Feeds a chunk of the same shape and dtype as the one before, which needs few checks.

What enters: the signature of a stream, a checked chunk, and what the stream keeps. What leaves:
what it keeps after the chunk, and the results. Live input comes in such chunks, one every few
milliseconds; the general way of `runtime.stream` takes as long as a run of a small model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.runtime.signatures import InPlace, Run, StreamSignature
from rnnlite.runtime.stream_state import Kept
from rnnlite.specs import Array, TensorSpec


def repeats(signature: StreamSignature, batch: int, steps: int) -> bool:
    """Whether `Repeat` can feed the chunks from here on.

    There must be one sequence and one input, which has a time axis, and no rows from before the
    start of the sequence to be cut off.

    Args:
        signature: the signature of the stream.
        batch: number of sequences side by side.
        steps: time steps fed so far.
    """
    layout = signature.layout
    return (
        batch == 1
        and len(layout.inputs) == 1
        and layout.inputs[0].time is not None
        and all(o.rows is None or o.rows.first(steps) >= 0 for o in layout.outputs)
    )


class _Buffers:
    """Arrays of the states, and their memory as bytes."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays = [np.array(a) for a in arrays]
        self.bytes = [a.reshape(-1).view(np.uint8).data for a in self.arrays]


class Repeat:
    """Feeds chunks of the same shape and dtype as the one before.

    If the runtime runs in place, states alternate between two sets of arrays.

    Args:
        signature: the signature of the stream. When chunks are fed, `repeats` must be True of it.
        run: runs the signature once.
        in_place: runs the signature once on the memory of states; None if there is no such way.
    """

    def __init__(self, signature: StreamSignature, run: Run, in_place: InPlace | None) -> None:
        self._run, self._in_place = run, in_place
        self._buffers: tuple[_Buffers, _Buffers] | None = None
        self._time = signature.layout.inputs[0].time
        self._input = signature.inputs[0]
        self._front = place_of(self._input.batch_axis, None)
        outputs = zip(signature.outputs, signature.layout.outputs, strict=True)
        self._outputs = [
            (spec, place_of(spec.batch_axis, 0) if spec.shape else ..., output.so_far)
            for spec, output in outputs
        ]

    def __call__(self, chunk: Array, kept: Kept) -> tuple[Kept, Any]:
        """Run the signature once on a chunk.

        Args:
            chunk: a checked chunk without batch axis, no longer than the file takes at once.
            kept: what the stream keeps. This call does not change it; the next one may.

        Returns:
            what the stream keeps after it; the results, as `Stream.__call__` gives them.
        """
        array = chunk[self._front]
        if self._input.quantization is not None:
            array = quantize(array, self._input)
        results, states = self._ran(array, kept.states)
        found, so_far = {}, {}
        for y, (spec, place, is_so_far) in zip(results, self._outputs, strict=True):
            numbers = numbers_of(y, spec)
            if is_so_far:
                so_far[spec.name] = numbers.copy()
            found[spec.name] = numbers[place]
        after = Kept(states, kept.steps + array.shape[self._time], {}, so_far)
        return after, found if len(found) > 1 else found.popitem()[1]

    def _ran(self, array: Array, states: list[Array]) -> tuple[list[Array], list[Array]]:
        """The outputs and the new states of one run."""
        if self._in_place is not None:
            if self._buffers is None or self._buffers[0].arrays is not states:
                self._buffers = _Buffers(states), _Buffers(states)
            now, then = self._buffers
            rows = self._in_place([array], now.bytes, then.bytes)
            if rows is not None:
                self._buffers = then, now
                return rows, then.arrays
            self._in_place = None
        results, count = self._run([array, *states]), len(self._outputs)
        return results[:count], results[count:]


def place_of(axis: int | None, at: int | None) -> Any:
    """An index that inserts a batch axis (`at` None) or takes element `at` of it; ... if none."""
    return ... if axis is None else (*[slice(None)] * axis, at)


def numbers_of(y: Array, spec: TensorSpec) -> Array:
    """A result as real numbers: dequantized if it is quantized."""
    return y if spec.quantization is None else dequantize(y, spec)
