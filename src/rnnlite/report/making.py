"""Make a report from a source, its file and the measurements.

What enters: a Program, the inspection of its file, a `Finding` for each signature. What leaves: a
`Report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rnnlite.report.exits import Exit
from rnnlite.report.parity import Parity, StreamParity
from rnnlite.report.quantization import Quantization
from rnnlite.report.records import (
    LayerRecord,
    Report,
    SignatureReport,
    TensorSize,
)
from rnnlite.specs import SignatureSpec, TensorSpec


class _Function(Protocol):
    """What a report says of one function of a source; an `Entry` has it."""

    @property
    def signature(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def recurrences(self) -> Sequence[_Recurrence]: ...


class _Source(Protocol):
    """What a report says of a source; a `Program` has it."""

    @property
    def origin(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def entries(self) -> Sequence[_Function]: ...


class _Recurrence(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class _Content(Protocol):
    """What a report says of a file; an `Inspection` has it."""

    @property
    def inputs(self) -> Sequence[TensorSpec]: ...
    @property
    def outputs(self) -> Sequence[TensorSpec]: ...
    @property
    def signatures(self) -> Mapping[str, SignatureSpec]: ...
    @property
    def record(self) -> Mapping[str, Any] | None: ...
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
    @property
    def tensors(self) -> Sequence[TensorSize]: ...


@dataclass
class Finding:
    """What was found of one function.

    Attributes:
        parity: the check of its float32 model, if it was checked.
        quantization: what its quantization did, if it was quantized.
        layers: the layers of the function.
    """

    parity: Parity | None = None
    quantization: Quantization | None = None
    layers: tuple[LayerRecord, ...] = ()


def make_report(
    source: _Source,
    content: _Content,
    found: Mapping[str, Finding],
    seconds: Mapping[str, float],
    stream: StreamParity | None = None,
) -> Report:
    """Make the report of a model.

    Args:
        source: the Program of the model.
        content: the inspection of its file.
        found: what was found of each function of the source, by signature.
        seconds: name of a step -> the time that it took.
        stream: the check of the signature "stream", if there is one.
    """
    entries = source.entries
    several = len(entries) > 1
    notes = list(source.notes)
    for entry in entries:
        own = _notes(entry, found[entry.signature])
        notes += [f"signature '{entry.signature}': {n}" for n in own] if several else own
    checks = [f.parity for f in found.values() if f.parity is not None]
    late = dict.fromkeys([*content.late, *(name for parity in checks for name in parity.late)])
    if late:
        named = ", ".join(f"'{name}'" for name in late)
        notes.append(
            f"the size of {named} is known only after a run: give LiteRT's CompiledModel a buffer "
            "of your own, TensorBuffer.create_from_host_memory(numpy.zeros(shape, 'float32'))"
        )
    first = found[entries[0].signature]
    signature = content.signatures.get(entries[0].signature, content)
    return Report(
        origin=source.origin,
        inputs=_specs(signature.inputs),
        outputs=_specs(signature.outputs),
        size=content.size,
        weights=content.weights,
        ops=content.ops,
        min_runtime=content.min_runtime,
        recurrences=_recurrences(entries[0]),
        parity=first.parity,
        quantization=first.quantization,
        stream=stream,
        exits=tuple(map(Exit.of, (content.record or {}).get("exits", ()))),
        notes=tuple(notes),
        seconds=dict(seconds),
        layers=first.layers,
        tensors=tuple(content.tensors),
        signatures=tuple(
            SignatureReport(
                name=entry.signature,
                inputs=_specs(content.signatures[entry.signature].inputs),
                outputs=_specs(content.signatures[entry.signature].outputs),
                recurrences=_recurrences(entry),
                parity=found[entry.signature].parity,
                quantization=found[entry.signature].quantization,
                layers=found[entry.signature].layers,
            )
            for entry in (entries if several else ())
        ),
    )


def _specs(specs: Sequence[TensorSpec]) -> tuple[dict[str, Any], ...]:
    return tuple(spec.to_dict() for spec in specs)


def _recurrences(entry: _Function) -> tuple[dict[str, Any], ...]:
    return tuple(r.to_dict() for r in entry.recurrences)


def _notes(entry: _Function, found: Finding) -> list[str]:
    notes = list(entry.notes)
    parity = found.parity
    if parity is not None and parity.skipped:
        lengths = ", ".join(map(str, parity.skipped))
        notes.append(f"the source itself refuses length {lengths}: not compared there")
    if parity is not None and parity.undefined:
        named = ", ".join(f"'{name}'" for name in parity.undefined)
        notes.append(
            f"the source gives NaN in {named} for some inputs, such as a sequence that is masked "
            "throughout: not compared there"
        )
    return notes
