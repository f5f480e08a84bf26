"""The page of a conversion: what the model is, how far it is off, what it takes.

What enters: a `Report`, and latency and memory of the file. What leaves: the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlite.lite.releases import where_text
from rnnlite.report.exits import COLUMNS, exit_rows
from rnnlite.report.page.charts import Curve, curves
from rnnlite.report.page.document import (
    details,
    document,
    figures,
    items,
    key,
    name_of,
    section,
    table,
)
from rnnlite.report.page.markup import Markup, tag
from rnnlite.report.page.model import model_section
from rnnlite.report.page.quantized import quantization_section
from rnnlite.report.page.running import running, sizes
from rnnlite.report.rendering import seconds_text, size_text
from rnnlite.report.timings import MemoryUse, Timing

if TYPE_CHECKING:
    from rnnlite.report.parity import Parity, StreamParity
    from rnnlite.report.quantization import Quantization
    from rnnlite.report.records import Report, SignatureReport


def conversion_page(
    report: Report,
    *,
    timings: Sequence[Timing] = (),
    memory: Sequence[MemoryUse] = (),
    command: str = "",
) -> str:
    """The whole page.

    Args:
        report: the report of a conversion, or of a check.
        timings, memory: latency and memory of the file.
        command: the command line that made the file.
    """
    parts: list[Markup | None] = [figures(_figures(report))]
    for found in report.functions:
        parts += function_sections(found)
    if report.stream is not None:
        parts.append(_stream(report.stream))
    if report.exits:
        parts.append(section("Exits, run in this order", table(COLUMNS, exit_rows(report.exits))))
    parts += [sizes(report.tensors, report.size), running(timings, memory)]
    if report.notes:
        parts.append(section("Notes", items(report.notes), class_="warn"))
    parts.append(_made(report))
    return document(
        name_of(report.origin),
        parts,
        kicker="Conversion to LiteRT",
        lead=first_up(where_text(report.min_runtime)) + ".",
        command=command,
    )


def _figures(report: Report) -> list[tuple[str, str, str]]:
    q = report.quantization
    found = []
    checks = [f.parity for f in report.functions if f.parity is not None]
    if checks:
        worst = max((o.max_rel for parity in checks for o in parity.outputs), default=0.0)
        within = all(parity.within for parity in checks)
        words = "float32 equals the source: largest difference" if within else "off, of the scale"
        found.append((f"{worst:.1e}", words, "good" if within else "bad"))
    else:
        found.append(("not checked", "parity with the source", ""))
    if q is not None:
        quantized = [f.quantization for f in report.functions if f.quantization is not None]
        errors = [a.rms_error for one in quantized for a in one.accuracy]
        if errors:
            state = "good" if all(e <= q.max_error for e in errors) else "bad"
            found.append((f"{100 * max(errors):.2g} %", f"RMS error of {q.mode}", state))
        else:
            found.append(("not measured", f"RMS error of {q.mode}", ""))
    size = size_text(report.size)
    if q is not None and q.size_before:
        found.append((size, f"file; {size_text(q.size_before)} in float32", ""))
    else:
        found.append((size, "file", ""))
    found.append((f"{report.weights:,}", "weights", ""))
    found.append((report.min_runtime or "none known", "least runtime", ""))
    return found


def function_sections(found: Report | SignatureReport) -> list[Markup | None]:
    """The sections on one signature: what it is, its parity, its quantization."""
    name = getattr(found, "name", "")
    of = f": signature '{name}'" if name else ""
    parts: list[Markup | None] = [
        model_section(found, of),
    ]
    if found.parity is not None:
        parts.append(_parity(found.parity, f"Parity with the source{of}"))
    if found.quantization is not None:
        q: Quantization = found.quantization
        parts.append(quantization_section(q, f"Quantization{of}"))
    return parts


def _parity(parity: Parity, title: str) -> Markup:
    lengths = ", ".join(map(str, parity.lengths)) or "none free"
    lead = (
        f"{parity.runs} runs of the float32 model beside the source; lengths {lengths}; batches "
        f"{', '.join(map(str, parity.batches))}."
    )
    rows = [
        [o.name, o.max_abs, o.max_rel, o.bound, o.scale, "equal" if o.within else "off"]
        for o in parity.outputs
    ]
    columns = ["output", "largest difference", "of its scale", "allowed", "scale", ""]
    return section(title, table(columns, rows), *_by_length(parity), lead=lead)


def _by_length(parity: Parity) -> list[Markup | None]:
    """The difference at each length: curves of those that are not 0, and a table."""
    lengths = sorted({n for o in parity.outputs for n in o.by_length})
    if len(lengths) < 2:
        return []
    rows = [[n, *(o.by_length.get(n) for o in parity.outputs)] for n in lengths]
    heads = ["length", *(o.name for o in parity.outputs)]
    shown = []
    for o in parity.outputs[:4]:
        points = tuple((float(n), o.by_length[n]) for n in lengths if n in o.by_length)
        allowed = Curve(tuple((float(n), o.bound) for n in lengths), second=True)
        if any(y > 0 for _, y in points):
            chart = curves(
                [allowed, Curve(tuple(p for p in points if p[1] > 0))],
                f"Difference of {o.name} by length",
                across="time steps",
                up="of its scale",
                logarithmic=True,
            )
            shown.append(tag("div", tag("h3", f"'{o.name}' by length"), chart))
    return [
        key(("main", "difference"), ("warm", "allowed")) if shown else None,
        tag("div", shown, class_="pair") if shown else None,
        details("Figures by length", table(heads, rows)),
    ]


def _stream(stream: StreamParity) -> Markup:
    chunks = "of any length" if stream.chunk is None else f"of {stream.chunk} steps"
    if stream.chunk is None and stream.multiple > 1:
        chunks = f"of a multiple of {stream.multiple} steps"
    late = f" Outputs come {stream.delay} steps later." if stream.delay else ""
    lead = f"Chunks {chunks}; {len(stream.states)} states are kept between them.{late}"
    if not stream.lengths:
        return section("Stream", tag("p", "Not checked."), lead=lead)
    rows = [[o.name, o.max_abs, o.max_rel, o.bound] for o in stream.outputs]
    return section(
        "Stream",
        tag(
            "p",
            f"Random cuttings against the whole, lengths {', '.join(map(str, stream.lengths))}.",
        ),
        table(["output", "largest difference", "of its scale", "allowed"], rows),
        details("States", items(stream.states)),
        lead=lead,
    )


def _made(report: Report) -> Markup:
    ops = sorted(report.ops.items(), key=lambda item: (-item[1], item[0]))
    return section(
        "How it was made",
        tag("p", f"From {report.origin}. Time: {seconds_text(report.seconds)}."),
        details(
            f"All {sum(report.ops.values())} ops",
            table(["op", "how many"], [[n, c] for n, c in ops]),
        ),
    )


def first_up(words: str) -> str:
    """The words with a capital letter in front."""
    return words[:1].upper() + words[1:]
