"""Check an existing LiteRT file against its source, in this process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnnlite.errors import ModelError, QuantizationError
from rnnlite.frontends.program import Entry
from rnnlite.frontends.request import Request
from rnnlite.lite.inspection import inspect
from rnnlite.pipeline.clock import Clock
from rnnlite.quantization.recipe import MODES
from rnnlite.report.making import Finding, make_report
from rnnlite.report.records import Report
from rnnlite.specs import batched, row


def verify(
    source: Any,
    data: bytes,
    samples: Sequence[Any] | None,
    request: Request,
    max_error: float | None,
) -> Report:
    """Check a LiteRT file in this process.

    Args:
        source: as `rnnlite.convert` takes it.
        data: content of the file.
        samples: further inputs to compare on.
        request: how the source is to be opened.
        max_error: of a quantized file.

    Raises:
        RnnliteError: as `rnnlite.verify`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation.interpreter import ModelApart
    from rnnlite.lite import schema
    from rnnlite.lite.record import record
    from rnnlite.parity import check, probes
    from rnnlite.quantization.quantize import remeasure
    from rnnlite.quantization.recipe import take_max_error
    from rnnlite.runtime.samples import listed

    loaded = ModelApart(data)
    loaded.close()
    mode = record(schema.read(data)).get("quantize")
    if mode is None and max_error is not None:
        raise QuantizationError(
            "max_error is given, but the model is not quantized",
            expected="a file of quantize= one of " + ", ".join(MODES),
            found="float32",
        )
    limit = math.inf if mode is None else take_max_error(max_error, mode)
    clock = Clock()
    batch = next((spec.batch for spec in loaded.inputs if spec.shape), 1)
    integer = mode in ("int8", "int16x8")
    with clock.step("trace"):
        program = open_program(source, replace(request, batch_size=batch, integer=integer))
        entry = _as_in_model(program.main, loaded)
    arrays = (
        [
            [batched(a, p.batch_axis) for a, p in zip(sample, loaded.inputs, strict=True)]
            for sample in listed(samples, loaded.inputs)
        ]
        if samples is not None
        else []
    )
    if mode is not None:
        rows = [
            [row(a, p.batch_axis, 0) for a, p in zip(sample, loaded.inputs, strict=True)]
            for sample in arrays
        ]
        with clock.step("check"):
            quantization = remeasure(
                entry.reference,
                data,
                mode,
                rows or probes(entry),
                given=bool(rows),
                max_error=limit,
            )
        found = Finding(quantization=quantization)
    else:
        with clock.step("check"):
            found = Finding(check(entry, data, arrays))
    return make_report(program, inspect(data), {entry.signature: found}, clock.seconds)


def _as_in_model(entry: Entry, model: Any) -> Entry:
    """The entry with its inputs as the model has them: a length may be pinned there.

    Raises:
        ModelError: names, ranks or dtypes differ.
    """
    ours = [(p.name, len(p.shape), p.dtype) for p in entry.inputs]
    theirs = [
        (s.name, len(s.shape), "float32" if s.quantization else s.dtype) for s in model.inputs
    ]
    if ours != theirs or len(entry.outputs) != len(model.outputs):
        raise ModelError(
            f"the LiteRT model was not made from {entry.origin}",
            expected=f"inputs {_shown(ours)} and {len(entry.outputs)} outputs",
            found=f"inputs {_shown(theirs)} and {len(model.outputs)} outputs",
        )
    inputs = tuple(
        replace(p, shape=s.shape) for p, s in zip(entry.inputs, model.inputs, strict=True)
    )
    return replace(entry, inputs=inputs)


def _shown(ports: Sequence[tuple[str, int, str]]) -> str:
    return ", ".join(f"'{name}' of rank {rank} ({dtype})" for name, rank, dtype in ports)
