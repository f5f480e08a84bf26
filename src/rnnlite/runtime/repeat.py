"""Feed a chunk like the one before it: nothing of it is to be checked but its values.

What enters: what a stream takes and gives, a chunk of the shape and dtype of the one before, and
what the stream keeps. What leaves: what it keeps then, and the results. Live input comes in such
chunks, one a few milliseconds; the general way of `runtime.stream` takes as long as a small model.
"""

from __future__ import annotations

from typing import Any

from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.runtime.signatures import Run, StreamSignature
from rnnlite.runtime.stream_state import Kept
from rnnlite.specs import Array, TensorSpec


def repeats(signature: StreamSignature, batch: int) -> bool:
    """Whether a stream can be fed by `Repeat`: it has one sequence, one input, which has time, and
    outputs whose rows are all there, no result so far."""
    layout = signature.layout
    rows = [None if o.so_far else o.rows for o in layout.outputs]
    return (
        batch == 1
        and len(layout.inputs) == 1
        and layout.inputs[0].time is not None
        and all(r is not None and not r.delay for r in rows)
    )


class Repeat:
    """Feeds chunks like the one before.

    Args:
        signature: it is called where `repeats` is true of this.
        run: runs it once.
    """

    def __init__(self, signature: StreamSignature, run: Run) -> None:
        self._run = run
        self._time = signature.layout.inputs[0].time
        self._input, self._outputs = signature.inputs[0], signature.outputs
        self._front = place_of(self._input.batch_axis, None)
        self._firsts = [place_of(spec.batch_axis, 0) for spec in signature.outputs]

    def __call__(self, chunk: Array, kept: Kept) -> tuple[Kept, Any]:
        """Run once.

        Args:
            chunk: checked, without batch axis; no longer than the file takes at once.
            kept: what the stream keeps; it is not changed.

        Returns:
            what it keeps then; rows as `Stream.__call__` gives them.
        """
        array, count = chunk[self._front], len(self._outputs)
        results = self._run([quantize(array, self._input), *kept.states])
        after = Kept(results[count:], kept.steps + array.shape[self._time])
        if count == 1:
            return after, numbers_of(results[0], self._outputs[0])[self._firsts[0]]
        made = zip(self._outputs, results, self._firsts, strict=False)
        return after, {spec.name: numbers_of(y, spec)[place] for spec, y, place in made}


def place_of(axis: int | None, at: int | None) -> Any:
    """An index that puts a batch axis in (None), or takes one place of it; all of an array where
    there is no such axis."""
    return ... if axis is None else (*[slice(None)] * axis, at)


def numbers_of(y: Array, spec: TensorSpec) -> Array:
    """The numbers that a result stands for."""
    return y if spec.quantization is None else dequantize(y, spec)
