"""Reads the labels of a data set, and tells whether they are classes or numbers.

What enters: labels as an iterable, a file, or a column of the data. What leaves: one array for each
row: class numbers (n,), or numbers of the output's shape.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.datasets.columns import Column
from rnnlite.datasets.opening import READERS, open_rows
from rnnlite.errors import DataError
from rnnlite.specs import Array

TASKS = ("classification", "regression")


def is_file_of_labels(labels: str | Path) -> bool:
    """Whether `labels` is a file, not the name of a column."""
    return Path(labels).is_file()


def labels_of_file(path: str | Path) -> Iterator[Any]:
    """Labels, one for each row, of an .npy, .npz or Parquet file; else of lines of text.

    Raises:
        DataError: the file cannot be read, or a line has several values.
    """
    path = Path(path)
    if path.suffix.lower() in READERS:
        column = Column("labels", is_input=False)
        if path.suffix.lower() == ".npz":
            column = _only_column(path)
        for row in open_rows(path, [column]).read():
            yield row["labels"]
        return
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.reader(file):
                if len(line) > 1:
                    raise DataError(
                        f"'{path}' has several values a line",
                        expected="one label",
                        found=", ".join(line)[:80],
                    )
                if line:
                    yield line[0].strip()
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise DataError(f"cannot read the labels '{path}': {e}") from e


def _only_column(path: Path) -> Column:
    """Where labels are in an .npz: in "labels", its only array, or arr_0, arr_1, ..."""
    from rnnlite.datasets.numpy_files import open_archive

    with open_archive(path) as archive:
        names = [n.removesuffix(".npy") for n in archive.namelist()]
    if "labels" not in names and len(names) == 1:
        return Column("labels", names[0], is_input=False)
    if "labels" not in names and "arr_0" in names:
        return Column("labels")
    return Column("labels", is_input=False)


class LabelReader:
    """Converts labels to class numbers, or to numbers of an output's shape.

    Args:
        task: "classification", "regression", or "auto", which the first label decides: integers,
            booleans and texts are classes. Texts of fractions are numbers, if no names are given.
        names: names of the classes, which labels may be.
        classes: number of scores in a row of the output.
    """

    def __init__(self, task: str, names: Sequence[str], classes: int) -> None:
        if task not in ("auto", *TASKS):
            raise DataError("unknown task", expected=", ".join(("auto", *TASKS)), found=task)
        self._numbers = {name: k for k, name in enumerate(names)}
        self._classes = max(classes, 2)
        if names and len(names) != self._classes:
            raise DataError(
                "the names of the classes are not as many as the output has",
                expected=str(self._classes),
                found=str(len(names)),
            )
        self.task = task

    def settle(self, label: Any) -> str:
        """The task; "auto" is decided by the first label and then kept."""
        if self.task == "auto":
            array = np.asarray(label)
            is_text = array.dtype.kind in "US"
            self.task = TASKS[0] if is_text or array.dtype.kind in "biu" else TASKS[1]
            if is_text and not self._numbers and _all_numbers(array):
                whole = np.array_equal(array.astype(float) % 1, np.zeros(array.shape))
                self.task = TASKS[0 if whole else 1]
        return self.task

    def classes(self, label: Any, count: int, row: int) -> Array:
        """The class numbers of a row's label, (count,).

        Raises:
            DataError: the label has another size, an unknown name, or a class that the output does
                not have.
        """
        array = np.ravel(np.asarray(label))
        if array.size != count:
            raise DataError(
                f"row {row} has another number of labels than results",
                expected=str(count),
                found=str(array.size),
            )
        if array.dtype.kind in "US" and not _all_numbers(array):
            unknown = [str(name) for name in array if str(name) not in self._numbers]
            if unknown:
                raise DataError(
                    f"row {row} has a label that is no class: '{unknown[0]}'",
                    expected=", ".join(self._numbers) or "numbers",
                    remedy=""
                    if self._numbers
                    else "Give the names of the classes, in order: classes= (--classes A,B,...)",
                )
            return np.array([self._numbers[str(name)] for name in array])
        numbers = array.astype(np.float64)
        # NaN fails both comparisons; infinity fails the second.
        between = (numbers >= 0) & (numbers < self._classes)
        if not between.all() or (numbers % 1).any():
            raise DataError(
                f"row {row} has a label that is no class",
                expected=f"0 to {self._classes - 1}",
                found=str(label),
            )
        return numbers.astype(np.int64)

    def numbers(self, label: Any, shape: tuple[int, ...], row: int) -> Array:
        """The numbers of a row's label, of the result's shape, float64.

        Raises:
            DataError: the label has another size, or is no finite number.
        """
        try:
            array = np.asarray(label).astype(np.float64)
        except ValueError as e:
            raise DataError(f"row {row} has a label that is no number", found=str(label)) from e
        if array.size != int(np.prod(shape)):
            raise DataError(
                f"row {row} has another number of labels than results",
                expected=f"shape {shape}",
                found=f"shape {array.shape}",
                remedy="If labels are classes, say task='classification' (--task classification)"
                if array.size == 1
                else "",
            )
        if not np.isfinite(array).all():
            raise DataError(f"row {row} has a label that is NaN or infinite")
        return array.reshape(shape)


def _all_numbers(array: Array) -> bool:
    try:
        array.astype(np.float64)
    except ValueError:
        return False
    return True


def as_labels(labels: Iterable[Any] | str | Path) -> Iterator[Any]:
    """Labels one by one, of an iterable, an array or a file.

    Raises:
        DataError: `labels` is none of these, or the file cannot be read.
    """
    if isinstance(labels, (str, Path)):
        yield from labels_of_file(labels)
        return
    if not isinstance(labels, Iterable):
        raise DataError("labels is no list of labels", found=type(labels).__name__)
    yield from labels
