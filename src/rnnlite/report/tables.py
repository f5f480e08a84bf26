"""A report or an inspection as tables, and as plain text.

What enters: a `Report`, an `Inspection`, or the TensorSpecs of signatures. What leaves: tables of
rich (`rendering`), or their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rnnlite.lite.releases import where_text
from rnnlite.report.exits import COLUMNS, Exit, exit_rows
from rnnlite.report.rendering import (
    as_text,
    seconds_text,
    shape_text,
    size_text,
    spaced,
    table,
)
from rnnlite.specs import SignatureSpec, TensorSpec
from rnnlite.target import TARGETS

if TYPE_CHECKING:
    from rnnlite.lite.inspection import Inspection
    from rnnlite.report.parity import Parity, StreamParity
    from rnnlite.report.quantization import Quantization
    from rnnlite.report.records import Report, SignatureReport


def report_text(report: Report) -> str:
    """`report_tables` as plain text."""
    return as_text(report_tables(report))


def inspection_text(inspection: Inspection) -> str:
    """`inspection_tables` as plain text."""
    return as_text(inspection_tables(inspection))


def report_tables(report: Report) -> RenderableType:
    """The whole report."""
    parts: list[RenderableType] = [
        Text(report.origin, style="bold"),
        Text(
            f"{size_text(report.size)}, {report.weights:,} weights, {seconds_text(report.seconds)}"
        ),
        Text(where_text(report.min_runtime)),
        Text("ops: " + ", ".join(f"{n} {c}" for n, c in report.ops.items())),
    ]
    for found in report.functions:
        parts += _function(found, report.size)
    if report.stream is not None:
        parts.append(_stream(report.stream))
    if report.exits:
        parts.append(_exits(report.exits))
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    return Group(*spaced(parts))


def _function(found: Report | SignatureReport, size: int) -> list[RenderableType]:
    """One signature: its inputs, outputs and recurrences, its parity, its quantization."""
    name = getattr(found, "name", "")
    parts: list[RenderableType] = [_specs(found.inputs, found.outputs, name)]
    if found.recurrences:
        parts.append(_recurrences(found.recurrences))
        parts += [
            Text(f"weights of {r['name']}: {r['weights']}")
            for r in found.recurrences
            if r.get("weights")
        ]
    if found.parity or found.quantization is None:
        parts.append(_parity(found.parity) if found.parity else Text("parity: not checked"))
    if found.quantization is not None:
        parts += _quantization(found.quantization, size)
    return parts


def inspection_tables(inspection: Inspection) -> RenderableType:
    """The whole inspection."""
    record = inspection.record or {}
    weights = ", ".join(f"{size_text(n)} {dtype}" for dtype, n in inspection.weight_bytes.items())
    parts: list[RenderableType] = [
        Text(str(record.get("origin", "LiteRT model, not converted by rnnlite")), style="bold"),
        Text(f"{size_text(inspection.size)}, {inspection.weights:,} weights ({weights or 'none'})"),
        Text(where_text(inspection.min_runtime)),
    ]
    parts.append(signatures_shown(inspection.inputs, inspection.outputs, inspection.signatures))
    if record.get("target") in TARGETS:
        parts.append(Text(f"made for {TARGETS[record['target']].title}"))
    if record.get("quantize"):
        parts.append(Text(f"quantized: {record['quantize']}, I/O {record['io']}"))
    if record.get("recurrences"):
        parts.append(_recurrences(record["recurrences"]))
    if record.get("exits"):
        parts.append(_exits([Exit.of(said) for said in record["exits"]]))
    parts.append(Text("ops: " + ", ".join(f"{n} {c}" for n, c in inspection.ops.items())))
    if inspection.custom_ops:
        parts.append(
            Text(f"not in the standard runtime: {', '.join(inspection.custom_ops)}", style="red")
        )
    if inspection.late:
        named = ", ".join(f"'{name}'" for name in inspection.late)
        parts.append(Text(f"size known only after a run: {named}", style="yellow"))
    parts += [Text(f"note: {note}", style="yellow") for note in record.get("notes", [])]
    return Group(*spaced(parts))


def _specs(
    inputs: Iterable[Mapping[str, Any]], outputs: Iterable[Mapping[str, Any]], name: str = ""
) -> Table:
    rows = []
    quantized = False
    for kind, specs in (("input", inputs), ("output", outputs)):
        for spec in specs:
            scale = spec.get("scale")
            quantized = quantized or scale is not None
            extra = "" if scale is None else f"(q - {spec['zero_point']}) * {scale:.4g}"
            rows.append(
                [
                    kind,
                    spec["name"],
                    shape_text(spec["shape"], spec.get("least", ())),
                    spec["dtype"],
                    extra,
                ]
            )
    columns = ["", "name", "shape", "dtype", "value"]
    keep = 5 if quantized else 4
    title = f"Signature '{name}'" if name else "Signature"
    return table(title, columns[:keep], [row[:keep] for row in rows])


def signature_table(
    inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec], name: str = ""
) -> Table:
    """The inputs and outputs of a signature; `name` is given where there are several."""
    return _specs([t.to_dict() for t in inputs], [t.to_dict() for t in outputs], name)


def signatures_shown(
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    signatures: Mapping[str, SignatureSpec],
) -> RenderableType:
    """All signatures of a file; where it has fewer than two, the given inputs and outputs.

    Args:
        inputs, outputs: those of what runs where a caller names no signature.
        signatures: name of a signature -> its inputs and outputs.
    """
    if len(signatures) < 2:
        return signature_table(inputs, outputs)
    shown = [signature_table(s.inputs, s.outputs, name) for name, s in signatures.items()]
    return Group(*spaced(shown))


def _recurrences(recurrences: Iterable[Mapping[str, Any]]) -> Table:
    return table(
        "Recurrences",
        [
            "name",
            "cell",
            "units",
            "direction",
            "outputs",
            "masked",
            "projection",
            "schedule",
        ],
        [
            [
                r["name"],
                r["kind"],
                r["units"],
                r["direction"],
                r["outputs"],
                r["masked"],
                "hoisted" if r["hoisted"] else "in the loop",
                r["schedule"],
            ]
            for r in recurrences
        ],
    )


def _parity(parity: Parity) -> RenderableType:
    lengths = ", ".join(map(str, parity.lengths)) or "none free"
    batches = ", ".join(map(str, parity.batches))
    return Group(
        Text(f"Parity with the source: {parity.runs} runs, lengths {lengths}, batches {batches}"),
        _parity_table(parity),
    )


def _exits(exits: Sequence[Exit]) -> RenderableType:
    return table("Exits, run in this order", COLUMNS, exit_rows(exits))


def _stream(stream: StreamParity) -> RenderableType:
    chunks = "of any length" if stream.chunk is None else f"of {stream.chunk} steps"
    if stream.chunk is None and stream.multiple > 1:
        chunks = f"of a multiple of {stream.multiple} steps"
    late = f", outputs {stream.delay} steps later" if stream.delay else ""
    head = f"Stream: chunks {chunks}{late}; {len(stream.states)} states"
    if not stream.lengths:
        return Text(f"{head}; not checked")
    lengths = ", ".join(map(str, stream.lengths))
    return Group(
        Text(f"{head}; random cuttings against the whole, lengths {lengths}"),
        _parity_table(stream),
    )


def _parity_table(parity: Parity | StreamParity) -> Table:
    return table(
        "",
        ["output", "largest difference", "relative to scale", "allowed", "scale"],
        [[o.name, o.max_abs, o.max_rel, o.bound, o.scale] for o in parity.outputs],
    )


def _quantization(q: Quantization, size: int) -> list[RenderableType]:
    """A quantization: types of weights and ops, trials, errors, warnings."""
    head = f"Quantization: {q.mode}, inputs and outputs {q.io}"
    if q.inner:
        head += f", recurrences compute in {q.inner}"
    parts: list[RenderableType] = [Text(head, style="bold")]
    if q.size_before:
        share = size / q.size_before
        parts.append(
            Text(f"{size_text(q.size_before)} in float32, now {size_text(size)} ({share:.2f})")
        )
    if q.lengths is not None:
        parts.append(
            Text(f"calibrated on {q.samples} samples of {q.lengths[0]} to {q.lengths[1]} steps")
        )
    if q.weights:
        parts.append(_weights(q))
    parts.append(_types(q))
    if q.trials:
        parts.append(_trials(q))
    parts += [Text(f"stayed in float: {kept}", style="yellow") for kept in q.kept]
    parts.append(_accuracy(q))
    return parts + [Text(f"warning: {warning}", style="yellow") for warning in q.warnings]


def _weights(q: Quantization) -> Table:
    return table(
        "Weights",
        ["name", "shape", "type", "how"],
        [[w.name[-48:], shape_text(w.shape), w.dtype, w.how] for w in q.weights],
    )


def _types(q: Quantization) -> Table:
    return table(
        "Types that the ops run in",
        ["op", "how many"],
        [[n, ", ".join(f"{c} {t}" for t, c in types.items())] for n, types in q.ops.items()],
    )


def _trials(q: Quantization) -> Table:
    return table(
        "Trials",
        ["computes in", "RMS error %", "bytes", ""],
        [[t.name, None if t.error is None else 100 * t.error, t.size, t.verdict] for t in q.trials],
    )


def _accuracy(q: Quantization) -> Table:
    """The errors of each output; with a column for each length that was measured."""
    lengths = sorted({length for a in q.accuracy for length in a.by_length})
    fed_back = any(a.fed_back is not None for a in q.accuracy)
    return table(
        f"Error against the source, on {q.measured_on}",
        [
            "output",
            "RMS error %",
            "SNR dB",
            "same class %",
            *(["% fed back"] if fed_back else []),
            *[f"% at T={length}" for length in lengths],
        ],
        [
            [
                a.name,
                100 * a.rms_error,
                a.snr_db,
                None if a.argmax_agreement is None else 100 * a.argmax_agreement,
                *([None if a.fed_back is None else 100 * a.fed_back] if fed_back else []),
                *[100 * a.by_length[n] if n in a.by_length else None for n in lengths],
            ]
            for a in q.accuracy
        ],
    )
