"""Put together a report: what a source, its file and the measurements say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rnnlite.report.quantization import Quantization
from rnnlite.report.records import Parity, Report, StreamParity


class _Source(Protocol):
    """What a report says of a source; a `Program` has it."""

    @property
    def origin(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def recurrences(self) -> Sequence[_Recurrence]: ...


class _Recurrence(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class _Content(Protocol):
    """What a report says of a file; an `Inspection` has it."""

    @property
    def inputs(self) -> Sequence[Any]: ...
    @property
    def outputs(self) -> Sequence[Any]: ...
    @property
    def size(self) -> int: ...
    @property
    def weights(self) -> int: ...
    @property
    def ops(self) -> Mapping[str, int]: ...
    @property
    def min_runtime(self) -> str: ...
    @property
    def late(self) -> Sequence[str]: ...


def make_report(
    source: _Source,
    content: _Content,
    parity: Parity | None,
    seconds: Mapping[str, float],
    quantization: Quantization | None = None,
    stream: StreamParity | None = None,
) -> Report:
    """Put together what is known of a model.

    Args:
        source: its Program.
        content: its file, inspected.
        parity: the check of the float32 model, if there was one.
        seconds: of each step.
        quantization: what that did, if there was one.
        stream: of the signature "stream", if there is one.
    """
    notes = list(source.notes)
    if parity is not None and parity.skipped:
        lengths = ", ".join(map(str, parity.skipped))
        notes.append(f"the source itself refuses length {lengths}: not compared there")
    if parity is not None and parity.undefined:
        named = ", ".join(f"'{name}'" for name in parity.undefined)
        notes.append(
            f"the source gives NaN in {named} for some inputs, such as a sequence that is masked "
            "throughout: not compared there"
        )
    late = dict.fromkeys([*content.late, *(parity.late if parity is not None else ())])
    if late:
        named = ", ".join(f"'{name}'" for name in late)
        notes.append(
            f"the size of {named} is known only after a run: give LiteRT's CompiledModel a buffer "
            "of your own, TensorBuffer.create_from_host_memory(numpy.zeros(shape, 'float32'))"
        )
    return Report(
        origin=source.origin,
        inputs=tuple(t.to_dict() for t in content.inputs),
        outputs=tuple(t.to_dict() for t in content.outputs),
        size=content.size,
        weights=content.weights,
        ops=content.ops,
        min_runtime=content.min_runtime,
        recurrences=tuple(r.to_dict() for r in source.recurrences),
        parity=parity,
        quantization=quantization,
        stream=stream,
        notes=tuple(notes),
        seconds=dict(seconds),
    )
