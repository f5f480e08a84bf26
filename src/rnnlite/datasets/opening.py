"""A data set from paths: files, folders and globs of .npz, .npy and Parquet files.

What enters: paths and the wanted columns. What leaves: `Rows` over all files, in the order of their
names within a folder or glob.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rnnlite.datasets.columns import Column, Row, Rows, input_columns
from rnnlite.datasets.numpy_files import NpyRows, NpzRows, open_archive
from rnnlite.datasets.parquet import ParquetRows
from rnnlite.errors import DataError
from rnnlite.runtime.samples import Sample
from rnnlite.specs import TensorSpec

READERS: Mapping[str, Callable[[Path, Sequence[Column]], Rows]] = {
    ".npz": NpzRows,
    ".npy": NpyRows,
    ".parquet": ParquetRows,
    ".pq": ParquetRows,
}
KINDS = ".npz, .npy or .parquet"


class JoinedRows:
    """The rows of several files, one after the other. A file is open only while it is read."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = tuple(parts)
        self.files = tuple(f for part in parts for f in part.files)
        self.count = sum(part.count for part in parts)

    def place(self, row: int) -> str:
        """How an error names a row: by its file and its index there.

        Raises:
            IndexError: there is no such row.
        """
        for part in self._parts:
            if row < part.count:
                return part.place(row)
            row -= part.count
        raise IndexError(row)

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on."""
        for part in self._parts:
            if start < part.count:
                yield from part.read(start)
            start = max(0, start - part.count)


def open_rows(data: str | Path | Sequence[str | Path], columns: Sequence[Column]) -> Rows:
    """The rows of a data set.

    Args:
        data: a file, a folder, a glob such as "part-*.parquet", or several of these.
        columns: the columns to read of each row.

    Raises:
        DataError: nothing is there, or a file cannot be read or lacks a column.
        DependencyError: Parquet files without pyarrow.
    """
    paths = [data] if isinstance(data, (str, Path)) else list(data)
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise DataError("no data is given", expected=f"a file, folder or glob of {KINDS}")
    parts = [READERS[file.suffix.lower()](file, columns) for file in files]
    return parts[0] if len(parts) == 1 else JoinedRows(parts)


def read_samples(
    data: str | Path | Sequence[str | Path], inputs: Sequence[TensorSpec]
) -> list[Sample]:
    """Read all rows of a data set into memory, as samples.

    Raises:
        DataError: there are no samples, or see `open_rows`.
    """
    rows = list(open_rows(data, input_columns(inputs)).read())
    if not rows:
        raise DataError(f"'{data}' holds no samples")
    return [row[inputs[0].name] for row in rows] if len(inputs) == 1 else list(rows)


def require_readable(path: str | Path) -> None:
    """Refuse paths that cannot be data, before the model and its columns are known.

    Raises:
        DataError: nothing is there, a file is of a kind that is not read, or an .npz is none.
    """
    for file in _files(path):
        if file.suffix.lower() == ".npz":
            with open_archive(file):
                pass


def _files(path: str | Path) -> list[Path]:
    """The files that a path stands for.

    Raises:
        DataError: there are none, or one of a kind that is not read.
    """
    found = Path(path)
    if found.is_dir():
        files = [f for f in found.rglob("*") if _is_data(f, found)]
    elif not found.exists() and glob.has_magic(str(path)):
        files = [Path(f) for f in glob.glob(str(path), recursive=True)]
        files = [f for f in files if f.suffix.lower() in READERS]
    else:
        if not found.exists():
            raise DataError(f"cannot read the data '{path}': No such file or directory")
        if found.suffix.lower() not in READERS:
            raise DataError(f"'{path}' is of a kind that is not read", expected=KINDS)
        return [found]
    if not files:
        raise DataError(f"'{path}' holds no data", expected=f"files of {KINDS}")
    return sorted(files, key=_natural)


def _is_data(file: Path, folder: Path) -> bool:
    inner = file.relative_to(folder).parts
    hidden = any(part.startswith((".", "_")) or part.endswith(".unfinished") for part in inner)
    return file.is_file() and not hidden and file.suffix.lower() in READERS


def _natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Sort key of a path, with numbers in it as numbers: part-2 before part-10."""
    parts = re.split(r"(\d+)", str(path))
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts if p)
