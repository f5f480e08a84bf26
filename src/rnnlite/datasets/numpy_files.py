"""Rows of .npy and .npz files, one at a time.

What enters: a path and the wanted columns. What leaves: `Rows`.

An .npy file holds one sample; or, with one axis more than a sample, a row for each sample. An .npz
file holds an array for each sample (arr_0, arr_1, ...; NAME/0, NAME/1, ...); or an array for each
column (x, y), with a row for each sample.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from rnnlite.datasets.columns import Column, Row, missing_column, place_in
from rnnlite.errors import DataError
from rnnlite.specs import Array


class NpyRows:
    """The rows of an .npy file, which stays on disk.

    Raises:
        DataError: no such file, no .npy file of plain numbers, or several inputs.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        if len(columns) != 1:
            raise DataError(
                f"'{path}' holds one array, {len(columns)} columns are wanted",
                expected=", ".join(c.name for c in columns),
                remedy="Put them into an .npz or Parquet file, a column each",
            )
        self.files: tuple[Path, ...] = (path,)
        self._column = columns[0]
        with refusing(path, "an .npy file of plain numbers", "Write it with np.save(path, array)"):
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise DataError(f"'{path}' is no .npy file", expected="one array", found="an .npz file")
        rank = self._column.rank
        if rank is not None and array.ndim == rank:
            array = array[None]
        elif array.ndim == 0 or (rank is not None and array.ndim != rank + 1):
            raise DataError(
                f"the array in '{path}' has the wrong rank",
                expected=f"{rank}, one sample, or {(rank or 0) + 1}, a row for each",
                found=f"shape {array.shape}",
            )
        self._array: Array = array

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._array)

    def place(self, row: int) -> str:
        """How an error names a row."""
        return place_in(self.files[0], row)

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on."""
        for k in range(start, self.count):
            yield {self._column.name: np.array(self._array[k])}


@dataclass(frozen=True)
class _Member:
    """Where a column is: in an array for each row (`keys`), or in one for all (`stacked`)."""

    keys: tuple[str, ...] = ()
    stacked: str = ""


class NpzRows:
    """The rows of an .npz file. Arrays are read when their rows are.

    Raises:
        DataError: no such file, no .npz file of plain arrays, a column is missing, keys have gaps,
            or columns have different numbers of rows.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.files: tuple[Path, ...] = (path,)
        self._path = path
        with open_archive(path) as archive:
            names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
            if not names:
                raise DataError(f"'{path}' holds no samples")
            self._members = _members(path, names, columns, archive)
            counts = {c.name: self._rows(archive, self._members[c.name]) for c in columns}
        if len(set(counts.values())) > 1:
            raise DataError(
                f"the columns of '{path}' have different numbers of rows",
                found=", ".join(f"{n} {name}" for name, n in counts.items()),
            )
        self.count: int = next(iter(counts.values()))

    def _rows(self, archive: zipfile.ZipFile, member: _Member) -> int:
        if not member.stacked:
            return len(member.keys)
        shape = _header(archive, member.stacked)[0]
        return shape[0]

    def place(self, row: int) -> str:
        """How an error names a row."""
        return place_in(self.files[0], row)

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on."""
        with open_archive(self._path) as archive:
            columns = {
                name: _each(archive, m.keys, start)
                if m.keys
                else _stacked(archive, m.stacked, start)
                for name, m in self._members.items()
            }
            for _ in range(start, self.count):
                yield {name: next(values) for name, values in columns.items()}


def _members(
    path: Path, names: Sequence[str], columns: Sequence[Column], archive: zipfile.ZipFile
) -> dict[str, _Member]:
    """Where each column is in the file.

    Raises:
        DataError: one is missing, or keys have gaps.
    """
    inputs = [c for c in columns if c.is_input]
    found = {c.name: m for c in columns if (m := _by_name(path, names, c, archive))}
    left = [c for c in columns if c.name not in found]
    numbered = [n for n in names if n.startswith("arr_") and n[4:].isdecimal()]
    for column in left:
        taken = {key for m in found.values() for key in (*m.keys, m.stacked)}
        rest = [n for n in names if n not in taken]
        alone = column.is_input and len(inputs) == 1 and column.key is None
        if alone and numbered and set(numbered) == set(rest):
            found[column.name] = _numbered(path, "arr_", rest, column, archive)
        elif alone and len(rest) == 1:
            found[column.name] = _one_array(path, rest[0], column, archive)
        elif alone and numbered:
            raise _odd_keys(path, "arr_0, arr_1, ...", [n for n in rest if n not in numbered])
        else:
            raise missing_column(path, column, list(dict.fromkeys(n.split("/")[0] for n in names)))
    return found


def _by_name(
    path: Path, names: Sequence[str], column: Column, archive: zipfile.ZipFile
) -> _Member | None:
    key = column.key or column.name
    if key in names:
        return _one_array(path, key, column, archive)
    rest = [n for n in names if n.startswith(f"{key}/")]
    return _numbered(path, f"{key}/", rest, column, archive) if rest else None


def _numbered(
    path: Path, prefix: str, names: Sequence[str], column: Column, archive: zipfile.ZipFile
) -> _Member:
    wanted = tuple(f"{prefix}{k}" for k in range(len(names)))
    if set(wanted) != set(names):
        raise _odd_keys(path, f"{prefix}0, {prefix}1, ...", sorted(set(wanted) ^ set(names)))
    if len(wanted) == 1:
        return _one_array(path, wanted[0], column, archive)
    return _Member(keys=wanted)


def _one_array(path: Path, key: str, column: Column, archive: zipfile.ZipFile) -> _Member:
    """Where a column in one array is: one sample if of a sample's rank, else a row for each."""
    shape = _header(archive, key)[0]
    if column.rank is not None and len(shape) == column.rank:
        return _Member(keys=(key,))
    if not shape or (column.rank is not None and len(shape) != column.rank + 1):
        raise DataError(
            f"array '{key}' in '{path}' has the wrong rank",
            expected=f"{column.rank}, one sample, or {(column.rank or 0) + 1}, a row for each",
            found=f"shape {shape}",
        )
    return _Member(stacked=key)


def _odd_keys(path: Path, expected: str, odd: Sequence[str]) -> DataError:
    return DataError(
        f"the samples in '{path}' are not named as expected",
        expected=expected,
        found=f"missing or unexpected: {', '.join(odd[:4])}",
    )


def _each(archive: zipfile.ZipFile, keys: Sequence[str], start: int) -> Iterator[Array]:
    for key in keys[start:]:
        with archive.open(f"{key}.npy") as file:
            yield np.lib.format.read_array(file, allow_pickle=False)


def _stacked(archive: zipfile.ZipFile, key: str, start: int) -> Iterator[Array]:
    """The rows of one array, read one after the other."""
    shape, by_columns, dtype = _header(archive, key)
    if by_columns:
        # In Fortran order, no row is in one piece.
        with archive.open(f"{key}.npy") as file:
            yield from np.lib.format.read_array(file, allow_pickle=False)[start:]
        return
    row: Array = np.empty(shape[1:], dtype)
    with archive.open(f"{key}.npy") as file:
        _read_header(file)
        file.seek(start * row.nbytes, 1)
        for _ in range(start, shape[0]):
            content = file.read(row.nbytes)
            if len(content) < row.nbytes:
                raise ValueError("the array ends early")
            yield np.frombuffer(content, dtype).reshape(shape[1:])


def _header(archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, whether it is in Fortran order, and dtype."""
    with archive.open(f"{key}.npy") as file:
        return _read_header(file)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, by_columns, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("pickled content")
    return shape, by_columns, dtype


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an .npz file; errors of reading in the `with` block are refusals too.

    Raises:
        DataError: the file is not there, is no .npz, or has pickled content.
    """
    wanted = "an .npz file of plain arrays"
    with (
        refusing(path, wanted, "Write it with np.savez(path, *samples)"),
        zipfile.ZipFile(path) as z,
    ):
        yield z


@contextmanager
def refusing(path: Path, wanted: str, remedy: str) -> Iterator[None]:
    """Turn errors of reading a file into a refusal that names the file.

    Args:
        path: the file.
        wanted: what it is expected to be.
        remedy: what to do if it is not.

    Raises:
        DataError: in place of what reading raised.
    """
    try:
        yield
    except OSError as e:
        raise DataError(f"cannot read the data '{path}': {e.strerror or e}") from e
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, KeyError) as e:
        raise DataError(f"'{path}' is not {wanted}", remedy=remedy) from e
