"""What `convert` gives.

What enters: the bytes of a file, and the report. What leaves: `Converted`, which writes the file
and shows the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlite.lite.files import write_whole
from rnnlite.report.records import Report
from rnnlite.report.showing import Shown

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, eq=False)
class Converted(Shown):
    """A finished conversion.

    Attributes:
        tflite: the LiteRT model.
        report: parity, sizes, ops, recurrences, notes; prints as a table.
    """

    tflite: bytes
    report: Report

    def __repr__(self) -> str:
        return f"Converted({len(self.tflite):,} bytes, {self.report.summary})"

    def __rich__(self) -> RenderableType:
        """As tables."""
        from rnnlite.report.tables import report_tables

        return report_tables(self.report)

    def save(self, path: str | Path) -> Path:
        """Write the model to a path, whole or not at all.

        Raises:
            OutputError: the place cannot be written.
        """
        write_whole(path, self.tflite)
        return Path(path)
