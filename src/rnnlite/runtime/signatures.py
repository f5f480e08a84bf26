"""What the signature "stream" of a file takes and gives, and how it is run.

What enters: a file's model and the `Layout` in its record; an interpreter and arrays. What leaves:
a `StreamSignature`; the arrays of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Model, Value
from rnnlite.specs import Array, TensorSpec
from rnnlite.streaming.layout import SIGNATURE, Layout

Run = Callable[[list[Array]], list[Array]]
"""Runs the signature once; no later run changes the arrays that it returns."""

Bytes = Sequence[memoryview]
"""The memory of arrays, as bytes."""

InPlace = Callable[[list[Array], Bytes, Bytes], list[Array] | None]
"""Runs the signature once; see `SignatureRun.run_in_place`."""


@dataclass(frozen=True, eq=False)
class StreamSignature:
    """What a stream takes and gives.

    Attributes:
        layout: how the signature is used.
        inputs, outputs, states: TensorSpecs, in the order of the signature.
    """

    layout: Layout
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    states: tuple[TensorSpec, ...]


def stream_signature(model: Model, layout: Layout, known: Sequence[TensorSpec]) -> StreamSignature:
    """What the signature "stream" takes and gives.

    Args:
        model: the file.
        layout: from the file's record.
        known: inputs and outputs of the whole sequence; those of the stream have the same names.
    """
    (signature,) = (s for s in model.signatures if s.key == SIGNATURE)
    whole = {spec.name: spec for spec in known}

    def spec(name: str, value: Value, like: TensorSpec | None) -> TensorSpec:
        shape = tuple(None if d < 0 else d for d in value.dims)
        quantization = None if value.quantization is None else (value.scale, value.zero_point)
        if like is None:
            return TensorSpec(name, shape, value.type, batch_axis=None, quantization=quantization)
        return replace(like, shape=shape, dtype=value.type, quantization=quantization, least=())

    count, results = len(layout.inputs), len(layout.outputs)
    inputs = [spec(n, v, whole.get(n)) for n, v in signature.inputs[:count]]
    outputs = [spec(n, v, whole.get(n)) for n, v in signature.outputs[:results]]
    states = [spec(n, v, None) for n, v in signature.inputs[count:]]
    return StreamSignature(layout, tuple(inputs), tuple(outputs), tuple(states))


def require_batch(signature: StreamSignature, count: int) -> None:
    """Refuse a batch that the file does not stream.

    Raises:
        ModelError: the file has another, fixed batch.
    """
    fixed = {s.batch for s in signature.inputs if s.batch_axis is not None} - {None}
    if fixed and fixed != {count}:
        raise ModelError(
            "the file streams another number of sequences side by side",
            expected=", ".join(map(str, sorted(n for n in fixed if n is not None))),
            found=str(count),
            remedy="Convert its source with batch_size=None",
        )


class SignatureRun:
    """Runs a signature of an interpreter on arrays in its own order.

    LiteRT's own signature runner allocates all tensors anew at each call, which takes most of the
    time of a short step. This one allocates only where shapes change.

    Args:
        interpreter: one that nobody else uses.
        key: the signature.
        inputs, outputs: names of the inputs and outputs, in the order of the arrays.
    """

    def __init__(
        self, interpreter: Any, key: str, inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        runner = interpreter.get_signature_runner(key)
        self._wrapper, self._graph = runner._interpreter_wrapper, runner._subgraph_index
        given, made = runner.get_input_details(), runner.get_output_details()
        self._inputs = [int(given[name]["index"]) for name in inputs]
        self._outputs = [int(made[name]["index"]) for name in outputs]
        # The arrays that the wrapper gives are its memory: it has to live as long as they do.
        self._interpreter = interpreter
        self._shapes: list[tuple[int, ...]] | None = None
        # Memory of inputs and outputs; None if a run may move it.
        self._memory: tuple[Bytes, Bytes] | None = None
        self._is_new = True

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once.

        Raises:
            ValueError, RuntimeError: the runtime refuses the shapes.
        """
        shapes = [a.shape for a in arrays]
        if shapes != self._shapes:
            self._shapes = None
            self.allocate(shapes)
            self._shapes = shapes
        return self.run(arrays)

    def allocate(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """Allocate the tensors for inputs of these shapes.

        Raises:
            ValueError, RuntimeError: the runtime refuses the shapes.
        """
        for index, shape in zip(self._inputs, shapes, strict=True):
            self._wrapper.ResizeInputTensor(index, np.array(shape, np.int32), False, self._graph)
        self._wrapper.AllocateTensors(self._graph)
        self._memory = self._shown_memory() if self._is_new else None
        self._is_new = False

    def _shown_memory(self) -> tuple[Bytes, Bytes] | None:
        """The memory of inputs and outputs, if no run moves it; else None.

        If a run may move it, the runtime does not show it before the first run of an interpreter.
        """
        try:
            return self._bytes(self._inputs), self._bytes(self._outputs)
        except ValueError:
            return None

    def _bytes(self, indices: Sequence[int]) -> Bytes:
        shown = [self._wrapper.tensor(self._interpreter, k, self._graph) for k in indices]
        return [array.reshape(-1).view(np.uint8).data for array in shown]

    def run(self, arrays: Iterable[Array]) -> list[Array]:
        """Run once, on arrays of the shapes that are allocated.

        Returns:
            new arrays, which no later run changes.

        Raises:
            ValueError, RuntimeError: the runtime refuses the arrays.
        """
        wrapper, graph = self._wrapper, self._graph
        set_tensor, get_tensor = wrapper.SetTensor, wrapper.GetTensor
        for index, array in zip(self._inputs, arrays, strict=True):
            set_tensor(index, array, graph)
        wrapper.Invoke(graph)
        try:
            return [get_tensor(index, graph) for index in self._outputs]
        except ValueError:
            return [self._result(index) for index in self._outputs]

    def run_in_place(self, arrays: list[Array], before: Bytes, after: Bytes) -> list[Array] | None:
        """Run once, on states in memory of the caller.

        That takes a fifth of the time that it takes to pass them as arrays.

        Args:
            arrays: the first inputs, of the shapes that are allocated.
            before: the memory of the states before the run, which are the other inputs.
            after: the memory for the states after the run, the last outputs; it is overwritten.

        Returns:
            the other outputs, as new arrays; None, and nothing has run, if the runtime does not
            show its memory.

        Raises:
            ValueError, RuntimeError: the runtime refuses the arrays.
        """
        if self._memory is None:
            return None
        wrapper, graph, (given, made) = self._wrapper, self._graph, self._memory
        count, results = len(arrays), len(made) - len(after)
        for k in range(count):
            wrapper.SetTensor(self._inputs[k], arrays[k], graph)
        for k, state in enumerate(before, count):
            given[k][:] = state
        wrapper.Invoke(graph)
        for k, state in enumerate(after, results):
            state[:] = made[k]
        return [wrapper.GetTensor(index, graph) for index in self._outputs[:results]]

    def _result(self, index: int) -> Array:
        """A result that may have no elements: of such tensors the runtime shows no memory."""
        shape = self._wrapper.TensorSize(index, self._graph)
        if 0 in shape:
            return np.zeros(shape, self._wrapper.TensorType(index, self._graph))
        return np.asarray(self._wrapper.GetTensor(index, self._graph))
