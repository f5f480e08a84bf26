"""Evaluates a model over data files.

What enters: paths. What leaves: an `Evaluation`; files with a record of each row and with the worst
samples, if asked for.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.datasets.columns import Column, Row, input_columns
from rnnlite.datasets.opening import open_rows
from rnnlite.evaluation.evaluate import Record, evaluate
from rnnlite.evaluation.labels import is_file_of_labels
from rnnlite.evaluation.records import Evaluation
from rnnlite.evaluation.writing import RowTable, require_npz, save_worst
from rnnlite.lite.files import ModelSource, read_model, require_place
from rnnlite.runtime.model import Model
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.samples import Sample


def evaluate_files(
    model: ModelSource,
    data: str | Path | Sequence[str | Path],
    labels: str | Path | None = None,
    *,
    against: ModelSource | None = None,
    columns: Mapping[str, str] | None = None,
    output: str | None = None,
    task: str = "auto",
    classes: Sequence[str] = (),
    top_k: int = 5,
    worst: int = 20,
    save: Path | None = None,
    table: Path | None = None,
    num_threads: int = 1,
    progress: bool = False,
) -> Evaluation:
    """`evaluate` over data files, in bounded memory.

    Args:
        model, against: paths or contents of .tflite files.
        data, columns: see `predict_files`.
        labels: a file with one label for each row, or the name of a column of the data.
        output, task, classes, top_k, worst: see `evaluate`.
        save: the .npz to write the worst samples to.
        table: the .csv or .parquet to write the record of each row to.
        num_threads, progress: see `predict_files`.

    Raises:
        ModelError, DataError, SampleError, OutputError, DependencyError: see `evaluate` and
            `predict_files`.
    """
    with contextlib.ExitStack() as stack:
        loaded = stack.enter_context(Model(read_model(model), num_threads=num_threads))
        other = None
        if against is not None:
            content = read_model(against)
            other = stack.enter_context(Model(content, num_threads=num_threads))
        wanted = input_columns(loaded.inputs, columns)
        beside = labels is not None and not is_file_of_labels(labels)
        if beside:
            wanted.append(Column("labels", str(labels), is_input=False))
        rows = open_rows(data, wanted)
        fed, labelled = itertools.tee(rows.read())
        given: Iterable[Any] | str | Path | None = labels
        if beside:
            given = (row["labels"] for row in labelled)
        else:
            del labelled
        _require_places(save, table, [*rows.files, model, labels, against])
        bar = stack.enter_context(Progress("evaluate", rows.count, progress))
        keep = None if table is None else stack.enter_context(RowTable(table))

        def add_record(record: Record) -> None:
            bar.add()
            if keep is not None:
                keep.add(record)

        found = evaluate(
            loaded,
            _Samples(fed, [spec.name for spec in loaded.inputs], rows.count),
            given,
            against=other,
            output=output,
            task=task,
            classes=classes,
            top_k=top_k,
            worst=worst,
            keep=add_record,
        )
        if save is not None:
            save_worst(save, found, rows, loaded.inputs)
    return found


def _require_places(
    save: Path | None, table: Path | None, read: Sequence[ModelSource | None]
) -> None:
    """Check the paths to write to, before anything is computed.

    Raises:
        OutputError: `save` is no .npz, or see `require_place`.
    """
    others = [path for path in read if path is not None]
    if save is not None:
        require_npz(save)
        require_place(save, others)
    if table is not None:
        require_place(table, others)


@dataclass(frozen=True)
class _Samples:
    """Rows as samples of a model; the length is the number of rows in the files."""

    rows: Iterable[Row]
    names: Sequence[str]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        for row in self.rows:
            if len(self.names) == 1:
                yield row[self.names[0]]
            else:
                yield {name: row[name] for name in self.names}
