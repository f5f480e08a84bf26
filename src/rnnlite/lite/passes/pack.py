"""Give a converted flatbuffer its names: tensors, one signature, and a note of where it came from.

What enters: the converter's flatbuffer and the Program's ports. What leaves: the same model with
the signature "serving_default", inputs and outputs by the source's names in the source's order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.program import Port, Program
from rnnlite.lite import flatbuffer

SIGNATURE = "serving_default"


def pack(
    model: Any, program: Program, version: str, details: Mapping[str, Any] | None = None
) -> None:
    """Name the main subgraph's inputs and outputs and store the signature and metadata, in place.

    Raises:
        UnsupportedError: the converter dropped an input or output.
    """
    main = model.subgraphs[0]
    inputs = [int(t) for t in main.inputs]
    outputs = [int(t) for t in main.outputs]
    for what, ports, tensors in (
        ("inputs", program.inputs, inputs),
        ("outputs", program.outputs, outputs),
    ):
        if len(ports) != len(tensors):
            raise UnsupportedError(
                f"the official converter changed the number of {what}",
                expected=str(len(ports)),
                found=str(len(tensors)),
            )
    named: set[int] = set()
    for ports, tensors in ((program.inputs, inputs), (program.outputs, outputs)):
        for port, index in zip(ports, tensors, strict=True):
            if index not in named:
                main.tensors[index].name = port.name
                named.add(index)
    for port, index in zip(program.inputs, inputs, strict=True):
        _set_default(main.tensors[index], port)
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE
    signature.subgraphIndex = 0
    signature.inputs = _maps(program.inputs, inputs)
    signature.outputs = _maps(program.outputs, outputs)
    model.signatureDefs = [signature]
    model.description = f"{program.origin}, converted by rnnlite {version}"
    record = {
        "version": version,
        "origin": program.origin,
        "recurrences": [r.to_dict() for r in program.recurrences],
        "notes": list(program.notes),
        "id_ranges": dict(program.id_ranges),
        "mask_values": dict(program.mask_values),
        "counts": [p.name for p in program.inputs if p.counts],
        "least": {p.name: list(p.least) for p in program.inputs if p.least},
        "batch_axes": {
            p.name: p.batch_axis for p in (*program.inputs, *program.outputs) if p.batch_axis != 0
        },
        **(details or {}),
    }
    flatbuffer.set_metadata(model, flatbuffer.RECORD, json.dumps(record).encode())


def _set_default(tensor: Any, port: Port) -> None:
    """The shape that an interpreter takes before it is told another: the least one."""
    if port.least:
        sizes = zip(port.shape, tensor.shape, port.least, strict=True)
        tensor.shape = [int(n) if d is None else int(size) for d, size, n in sizes]


def _maps(ports: tuple[Port, ...], tensors: list[int]) -> list[Any]:
    maps = []
    for port, index in zip(ports, tensors, strict=True):
        entry = schema.TensorMapT()
        entry.name = port.name
        entry.tensorIndex = index
        maps.append(entry)
    return maps
