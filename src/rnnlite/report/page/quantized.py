"""The section on a quantization: error by output, length, layer and op; trials; types.

What enters: a `Quantization`. What leaves: a piece of HTML (`Markup`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rnnlite.report.page.charts import Bar, Curve, bars, curves
from rnnlite.report.page.document import details, items, key, section, table
from rnnlite.report.page.markup import Markup, tag
from rnnlite.report.quantization import OpError, Quantization
from rnnlite.report.rendering import shape_text, size_text

SHOWN = 12
"""How many layers, and how many ops, have a bar."""


def quantization_section(q: Quantization, title: str) -> Markup:
    """The whole section on a quantization."""
    lead = f"{q.mode}, inputs and outputs {q.io}"
    if q.inner:
        lead += f"; computed in: {q.inner}"
    if q.lengths is not None:
        lead += f"; calibrated on {q.samples} samples of {q.lengths[0]} to {q.lengths[1]} steps"
    return section(
        title,
        _outputs(q),
        layer_errors(q.op_errors),
        _trials(q),
        tag("h3", "Stayed in float") if q.kept else None,
        items(q.kept) if q.kept else None,
        tag("h3", "Warnings") if q.warnings else None,
        items(q.warnings) if q.warnings else None,
        _types(q),
        lead=f"{lead}.",
    )


def _outputs(q: Quantization) -> list[Markup | None]:
    rows = [
        [
            a.name,
            100 * a.rms_error,
            a.snr_db,
            None if a.argmax_agreement is None else 100 * a.argmax_agreement,
            None if a.fed_back is None else 100 * a.fed_back,
        ]
        for a in q.accuracy
    ]
    columns = ["output", "RMS error %", "SNR dB", "same class %", "% fed back"]
    told = [k for k in range(len(columns)) if k < 3 or any(row[k] is not None for row in rows)]
    columns, rows = [columns[k] for k in told], [[row[k] for k in told] for row in rows]
    shown = []
    for a in q.accuracy[:4]:
        points = tuple((float(n), 100 * e) for n, e in sorted(a.by_length.items()))
        if len(points) > 1:
            chart = curves(
                [Curve(points)],
                f"RMS error of {a.name} by length",
                across="time steps",
                up="RMS error, %",
                wide=True,
            )
            shown.append(tag("div", tag("h3", f"'{a.name}' by length"), chart))
    allowed = "" if math.isinf(q.max_error) else f"; at most {100 * q.max_error:.3g} % is allowed"
    words = (
        f"Measured on {q.measured_on or 'nothing'}, relative to the RMS of the source's output"
        f"{allowed}."
    )
    return [
        tag("p", words, class_="small"),
        table(columns, rows),
        tag("div", shown, class_="pair") if shown else None,
    ]


def layer_errors(found: Sequence[OpError]) -> Markup | None:
    """The layers and ops with the largest errors, and a table of all ops; None if not measured.

    The bar of a layer is the largest error among its ops. The dark part is what the layer adds: the
    largest error that one of its ops has beyond that of its operands.
    """
    errors = [e for e in found if math.isfinite(e.error)]
    if not errors:
        return None
    layers: dict[str, list[OpError]] = {}
    for e in errors:
        layers.setdefault(e.layer or e.name or e.op, []).append(e)
    rows = [
        (name, max(e.error for e in own), max(e.own for e in own)) for name, own in layers.items()
    ]
    worst = {name for name, _, _ in sorted(rows, key=lambda r: -r[2])[:SHOWN]}
    by_layer = [_bar(*row) for row in rows if row[0] in worst]
    costly = set(sorted(range(len(errors)), key=lambda k: (-errors[k].own, k))[:SHOWN])
    by_op = [_bar(_op(e), e.error, e.own) for k, e in enumerate(errors) if k in costly]
    largest = max(e.error for e in errors)
    words = (
        "The integer model beside the float one, op by op: how far each result is off, relative to "
        "its RMS in float, on the sample that is furthest off. In the order of "
        "computation; a loop is one op."
    )
    return tag(
        "div",
        tag("h3", "Which layers cost most"),
        tag("p", words, class_="soft small"),
        key(("deep", "enters here"), ("main", "handed on from before")),
        tag(
            "div",
            tag("div", tag("h3", "By layer"), bars(by_layer, "Error by layer", largest=largest)),
            tag(
                "div",
                tag("h3", "The ops that add most"),
                bars(by_op, "Error by op", largest=largest),
            ),
            class_="pair",
        ),
        details(
            f"All {len(errors)} ops",
            table(
                ["op", "tensor", "layer", "error %", "of its operands %", "enters here %"],
                [
                    [e.op, e.name, e.layer, 100 * e.error, 100 * e.operands, 100 * e.own]
                    for e in errors
                ],
            ),
        ),
    )


def _bar(label: str, error: float, own: float) -> Bar:
    return Bar(label, error, f"{100 * error:.3g} %", own)


def _op(error: OpError) -> str:
    path = error.name.partition(";")[0]
    return f"{error.op} {'/'.join(path.split('/')[-2:])}"


def _trials(q: Quantization) -> list[Markup]:
    if not q.trials:
        return []
    rows = [
        [
            t.name,
            None if t.error is None else 100 * t.error,
            None if t.size is None else size_text(t.size),
            t.verdict,
        ]
        for t in q.trials
    ]
    return [
        tag("h3", "Trials considered"),
        table(["computes in", "RMS error %", "file", "verdict"], rows),
    ]


def _types(q: Quantization) -> list[Markup]:
    ops = [
        [name, ", ".join(f"{n} {kind}" for kind, n in types.items())]
        for name, types in q.ops.items()
    ]
    parts = [details("Types that the ops run in", table(["op", "how many"], ops))]
    if q.weights:
        rows = [[w.name, shape_text(w.shape), w.dtype, w.how] for w in q.weights]
        parts.append(details("Types of the weights", table(["name", "shape", "type", "how"], rows)))
    return parts
