"""Objects that live in a worker, by number: interpreters that run and watch models.

Imported by workers. What enters: a number and arrays. What leaves: arrays or ranges.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from rnnlite.lite import ir, schema
from rnnlite.quantization.measure.values import Values
from rnnlite.quantization.params import Array, Range
from rnnlite.quantization.watching import Watched
from rnnlite.runtime.model import Model

_HELD: dict[int, Any] = {}
_NUMBERS = itertools.count()
_READ: list[tuple[bytes, ir.Model]] = []
"""The last file, and what was read."""


def open_model(
    data: bytes, delegates: bool, signature: str | None = None
) -> tuple[int, Any, Any, Any, bool]:
    """Load a model; gives its number, then `inputs` and more of `Model`, in order."""
    model = Model(data, delegates=delegates, parsed=_read(data), signature=signature)
    return _hold(model), model.inputs, model.outputs, model.stream_signature, model.is_main


def _read(data: bytes) -> ir.Model:
    """A file as it is read; one that is loaded once more, with other delegates, is read once."""
    if not _READ or _READ[0][0] != data:
        _READ[:] = [(data, schema.read(data))]
    return _READ[0][1]


def shapes_before_run(
    number: int, shapes: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, ...], ...]:
    """The shapes of its outputs as far as the runtime knows them before a run."""
    found: tuple[tuple[int, ...], ...] = _HELD[number].shapes_before_run(shapes)
    return found


def run_model(number: int, arrays: Sequence[Array]) -> list[Array]:
    """Run it once on whole batches, of the shapes and dtypes that the file takes."""
    found: list[Array] = _HELD[number].run(arrays)
    return found


def run_chunk(number: int, arrays: Sequence[Array]) -> list[Array]:
    """Run its signature "stream" once, on arrays of the shapes and dtypes that it takes."""
    found: list[Array] = _HELD[number].run_chunk(arrays)
    return found


def open_watched(data: bytes, inputs: Sequence[int], axes: Sequence[int | None]) -> tuple[int]:
    """Load a model to be calibrated; gives its number."""
    return (_hold(Watched(data, inputs, axes)),)


def watch(number: int, row: list[Array], label: str) -> None:
    """Run a sample, an array an input without batch axis, through it and widen its ranges."""
    _HELD[number].run(row, label)


def watch_arrays(
    number: int, arrays: list[Array], outputs: Sequence[int], label: str
) -> list[Array]:
    """Run whole batches through it, widen its ranges, and give the tensors of these numbers."""
    found: list[Array] = _HELD[number].call(arrays, outputs, label)
    return found


def ranges(number: int) -> dict[str, Range]:
    """The ranges seen so far, by the tensors' names."""
    found: dict[str, Range] = _HELD[number].ranges
    return found


def counts(number: int) -> dict[str, int]:
    """How many numbers a tensor of the main graph held in all runs, by name, where they are few."""
    found: dict[str, int] = _HELD[number].counts or {}
    return found


def open_values(data: bytes, places: Sequence[int], axes: Sequence[int | None]) -> tuple[int]:
    """Load a model whose tensors are asked for; gives its number."""
    return (_hold(Values(data, places, axes)),)


def values(number: int, row: Sequence[Array]) -> list[Array | None]:
    """Run a sample through it; its tensors as real numbers."""
    found: list[Array | None] = _HELD[number].run(row)
    return found


def drop(number: int) -> None:
    """Forget an object."""
    _HELD.pop(number, None)


def probe(data: bytes) -> None:
    """Load a model, allocate it as it declares and run it on zeros, without delegates."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()


def _hold(value: Any) -> int:
    number = next(_NUMBERS)
    _HELD[number] = value
    return number
