"""The page of a file that was run: what it holds, and what running it takes.

What enters: an `Inspection`, and latency and memory of the file. What leaves: a page as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlite.lite.releases import where_text
from rnnlite.report.page.conversion import first_up
from rnnlite.report.page.document import document, figures
from rnnlite.report.page.model import model_section
from rnnlite.report.page.running import running, sizes
from rnnlite.report.records import SignatureReport
from rnnlite.report.rendering import size_text
from rnnlite.report.timings import MemoryUse, Timing

if TYPE_CHECKING:
    from rnnlite.lite.inspection import Inspection


def inspection_page(
    found: Inspection,
    title: str,
    *,
    timings: Sequence[Timing] = (),
    memory: Sequence[MemoryUse] = (),
    command: str = "",
) -> str:
    """The page of a file that was run: what it holds, and what running it takes.

    Args:
        found: the file, inspected.
        title: the name of the file.
        timings, memory: latency and memory of the file.
        command: the command line that ran it.
    """
    record = found.record or {}
    known = [(f"{found.weights:,}", "weights", ""), (size_text(found.size), "file", "")]
    if timings:
        longest = timings[-1]
        at = "" if longest.length is None else f" at {longest.length:,} steps"
        known.insert(0, (f"{longest.median:.3g} ms", f"median{at}", ""))
    known.append((found.min_runtime or "none known", "least runtime", ""))
    recurrences = tuple(record.get("recurrences", ()))
    signature = SignatureReport(
        name="",
        inputs=tuple(t.to_dict() for t in found.inputs),
        outputs=tuple(t.to_dict() for t in found.outputs),
        recurrences=recurrences,
        parity=None,
    )
    model = model_section(signature)
    return document(
        title,
        figures(known),
        running(timings, memory),
        model,
        sizes(found.tensors, found.size),
        kicker="Benchmark",
        lead=first_up(where_text(found.min_runtime)) + ".",
        command=command,
    )
