"""Give a converted model its signature, the names of its inputs and outputs, and a record.

What enters: the converter's model of an Entry. What leaves: the same model with the entry's
signature, inputs and outputs by the source's names in the source's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.program import Entry
from rnnlite.lite.ir import Model, Signature, Value
from rnnlite.lite.record import set_record
from rnnlite.specs import TensorSpec


def set_signature(
    model: Model, entry: Entry, version: str, details: Mapping[str, Any] | None = None
) -> None:
    """Name the main graph's inputs and outputs and store the signature and metadata, in place.

    Raises:
        UnsupportedError: the converter left out an input or output.
    """
    main = model.main
    inputs = _paired("inputs", entry.inputs, main.inputs)
    outputs = _paired("outputs", entry.outputs, main.outputs)
    named: dict[Value, str] = {}
    for spec, value in (*inputs, *outputs):
        if value not in named:
            # A state is an input and an output of one name, but two values.
            taken = spec.name in named.values()
            value.name = named[value] = f"{spec.name}/new" if taken else spec.name
    for spec, value in inputs:
        _set_default(value, spec)
    ends = (tuple((spec.name, value) for spec, value in end) for end in (inputs, outputs))
    model.signatures = [Signature(entry.signature, main, *ends)]
    model.description = f"{entry.origin}, converted by rnnlite {version}"
    set_record(model, {**_record(entry, version), **(details or {})})


def _paired(
    what: str, specs: Sequence[TensorSpec], values: Sequence[Value]
) -> list[tuple[TensorSpec, Value]]:
    if len(specs) != len(values):
        raise UnsupportedError(
            f"the official converter changed the number of {what}",
            expected=str(len(specs)),
            found=str(len(values)),
        )
    return list(zip(specs, values, strict=True))


def _record(entry: Entry, version: str) -> dict[str, Any]:
    return {
        "version": version,
        "origin": entry.origin,
        "recurrences": [r.to_dict() for r in entry.recurrences],
        "notes": list(entry.notes),
        "id_ranges": dict(entry.id_ranges),
        "mask_values": dict(entry.mask_values),
        "counts": [p.name for p in entry.inputs if p.counts],
        "least": {p.name: list(p.least) for p in entry.inputs if p.least},
        "batch_axes": {
            p.name: p.batch_axis for p in (*entry.inputs, *entry.outputs) if p.batch_axis != 0
        },
    }


def _set_default(value: Value, spec: TensorSpec) -> None:
    """The shape that an interpreter takes before it is told another: the least one."""
    if spec.least:
        sizes = zip(spec.shape, value.shape, spec.least, strict=True)
        value.shape = [int(n) if d is None else size for d, size, n in sizes]
