"""The page of a benchmark: latency and memory by length, and what the file is.

What enters: a file and its timings. What leaves: the page, written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnlite.errors import AbortError, SampleError
from rnnlite.lite.files import read_model, write_whole
from rnnlite.lite.inspection import inspect
from rnnlite.report.page.document import page_bytes
from rnnlite.report.page.inspection import inspection_page
from rnnlite.report.timings import Timing
from rnnlite.runtime.memory import memory_by_length


def save_bench_page(
    path: str | Path, model: Path, timings: Sequence[Timing], *, command: str = ""
) -> None:
    """Measure a file's memory at the lengths that were timed, and write the page.

    Args:
        path: where the page is written.
        model: the LiteRT file.
        timings: of the file.
        command: the command line that timed the file.

    Raises:
        OutputError: the place cannot be written.
    """
    data = read_model(model)
    try:
        memory = memory_by_length(data, [t.length for t in timings if t.length is not None])
    except (AbortError, SampleError):
        memory = []
    page = inspection_page(
        inspect(data), model.name, timings=timings, memory=memory, command=command
    )
    write_whole(path, page_bytes(page))
