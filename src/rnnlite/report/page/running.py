"""Sections on what a file takes: latency and memory by length, sizes by tensor.

What enters: latencies in milliseconds, memory in bytes, sizes of tensors. What leaves: a piece of
HTML (`Markup`), or None where nothing was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlite.report.page.charts import Bar, Curve, bars, curves
from rnnlite.report.page.document import details, key, section, table
from rnnlite.report.page.markup import Markup, tag
from rnnlite.report.rendering import shape_text, size_text
from rnnlite.report.timings import MemoryUse, Timing

if TYPE_CHECKING:
    from rnnlite.report.records import TensorSize

SHOWN = 14
"""How many tensors have a bar; a table has all."""


def running(timings: Sequence[Timing], memory: Sequence[MemoryUse]) -> Markup | None:
    """Latency and memory; None where nothing was measured."""
    if not timings and not memory:
        return None
    parts = []
    if timings:
        threads = timings[0].threads
        words = f"{threads} thread{'s' if threads > 1 else ''}, random input, this machine"
        parts.append(
            tag(
                "div", tag("h3", "Latency"), tag("p", words, class_="soft small"), _latency(timings)
            )
        )
    if memory:
        words = "of a fresh process, beyond what it has without the model"
        parts.append(
            tag(
                "div",
                tag("h3", "Peak memory"),
                tag("p", words, class_="soft small"),
                _memory(memory),
            )
        )
    return section("Running it", tag("div", parts, class_="pair"), _timing_table(timings))


def _latency(timings: Sequence[Timing]) -> list[Markup]:
    known = [t for t in timings if t.length is not None]
    if len(known) < 2:
        return [
            bars(
                [Bar(_length(t.length), t.median, f"{t.median:.3g} ms") for t in timings], "Latency"
            )
        ]
    curve = Curve(
        tuple((float(t.length or 1), t.median) for t in known),
        band=tuple((t.minimum, t.p90) for t in known),
    )
    first = Curve(tuple((float(t.length or 1), t.cold) for t in known), second=True)
    return [
        key(("main", "median, and from the fastest to the 90th percentile"), ("warm", "first run")),
        curves(
            [first, curve],
            "Latency by length",
            across="time steps",
            up="milliseconds",
            logarithmic=True,
        ),
    ]


def _memory(memory: Sequence[MemoryUse]) -> Markup:
    return bars(
        [Bar(_length(m.length), float(m.peak), bytes_text(m.peak)) for m in memory], "Peak memory"
    )


def _timing_table(timings: Sequence[Timing]) -> Markup | None:
    if not timings:
        return None
    columns = ["length", "first run ms", "fastest", "median", "90 %", "99 %", "\u00b5s a step"]
    rows = [
        [
            "pinned" if t.length is None else t.length,
            t.cold,
            t.minimum,
            t.median,
            t.p90,
            t.p99,
            t.microseconds_a_step,
        ]
        for t in timings
    ]
    return details("All figures", table(columns, rows))


def _length(length: int | None) -> str:
    return "its own length" if length is None else f"{length:,} steps"


def bytes_text(size: int) -> str:
    """A number of bytes as text; in megabytes from a million on."""
    return size_text(size) if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"


def sizes(tensors: Sequence[TensorSize], size: int) -> Markup | None:
    """The bytes of a file by type and by tensor; None where it has no weights."""
    if not tensors:
        return None
    weights = sum(t.size for t in tensors)
    rows = [
        Bar(_tensor(t), float(t.size), size_text(t.size))
        for t in sorted(tensors, key=lambda t: (-t.size, t.name))[:SHOWN]
    ]
    rest = Bar(
        "all else: ops, tables, names",
        float(max(size - weights, 0)),
        size_text(max(size - weights, 0)),
    )
    share = 100 * weights / size if size else 0.0
    found: dict[str, int] = {}
    for t in tensors:
        found[t.dtype] = found.get(t.dtype, 0) + t.size
    kinds = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    left = [
        tag("p", f"{size_text(weights)} of {size_text(size)} are weights ({share:.0f} %)."),
        tag("h3", "By type"),
        bars(
            [*(Bar(kind, float(n), size_text(n)) for kind, n in kinds), rest],
            "Bytes by type",
            largest=float(size),
        ),
    ]
    right = [tag("h3", "By tensor"), bars(rows, "Bytes by tensor")]
    more = details(
        f"All {len(tensors)} tensors",
        table(
            ["tensor", "shape", "type", "bytes"],
            [[t.name, shape_text(t.shape), t.dtype, t.size] for t in tensors],
        ),
    )
    return section(
        "Sizes by tensor", tag("div", tag("div", left), tag("div", right), class_="pair"), more
    )


def _tensor(tensor: TensorSize) -> str:
    return f"{tensor.name} {shape_text(tensor.shape)} {tensor.dtype}"
