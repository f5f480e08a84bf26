"""Feed a model chunk by chunk, its states kept in between. NumPy alone.

What enters: the layout that the file states, and a function that runs its signature "stream" once.
What leaves: after each chunk, the rows of the outputs that have become final.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnnlite.errors import SampleError
from rnnlite.runtime.quantized import quantize
from rnnlite.runtime.repeat import Repeat, numbers_of, place_of, repeats
from rnnlite.runtime.samples import RepeatedCheck, Sample, as_array, by_input, check_sample
from rnnlite.runtime.signatures import InPlace, Run, StreamSignature
from rnnlite.runtime.stream_state import INPUT, OUTPUT, Kept
from rnnlite.specs import Array, TensorSpec, stacked
from rnnlite.streaming.layout import StreamOutput, StreamState


class Stream:
    """One sequence, or a batch of them, fed in chunks. `Model.stream` makes one.

    Several streams of one model do not disturb each other. Not for two threads at a time.

    Attributes:
        signature: inputs, outputs and states of the stream, and its layout.
        delay: how many steps after its own step an output row comes.
        multiple: the length of each chunk is a multiple of this.
    """

    def __init__(
        self,
        signature: StreamSignature,
        run: Run,
        batch: int = 1,
        in_place: InPlace | None = None,
    ) -> None:
        self.signature, self._run, self._batch = signature, run, batch
        self._ended = False
        self._layout = signature.layout
        # The axis of time of a stream with one input.
        self._only = signature.layout.inputs[0].time if len(signature.inputs) == 1 else None
        # Chunks may have any length, for `_fed` cuts them to that of the file. A count of time
        # steps is that of the whole sequence, and may exceed a chunk.
        self._inputs = [
            replace(spec, counts=False)
            if i.time is None
            else replace(spec, shape=_freed(spec.shape, i.time), least=())
            for spec, i in zip(signature.inputs, signature.layout.inputs, strict=True)
        ]
        self._check = RepeatedCheck(self._inputs, "the chunk")
        self._repeat = Repeat(signature, run, in_place)
        self._places = [place_of(spec.batch_axis, None) for spec in signature.inputs]
        self._outputs = list(zip(signature.outputs, signature.layout.outputs, strict=True))
        self.delay = self._layout.delay
        self.multiple = self._layout.chunk or self._layout.multiple
        self.reset()

    def __repr__(self) -> str:
        return f"Stream(steps={self._kept.steps}, delay={self.delay}, multiple={self.multiple})"

    def reset(self) -> None:
        """Begin a new sequence."""
        self._kept = Kept(
            [
                self._initial(spec, state)
                for spec, state in zip(self.signature.states, self._layout.states, strict=True)
            ]
        )
        self._ended = False
        # Whether `_repeat` can feed chunks like the last one.
        self._alike = False

    def _initial(self, spec: TensorSpec, state: StreamState) -> Array:
        shape = [self._batch if k == state.batch_axis else d or 1 for k, d in enumerate(spec.shape)]
        if spec.quantization is not None:
            return quantize(np.full(shape, state.initial, np.float32), spec)
        return np.full(shape, state.initial, spec.dtype)

    def __call__(self, chunk: Sample) -> Any:
        """Feed some steps.

        Args:
            chunk: the next steps, (n, ...) without batch axis (with it where the stream has a
                batch); a tuple or a dict by input name where the model has several inputs. An
                input without time is given whole with each chunk.

        Returns:
            the output rows that have become final, (m, ...), where m may be 0. For an output that
            is one result of the whole sequence: the result so far, or None where there is none yet.
            A dict by output name where the model has several outputs.

        Raises:
            SampleError: the chunk does not fit the model, or the sequence has ended. The stream
                stays as it was.
        """
        if self._alike and not self._ended and self._check.passes(chunk):
            self._kept, found = self._repeat(chunk, self._kept)
            return found
        self._require_open()
        # A chunk that is refused further on is the one before of the next one.
        self._alike = False
        arrays = self._arrays(chunk)
        steps = self._length(arrays)
        before = self._kept.steps
        self._kept, rows = self._fed(arrays, steps, self._kept, None)
        self._alike = steps <= self._layout.longest and repeats(self.signature, self._batch, before)
        return self._given(rows, self._kept, None)

    def finish(self) -> Any:
        """End the sequence.

        Returns:
            the rows that were still to come, and the results of the whole sequence, in the form
            that a chunk gives.

        Raises:
            SampleError: too little was fed for the model, or the sequence has ended already.
        """
        self._require_open()
        end = self._kept.steps
        if any(o.rows and o.rows.length(end) < 1 for o in self._layout.outputs) or not end:
            raise SampleError(
                "the sequence ends before the model gives anything",
                expected="more steps",
                found=str(end),
            )
        lacking = self._layout.lacking(end)
        arrays = [
            np.asarray(self._kept.static[i.name])
            if i.time is None
            else self._padding(spec, i.time, lacking)
            for spec, i in zip(self.signature.inputs, self._layout.inputs, strict=True)
        ]
        ending = self._kept.ending(self.signature.states) if self._layout.tail else self._kept
        self._kept, rows = self._fed(arrays, lacking, ending, end)
        self._ended = True
        return self._given(rows, self._kept, end)

    @property
    def state(self) -> dict[str, Array]:
        """A copy of all that the stream keeps, by name; it can be set on another stream of the
        file.


        Raises:
            SampleError: the state that is set is of another model, mode or batch.
        """
        return self._kept.saved(self.signature.states)

    @state.setter
    def state(self, saved: Mapping[str, Array]) -> None:
        self._kept = self._kept.restored(saved, self.signature.states, self._beside())
        self._ended = self._alike = False

    def _beside(self) -> dict[str, TensorSpec]:
        """The specs of what a saved state may hold beside the states, by its key there."""
        found = {}
        for spec, i in zip(self.signature.inputs, self._layout.inputs, strict=True):
            if i.time is None:
                found[INPUT + spec.name] = self._sized(spec)
        for spec, o in zip(self.signature.outputs, self._layout.outputs, strict=True):
            if o.so_far:
                real = spec if spec.quantization is None else replace(spec, dtype="float32")
                found[OUTPUT + spec.name] = self._sized(real)
        return found

    def _sized(self, spec: TensorSpec) -> TensorSpec:
        axis = spec.batch_axis
        if axis is None or spec.shape[axis] is not None:
            return spec
        return replace(spec, shape=(*spec.shape[:axis], self._batch, *spec.shape[axis + 1 :]))

    def _require_open(self) -> None:
        if self._ended:
            raise SampleError("the stream has ended", remedy="Call reset() to begin a new sequence")

    def _arrays(self, chunk: Sample) -> list[Array]:
        """The chunk as the signature takes it."""
        if self._batch == 1:
            inputs = zip(self._check(chunk), self._places, self.signature.inputs, strict=True)
            return [quantize(a[place], spec) for a, place, spec in inputs]
        rows = [
            check_sample(one, self._inputs, f"the chunk, sequence {k}")
            for k, one in enumerate(_sequences(chunk, self._batch, self._inputs))
        ]
        return [
            quantize(stacked([row[n] for row in rows], spec.batch_axis), spec)
            for n, spec in enumerate(self.signature.inputs)
        ]

    def _length(self, arrays: Sequence[Array]) -> int:
        """The number of steps of a chunk, checked."""
        if self._only is not None:
            steps = arrays[0].shape[self._only]
            if not steps % self.multiple:
                return int(steps)
        pairs = zip(arrays, self._layout.inputs, strict=True)
        found = {i.name: a.shape[i.time] for a, i in pairs if i.time is not None}
        lengths = set(found.values())
        if len(lengths) > 1:
            raise SampleError(
                "the inputs of the chunk have different lengths",
                expected="as many steps of each",
                found=", ".join(f"{n} of '{name}'" for name, n in found.items()),
            )
        (steps,) = lengths
        if steps % self.multiple:
            raise SampleError(
                "the chunk has a number of steps that the model does not take",
                expected=f"a multiple of {self.multiple}",
                found=str(steps),
            )
        return int(steps)

    def _padding(self, spec: TensorSpec, time: int, steps: int) -> Array:
        """Steps of zeros, to be fed beyond the end."""
        shape = [
            steps if k == time else self._batch if k == spec.batch_axis else d or 1
            for k, d in enumerate(spec.shape)
        ]
        if spec.quantization is not None:
            return quantize(np.zeros(shape, np.float32), replace(spec, mask_value=None))
        return np.zeros(shape, spec.dtype)

    def _fed(
        self, arrays: Sequence[Array], steps: int, kept: Kept, end: int | None
    ) -> tuple[Kept, list[list[Array]]]:
        """Run a chunk, cut into parts that are no longer than the file takes.

        Returns:
            what the stream keeps afterwards; for each output, the rows of each part.
        """
        part, count = self._layout.longest, len(self._outputs)
        rows: list[list[Array]] = [[] for _ in self._outputs]
        states, so_far = kept.states, dict(kept.so_far)
        for first in range(0, steps, part):
            cut = arrays
            if steps > part:
                cut = [
                    a if i.time is None else _part(a, i.time, first, first + part)
                    for a, i in zip(arrays, self._layout.inputs, strict=True)
                ]
            results = self._run([*cut, *states])
            states = results[count:]
            for n, (spec, output) in enumerate(self._outputs):
                y = results[n]
                if output.so_far:
                    so_far[output.name] = numbers_of(y, spec)
                else:
                    rows[n].append(numbers_of(_there(y, output, kept.steps + first, end), spec))
        static: Mapping[str, Array] = {}
        if self._only is None:
            pairs = zip(self._layout.inputs, arrays, strict=True)
            static = {i.name: a for i, a in pairs if i.time is None}
        return Kept(states, kept.steps + steps, static, so_far), rows

    def _given(self, rows: Sequence[list[Array]], kept: Kept, end: int | None) -> Any:
        """Results as the caller gets them."""
        found = {}
        for parts, (spec, output) in zip(rows, self._outputs, strict=True):
            if not output.so_far:
                y = self._joined(parts, spec, output)
            elif output.rows is None or end is not None or output.rows.given(kept.steps):
                y = kept.so_far[output.name].copy()
            else:
                y = None
            if y is not None and self._batch == 1:
                y = np.asarray(y[place_of(spec.batch_axis, 0)]) if y.ndim else y
            found[spec.name] = y
        return next(iter(found.values())) if len(found) == 1 else found

    def _joined(self, parts: list[Array], spec: TensorSpec, output: StreamOutput) -> Array:
        axis = output.rows.axis if output.rows else 0
        if parts:
            return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)
        dtype = np.float32 if spec.quantization is not None else spec.dtype
        shape = [
            0 if k == axis else self._batch if k == spec.batch_axis else d or 1
            for k, d in enumerate(spec.shape)
        ]
        return np.zeros(shape, dtype)


def _sequences(chunk: Sample, batch: int, inputs: Sequence[TensorSpec]) -> list[Sample]:
    """A chunk of several sequences, one by one; an input without batch axis goes to each."""
    parts = [as_array(v, "the chunk") for v in by_input(chunk, inputs, "the chunk")]
    shared = [spec.batch_axis is None for spec in inputs]
    pairs = list(zip(parts, shared, strict=True))
    wrong = [a.shape for a, one in pairs if not one and a.shape[:1] != (batch,)]
    if wrong:
        raise SampleError(
            "the chunk has another batch than the stream",
            expected=f"a first axis of {batch}",
            found=str(wrong[0]),
        )
    return [tuple(a if one else a[k] for a, one in pairs) for k in range(batch)]


def _freed(shape: tuple[int | None, ...], axis: int) -> tuple[int | None, ...]:
    return (*shape[:axis], None, *shape[axis + 1 :])


def _part(array: Array, axis: int, begin: int, end: int) -> Array:
    return array[(*[slice(None)] * axis, slice(begin, end))]


def _there(y: Array, output: StreamOutput, begin: int, end: int | None) -> Array:
    """The rows of a chunk that belong to the sequence: none before its begin or behind its end.

    Args:
        begin: steps fed before the chunk.
        end: steps of the whole sequence, where it has ended.
    """
    rows = output.rows
    if rows is None or (end is None and not rows.delay):
        return y
    first = rows.first(begin)
    last = None if end is None else max(rows.length(end) - first, 0)
    return _part(y, rows.axis, max(-first, 0), y.shape[rows.axis] if last is None else last)
