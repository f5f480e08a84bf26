"""Objects that live in a worker, by number: interpreters that run and watch models.

Only workers import this. What enters: a number and arrays. What leaves: arrays or ranges.
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
"""The last file, and the model that was read from it."""


def open_model(
    data: bytes, delegates: bool, signature: str | None = None
) -> tuple[int, Any, Any, Any, bool]:
    """Load a model: its number, `inputs`, `outputs`, `stream_signature` and `is_main`."""
    model = Model(data, delegates=delegates, parsed=_read(data), signature=signature)
    return _hold(model), model.inputs, model.outputs, model.stream_signature, model.is_main


def _read(data: bytes) -> ir.Model:
    """The model in a file. A file that is loaded again, with other delegates, is read only once."""
    if not _READ or _READ[0][0] != data:
        _READ[:] = [(data, schema.read(data))]
    return _READ[0][1]


def shapes_before_run(
    number: int, shapes: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, ...], ...]:
    """See `Model.shapes_before_run`."""
    found: tuple[tuple[int, ...], ...] = _HELD[number].shapes_before_run(shapes)
    return found


def run_model(number: int, arrays: Sequence[Array]) -> list[Array]:
    """Run a model once on whole batches, of the shapes and dtypes that the file takes."""
    found: list[Array] = _HELD[number].run(arrays)
    return found


def run_chunk(number: int, arrays: Sequence[Array]) -> list[Array]:
    """Run the signature "stream" of a model once; see `Model.run_chunk`."""
    found: list[Array] = _HELD[number].run_chunk(arrays)
    return found


def open_watched(data: bytes, inputs: Sequence[int], axes: Sequence[int | None]) -> tuple[int]:
    """Load a model to be calibrated: its number."""
    return (_hold(Watched(data, inputs, axes)),)


def watch(number: int, row: list[Array], label: str) -> None:
    """Run one sample, an array for each input without batch axis, and widen the ranges."""
    _HELD[number].run(row, label)


def watch_arrays(
    number: int, arrays: list[Array], outputs: Sequence[int], label: str
) -> list[Array]:
    """Run whole batches, widen the ranges, and give the tensors whose numbers are `outputs`."""
    found: list[Array] = _HELD[number].call(arrays, outputs, label)
    return found


def ranges(number: int) -> dict[str, Range]:
    """The ranges of all runs so far, by the names of the tensors."""
    found: dict[str, Range] = _HELD[number].ranges
    return found


def counts(number: int) -> dict[str, int]:
    """How many values of a tensor of the main graph were seen, by name, where they are few."""
    found: dict[str, int] = _HELD[number].counts or {}
    return found


def open_values(data: bytes, places: Sequence[int], axes: Sequence[int | None]) -> tuple[int]:
    """Load a model whose tensors will be read: its number."""
    return (_hold(Values(data, places, axes)),)


def values(number: int, row: Sequence[Array]) -> list[Array | None]:
    """Run one sample: the tensors as real numbers."""
    found: list[Array | None] = _HELD[number].run(row)
    return found


def drop(number: int) -> None:
    """Forget an object."""
    _HELD.pop(number, None)


def probe(data: bytes) -> None:
    """Load a model, allocate its declared shapes, and run it on zeros, without delegates."""
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
