"""What is wanted of each row of a data set, and what reads rows.

What enters: the TensorSpecs of a model's inputs, and the files' names for them. What leaves:
`Column`s; the interface of what reads rows, `Rows`. NumPy alone.

A row is a dict by column name: the model's inputs, and perhaps labels. Files are read from any row
on, one row after the other, so that memory does not grow with the data.
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
    """One value of each row.

    Attributes:
        name: what it is called in a row: an input's name, or "labels".
        key: the file's name for it, if the user gave one.
        shape: of one sample, None for a free axis; None if any shape will do.
        is_input: whether the model takes it; labels may stand beside.
    """

    name: str
    key: str | None = None
    shape: Shape | None = None
    is_input: bool = True

    @property
    def rank(self) -> int | None:
        """Of one sample; None if any rank will do."""
        return None if self.shape is None else len(self.shape)


class Rows(Protocol):
    """Rows of one file, or of several."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What rows are read from, in order."""
        ...

    @property
    def count(self) -> int:
        """How many rows there are."""
        ...

    def read(self, start: int = 0) -> Iterator[Row]:
        """Rows from `start` on."""
        ...

    def place(self, row: int) -> str:
        """What a row is called in an error."""
        ...


def input_columns(
    inputs: Sequence[TensorSpec], keys: Mapping[str, str] | None = None
) -> list[Column]:
    """A column for each input of a model.

    Args:
        inputs: the model's inputs.
        keys: the files' names for some of them, by input name.

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
    """What a row of a file is called in an error."""
    return f"sample {row} of '{path}'"


def missing_column(path: Path, column: Column, there: Sequence[str]) -> DataError:
    """The refusal of a file that lacks a column."""
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
