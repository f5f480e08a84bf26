"""The table of an evaluation's rows, as CSV or Parquet, and the worst samples as .npz.

What enters: records of rows, one by one. What leaves: files, each complete or absent.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnlite.datasets.columns import Rows
from rnnlite.datasets.parquet import arrow
from rnnlite.datasets.results import NpzFormat, refusing_write, unwritten
from rnnlite.evaluation.records import Evaluation
from rnnlite.lite.files import write_whole
from rnnlite.specs import TensorSpec

BATCH = 10_000


class RowTable:
    """Writes records to a temporary file, renamed if its `with` block ends without an error.

    Args:
        path: the .csv or .parquet file.

    Raises:
        OutputError: the path has another suffix, or cannot be written.
        DependencyError: Parquet without pyarrow.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.parent / f".{path.name}.{os.getpid()}"
        self._rows: list[Mapping[str, Any]] = []
        self._writer: Any = None
        self._file: Any = None
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise unwritten(path, ".csv or .parquet")
        self._is_csv = path.suffix.lower() == ".csv"
        if not self._is_csv:
            arrow()

    def __enter__(self) -> RowTable:
        with refusing_write(self._path):
            self._file = self._beside.open("w" if self._is_csv else "wb", newline=None)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with refusing_write(self._path):
                    self._write()
                    if self._writer is not None and not self._is_csv:
                        self._writer.close()
                    self._file.close()
                    os.replace(self._beside, self._path)
        finally:
            with contextlib.suppress(OSError):  # A full disk: the rest of the buffer.
                self._file.close()
            self._beside.unlink(missing_ok=True)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add the record of one row."""
        self._rows.append(record)
        if len(self._rows) >= BATCH:
            with refusing_write(self._path):
                self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        names = list(self._rows[0])
        if self._is_csv:
            if self._writer is None:
                self._writer = csv.DictWriter(self._file, names, lineterminator="\n")
                self._writer.writeheader()
            self._writer.writerows(self._rows)
        else:
            pa = arrow()
            batch = pa.table({n: [row[n] for row in self._rows] for n in names})
            if self._writer is None:
                self._writer = pa.parquet.ParquetWriter(self._file, batch.schema)
            self._writer.write_table(batch)
        self._rows = []


def require_npz(path: Path) -> None:
    """Check the path for the worst samples, before anything is computed.

    Raises:
        OutputError: it does not end in .npz.
    """
    if path.suffix.lower() != ".npz":
        raise unwritten(path, ".npz")


def save_worst(path: Path, found: Evaluation, rows: Rows, inputs: Sequence[TensorSpec]) -> None:
    """Write the worst rows' samples, the worst first, as `predict` and calibration take them.

    Raises:
        OutputError: the file cannot be written.
    """
    samples = [next(iter(rows.read(worst.row))) for worst in found.worst]
    columns = {spec.name: [sample[spec.name] for sample in samples] for spec in inputs}
    write_whole(path, NpzFormat(inputs).part(columns, 0))
