"""Reads rows of Parquet files in batches of some megabytes; needs pyarrow.

What enters: a path and the wanted columns. What leaves: `Rows`.

A sample of shape (T, F) is a list of lists, a list of fixed-size lists, a flat list of T * F
numbers, or a tensor of Arrow's extension type. One of shape (T,) is a list, one of () a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.datasets.columns import Column, Row, missing_column, place_in
from rnnlite.datasets.numpy_files import refusing
from rnnlite.errors import DataError, DependencyError
from rnnlite.specs import Array

BATCH_BYTES = 8 << 20
MOST_ROWS = 4096


def arrow() -> Any:
    """pyarrow, with its Parquet part.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as e:
        raise DependencyError(
            "Parquet files need pyarrow, which is not installed",
            remedy="pip install 'rnnlite[data]'",
        ) from e
    return pyarrow


class ParquetRows:
    """The rows of a Parquet file.

    Raises:
        DataError: no such file, no Parquet file, or a column is missing.
        DependencyError: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.files: tuple[Path, ...] = (path,)
        self._path = path
        self._columns = {c.name: c for c in columns}
        pa = arrow()
        with refusing_arrow(path, pa), pa.parquet.ParquetFile(path) as file:
            self.count: int = file.metadata.num_rows
            self._keys = _keys(path, file.schema_arrow.names, columns)
            size = sum(
                file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups)
            )
        self._rows_a_batch = max(1, min(MOST_ROWS, BATCH_BYTES * self.count // max(1, size)))

    def place(self, row: int) -> str:
        """How an error names a row."""
        return place_in(self.files[0], row)

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on.

        Raises:
            DataError: nulls, lists of unlike widths, or values that are no numbers.
        """
        pa = arrow()
        with (
            refusing_arrow(self._path, pa),
            pa.parquet.ParquetFile(
                self._path, pre_buffer=False, page_checksum_verification=True
            ) as file,
        ):
            groups, first = _groups_from(file.metadata, start)
            batches = file.iter_batches(
                self._rows_a_batch, row_groups=groups, columns=sorted(set(self._keys.values()))
            )
            for batch in batches:
                skipped = min(max(0, start - first), batch.num_rows)
                part = batch.slice(skipped)
                values = {name: self._column(part, name, first + skipped) for name in self._keys}
                for k in range(part.num_rows):
                    yield {name: column[k] for name, column in values.items()}
                first += batch.num_rows

    def _column(self, batch: Any, name: str, first: int) -> list[Array]:
        where = f"column '{self._keys[name]}' of '{self._path}'"
        array = batch.column(batch.schema.get_field_index(self._keys[name]))
        return samples_of(array, self._columns[name], where, first)


def _keys(path: Path, there: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    found: dict[str, str] = {}
    inputs = [c for c in columns if c.is_input]
    for column in columns:
        key = column.key or column.name
        others = [k for k in there if k not in [c.key for c in columns]]
        if key in there:
            found[column.name] = key
        elif (
            column.key is None
            and len(others) == 1
            and (len(columns) == 1 or (column.is_input and len(inputs) == 1))
        ):
            found[column.name] = others[0]
        else:
            raise missing_column(path, column, there)
    return found


def _groups_from(metadata: Any, start: int) -> tuple[list[int], int]:
    """The row groups that hold rows from `start` on, and the index of their first row."""
    first = 0
    for k in range(metadata.num_row_groups):
        rows = metadata.row_group(k).num_rows
        if start < first + rows:
            return list(range(k, metadata.num_row_groups)), first
        first += rows
    return [], first


def samples_of(array: Any, column: Column, where: str, first: int) -> list[Array]:
    """An Arrow array as one NumPy array for each row.

    Args:
        array: an array of lists, fixed-size lists, tensors, numbers, or texts.
        column: the column that it is read for.
        where: how an error names the array.
        first: index of its first row in the data.

    Raises:
        DataError: nulls, lists of unlike widths, or values that are no numbers.
    """
    pa = arrow()
    tensor: tuple[int, ...] | None = None
    if isinstance(array.type, pa.FixedShapeTensorType):
        tensor = tuple(array.type.shape)
        array = array.storage
    _refuse_nulls(array, where, first)
    if not _is_list(array, pa):
        return list(_numbers(array, where, column, pa))
    offsets, level = _bounds(array, pa), array.flatten()
    steps = np.diff(offsets)
    inner: list[int] = []
    while _is_list(level, pa):
        _refuse_nulls(level, where, first, offsets)
        inner.append(_width(_bounds(level, pa), offsets, where, first))
        offsets, level = offsets * inner[-1], level.flatten()
    _refuse_nulls(level, where, first, offsets)
    values = _numbers(level, where, column, pa)
    shape = tensor[1:] if tensor is not None else tuple(inner)
    shape = _flat_width(shape, offsets, column, where, first)
    width = math.prod(shape)
    return [
        # With width 0, the values do not tell the number of steps.
        values[a:b].reshape(-1 if width else n, *shape)
        for (a, b), n in zip(pairwise(offsets.tolist()), steps.tolist(), strict=True)
    ]


def _is_list(array: Any, pa: Any) -> bool:
    kind = pa.types
    return bool(
        kind.is_list(array.type)
        or kind.is_large_list(array.type)
        or kind.is_fixed_size_list(array.type)
    )


def _bounds(array: Any, pa: Any) -> Array:
    """Offsets into the level below: where each list begins and ends."""
    if pa.types.is_fixed_size_list(array.type):
        fixed: Array = np.arange(len(array) + 1, dtype=np.int64) * array.type.list_size
        return fixed
    offsets: Array = array.offsets.to_numpy().astype(np.int64)
    offsets -= offsets[0]
    return offsets


def _width(offsets: Array, outer: Array, where: str, first: int) -> int:
    """The one length that all lists of a level have."""
    sizes = np.diff(offsets)
    if not sizes.size:
        return 0
    odd = np.flatnonzero(sizes != sizes[0])
    if odd.size:
        place = int(odd[0])
        row = int(np.searchsorted(outer, place, "right")) - 1
        raise DataError(
            f"row {first + row} in {where} is of ragged width",
            expected=f"{sizes[0]} numbers a time step, as in the first",
            found=str(sizes[place]),
        )
    return int(sizes[0])


def _flat_width(
    inner: tuple[int, ...], offsets: Array, column: Column, where: str, first: int
) -> tuple[int, ...]:
    """The shape after the first axis; a flat list for an input (T, F) is cut into rows of F."""
    if inner or column.shape is None or len(column.shape) < 2:
        return inner
    wanted = column.shape[1:]
    if None in wanted:
        return inner
    width = int(np.prod([d for d in wanted if d is not None]))
    odd = np.flatnonzero(np.diff(offsets) % width)
    if odd.size:
        raise DataError(
            f"row {first + int(odd[0])} in {where} is a flat list that makes no whole time steps",
            expected=f"a multiple of {width} numbers",
            found=str(np.diff(offsets)[odd[0]]),
        )
    return tuple(d for d in wanted if d is not None)


def _refuse_nulls(array: Any, where: str, first: int, outer: Array | None = None) -> None:
    """Refuse nulls in rows, or in a level below, in which rows begin at the offsets `outer`."""
    if not array.null_count:
        return
    place = int(array.is_null().to_numpy(zero_copy_only=False).argmax())
    found = f"none in row {first + place}"
    if outer is not None:
        row = int(np.searchsorted(outer, place, "right")) - 1
        found = f"a missing value within row {first + row}"
    raise DataError(
        f"{where} holds nulls",
        expected="a value in each row",
        found=found,
        remedy="Fill or drop the missing values",
    )


def _numbers(array: Any, where: str, column: Column, pa: Any) -> Array:
    kind = pa.types
    if kind.is_dictionary(array.type):
        array = array.dictionary_decode()
    is_text = kind.is_string(array.type) or kind.is_large_string(array.type)
    is_number = (
        kind.is_floating(array.type) or kind.is_integer(array.type) or kind.is_boolean(array.type)
    )
    if not is_number and not (is_text and not column.is_input):
        raise DataError(
            f"{where} holds no numbers",
            expected="numbers" if column.is_input else "numbers or texts",
            found=str(array.type),
        )
    found: Array = array.to_numpy(zero_copy_only=False)
    return found.astype(str) if is_text else found


def refusing_arrow(path: Path, pa: Any) -> Any:
    """Turn errors of pyarrow into a refusal that names the file."""
    del pa  # Its errors are ValueError, KeyError, OSError and NotImplementedError.
    return refusing(path, "a Parquet file that can be read", "Write it with pyarrow or pandas")
