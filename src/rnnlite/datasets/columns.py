"""The columns to read from each row of a data set, and the interface of what reads rows.

What enters: the TensorSpecs of a model's inputs, and the files' names for them. What leaves:
`Column`s; the interface `Rows`. NumPy alone.

A row is a dict by column name: the model's inputs, and perhaps labels. Files are read row by row,
from any row on, so that memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rnnlite.errors import DataError
from rnnlite.specs import Array, Shape, TensorSpec

Row = dict[str, Array]


@dataclass(frozen=True)
class Column:
    """What to read of each row: an input or the labels.

    Attributes:
        name: its name in a row: the input's name, or "labels".
        key: the file's name for it, if the user gave one.
        shape: the shape of one sample, with None for a free axis; None if any shape will do.
        is_input: whether it is an input of the model; labels are not.
    """

    name: str
    key: str | None = None
    shape: Shape | None = None
    is_input: bool = True

    @property
    def rank(self) -> int | None:
        """The rank of one sample; None if any rank will do."""
        return None if self.shape is None else len(self.shape)


class Rows(Protocol):
    """Rows of one file, or of several."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that rows are read from, in order."""
        ...

    @property
    def count(self) -> int:
        """How many rows there are."""
        ...

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on."""
        ...

    def place(self, row: int) -> str:
        """How an error names a row."""
        ...


def input_columns(
    inputs: Sequence[TensorSpec], keys: Mapping[str, str] | None = None
) -> list[Column]:
    """A column for each input of a model.

    Args:
        inputs: the model's inputs.
        keys: name of an input -> the files' name for it, where they differ.

    Raises:
        DataError: a key is given for an input that the model does not have.
    """
    known = dict(keys or {})
    odd = set(known) - {spec.name for spec in inputs}
    if odd:
        raise DataError(
            f"a column is given for the input '{min(odd)}', which the model does not have",
            expected=", ".join(spec.name for spec in inputs),
            remedy="Name an input of the model: INPUT=COLUMN",
        )
    return [Column(spec.name, known.get(spec.name), spec.sample_shape) for spec in inputs]


def place_in(path: Path, row: int) -> str:
    """How an error names a row of a file."""
    return f"sample {row} of '{path}'"


def missing_column(path: Path, column: Column, there: Sequence[str]) -> DataError:
    """The error for a file that lacks a column."""
    what = f"input '{column.name}'" if column.is_input else f"{column.name}"
    shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    if column.is_input:
        remedy = f"Say which it is: --column {column.name}=COLUMN"
    elif column.key is None:
        remedy = f"Call it '{column.name}', or leave it alone in the file"
    else:
        remedy = "Say which column, or which file, holds them: --labels COLUMN or --labels FILE"
    return DataError(
        f"'{path}' has no column for {what}",
        expected=f"'{column.key or column.name}'",
        found=shown or "no column",
        remedy=remedy,
    )
