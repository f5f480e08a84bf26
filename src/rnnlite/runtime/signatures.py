"""What the signature "stream" of a file takes and gives, and how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnnlite.lite.ir import Model, Value
from rnnlite.runtime.stream import Ends
from rnnlite.specs import Array, TensorSpec
from rnnlite.streaming.layout import SIGNATURE, Layout


def stream_ends(model: Model, layout: Layout, known: Sequence[TensorSpec]) -> Ends:
    """The ends of the signature "stream".

    Args:
        model: the file.
        layout: as its record states it.
        known: the inputs and outputs for whole sequences, whose names it shares.
    """
    (signature,) = (s for s in model.signatures if s.key == SIGNATURE)
    whole = {spec.name: spec for spec in known}

    def spec(name: str, value: Value, like: TensorSpec | None) -> TensorSpec:
        shape = tuple(None if d < 0 else d for d in value.dims)
        grid = None if value.quantization is None else (value.scale, value.zero)
        if like is None:
            return TensorSpec(name, shape, value.type, batch_axis=None, quantization=grid)
        return replace(like, shape=shape, dtype=value.type, quantization=grid, least=())

    count, results = len(layout.inputs), len(layout.outputs)
    inputs = [spec(n, v, whole.get(n)) for n, v in signature.inputs[:count]]
    outputs = [spec(n, v, whole.get(n)) for n, v in signature.outputs[:results]]
    states = [spec(n, v, None) for n, v in signature.inputs[count:]]
    return Ends(layout, tuple(inputs), tuple(outputs), tuple(states))


class SignatureRun:
    """Runs a signature of an interpreter on arrays in its own order.

    An interpreter that a runner holds cannot be resized otherwise.

    Args:
        interpreter: used by nobody else.
        key: the signature.
        inputs, outputs: names, in the order of the arrays.
    """

    def __init__(
        self, interpreter: Any, key: str, inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self._runner = interpreter.get_signature_runner(key)
        self._inputs, self._outputs = inputs, outputs

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once.

        Raises:
            ValueError, RuntimeError: the runtime refuses the shapes.
        """
        found = self._runner(**dict(zip(self._inputs, arrays, strict=True)))
        return [found[name] for name in self._outputs]
