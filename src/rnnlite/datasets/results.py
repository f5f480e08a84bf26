"""The formats of files of results, by suffix: writes parts, and joins them to one file.

What enters: for each output, one array for each row. What leaves: .npz or Parquet files.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rnnlite.datasets.parquet import arrow
from rnnlite.errors import OutputError
from rnnlite.specs import Array, Shape, TensorSpec

Columns = Mapping[str, Sequence[Array]]
"""Name of an output -> one array for each row."""


class Format(Protocol):
    """A file format for results."""

    def part(self, columns: Columns, first: int) -> bytes:
        """Rows as the content of a file; `first` is the index of the first row."""
        ...

    def join(self, parts: Sequence[Path], out: Path) -> None:
        """Write all parts, in order, to one file."""
        ...


class NpzFormat:
    """The format .npz: arr_0, arr_1, ... for one output; NAME/0, NAME/1, ... for several.

    Args:
        outputs: specs of the outputs.
    """

    def __init__(self, outputs: Sequence[TensorSpec]) -> None:
        self._prefixes = {
            spec.name: "arr_" if len(outputs) == 1 else f"{spec.name}/" for spec in outputs
        }

    def part(self, columns: Columns, first: int) -> bytes:
        """See `Format`."""
        sink = io.BytesIO()
        arrays = {
            f"{self._prefixes[name]}{first + k}": row
            for name, rows in columns.items()
            for k, row in enumerate(rows)
        }
        np.savez(sink, **arrays)  # type: ignore[arg-type]
        return sink.getvalue()

    def join(self, parts: Sequence[Path], out: Path) -> None:
        """See `Format`."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as whole:
            for part in parts:
                with zipfile.ZipFile(part) as archive:
                    for name in archive.namelist():
                        whole.writestr(name, archive.read(name))


class ParquetFormat:
    """The format Parquet: a column of lists for each output, of fixed size for fixed axes.

    Args:
        outputs: specs of the outputs.
        raw: whether quantized outputs stay integers.

    Raises:
        DependencyError: pyarrow is not installed.
    """

    def __init__(self, outputs: Sequence[TensorSpec], *, raw: bool = False) -> None:
        self._pa = arrow()
        self._shapes = {spec.name: spec.sample_shape for spec in outputs}
        self._dtypes = {
            spec.name: spec.dtype if raw or spec.quantization is None else "float32"
            for spec in outputs
        }

    def part(self, columns: Columns, first: int) -> bytes:
        """See `Format`."""
        del first  # Rows are not numbered here; their order is kept.
        sink = io.BytesIO()
        self._pa.parquet.write_table(self._pa.table(self.arrays(columns)), sink)
        return sink.getvalue()

    def arrays(self, columns: Columns) -> dict[str, Any]:
        """Name of an output -> its column as an Arrow array of lists."""
        return {
            name: self._lists(rows, self._shapes[name], self._dtypes[name])
            for name, rows in columns.items()
        }

    def join(self, parts: Sequence[Path], out: Path) -> None:
        """See `Format`."""
        parquet = self._pa.parquet
        with parquet.ParquetFile(parts[0]) as head:
            schema = head.schema_arrow
        with parquet.ParquetWriter(out, schema) as writer:
            for part in parts:
                with parquet.ParquetFile(part) as file:
                    for batch in file.iter_batches():
                        writer.write_batch(batch)

    def _lists(self, rows: Sequence[Array], shape: Shape, dtype: str) -> Any:
        """Rows as an Arrow array of nested lists, from the innermost axis out."""
        pa = self._pa
        flat = [np.asarray(row, dtype).reshape(-1) for row in rows]
        values = pa.array(np.concatenate(flat) if flat else np.zeros(0, dtype))
        for axis in range(len(shape) - 1, -1, -1):
            if shape[axis] is not None:
                values = pa.FixedSizeListArray.from_arrays(values, shape[axis])
                continue
            lists = [
                np.full(int(np.prod(row.shape[:axis])), row.shape[axis], np.int64) for row in rows
            ]
            sizes = np.concatenate(lists) if lists else np.zeros(0, np.int64)
            offsets = np.concatenate([[0], np.cumsum(sizes)])
            values = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)
        return values


def format_for(out: Path, outputs: Sequence[TensorSpec], *, raw: bool = False) -> Format:
    """The format for the suffix of a path.

    Raises:
        OutputError: there is none for it.
        DependencyError: it is Parquet, and pyarrow is not installed.
    """
    suffix = out.suffix.lower()
    if suffix == ".npz":
        return NpzFormat(outputs)
    if suffix in (".parquet", ".pq"):
        return ParquetFormat(outputs, raw=raw)
    raise unwritten(out, ".npz or .parquet")


def unwritten(out: Path, kinds: str) -> OutputError:
    """The error for a suffix that is not written."""
    return OutputError(
        f"'{out}' is of a kind that is not written",
        expected=kinds,
        found=out.suffix or "no suffix",
    )


@contextmanager
def refusing_write(path: Path, remedy: str = "") -> Iterator[None]:
    """Turn errors of writing, such as a full disk, into one that names the path.

    Raises:
        OutputError: in place of the error of writing.
    """
    try:
        yield
    except OSError as e:
        raise OutputError(f"cannot write '{path}': {e.strerror or e}", remedy=remedy) from e
