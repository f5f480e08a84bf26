"""Check an existing LiteRT file against its source, in this process.

What enters: a source, the content of a file, samples. What leaves: a `Report`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnnlite.errors import ModelError, QuantizationError, SampleError
from rnnlite.frontends.program import Entry
from rnnlite.frontends.request import Request
from rnnlite.lite.inspection import Inspection, inspect
from rnnlite.pipeline.clock import Clock
from rnnlite.quantization.config import MODES
from rnnlite.report.making import Finding, make_report
from rnnlite.report.records import Report
from rnnlite.specs import batched


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
        request: what to open the source with.
        max_error: the largest error that is accepted, of a quantized file.

    Raises:
        RnnliteError: as `rnnlite.verify`.
    """
    from rnnlite.frontends.opening import open_program
    from rnnlite.isolation.interpreter import ModelApart
    from rnnlite.lite import schema
    from rnnlite.lite.record import ENTRIES, record
    from rnnlite.quantization.config import take_max_error

    loaded = ModelApart(data)
    loaded.close()
    stored = record(schema.read(data))
    mode = stored.get("quantize")
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
    entries = stored.get(ENTRIES, [])
    options = request.options
    if entries and options.get("signature") is None:
        options = {**options, "signature": entries}
    asked = replace(request, batch_size=batch, integer=integer, options=options)
    with clock.step("trace"):
        program = open_program(source, asked)
    keys = [entry.signature for entry in program.entries]
    content = inspect(data)
    given = samples_of(samples, keys)
    found = {}
    with clock.step("check"):
        for entry in program.entries:
            key = _key(entry, content, several=len(keys) > 1)
            found[entry.signature] = _check_one(
                entry, data, key, given[entry.signature], mode, limit
            )
    stream = None
    if loaded.stream_signature is not None:
        from rnnlite.stream_parity import check_stream

        with clock.step("stream"):
            most = limit if mode == "dynamic" else 0.0
            stream = check_stream(_as_in_model(program.main, loaded), data, most)
    return make_report(program, content, found, clock.seconds, stream)


def samples_of(samples: Any, signatures: Sequence[str]) -> dict[str, Any]:
    """The samples of each signature; None where there are none.

    Raises:
        SampleError: there are several signatures, and the samples are no dict by signature.
    """
    if samples is None:
        return dict.fromkeys(signatures)
    if len(signatures) == 1:
        return {signatures[0]: samples}
    if not isinstance(samples, Mapping) or not set(samples) <= set(signatures):
        raise SampleError(
            "the samples do not fit the signatures",
            expected="a dict of samples by signature: "
            + ", ".join(f"'{name}'" for name in signatures),
            found=", ".join(map(repr, samples))
            if isinstance(samples, Mapping)
            else type(samples).__name__,
        )
    return {name: samples.get(name) for name in signatures}


def _key(entry: Entry, content: Inspection, *, several: bool) -> str | None:
    """The file's name for an entry; None for its first signature.

    Raises:
        ModelError: of several entries, the file lacks this one.
    """
    if entry.signature in content.signatures:
        return entry.signature
    if several:
        raise ModelError(
            f"the LiteRT model has no signature '{entry.signature}', as {entry.origin} has",
            found=", ".join(f"'{name}'" for name in content.signatures) or "no signature",
            remedy="Name those that it has (signature=)",
        )
    return None


def _check_one(
    entry: Entry, data: bytes, key: str | None, samples: Any, mode: str | None, limit: float
) -> Finding:
    """Compare one signature of a file with its source."""
    from rnnlite.isolation.interpreter import ModelApart
    from rnnlite.parity import check, sample_inputs
    from rnnlite.quantization.describing import remeasure
    from rnnlite.runtime.samples import listed

    loaded = ModelApart(data, signature=key)
    loaded.close()
    entry = _as_in_model(entry, loaded)
    rows = [] if samples is None else listed(samples, loaded.inputs)
    if mode is None:
        arrays = [
            [batched(a, p.batch_axis) for a, p in zip(sample, loaded.inputs, strict=True)]
            for sample in rows
        ]
        return Finding(check(entry, data, arrays, signature=key))
    quantization = remeasure(
        entry.reference,
        data,
        mode,
        rows or sample_inputs(entry),
        given=bool(rows),
        max_error=limit,
        signature=key,
    )
    return Finding(quantization=quantization)


def _as_in_model(entry: Entry, model: Any) -> Entry:
    """The entry with the shapes of the model's inputs, which may have pinned lengths.

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


def _shown(specs: Sequence[tuple[str, int, str]]) -> str:
    return ", ".join(f"'{name}' of rank {rank} ({dtype})" for name, rank, dtype in specs)
