"""Runs a model over data in several processes or machines, with Ray; needs `rnnlite[ray]`.

What enters: a model's file and blocks of rows. What leaves: the blocks with the model's results.
Each worker loads the model once. If a worker ends, it is started again, and computes its block
again; the results of a block are taken once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rnnlite.datasets.columns import Column, input_columns
from rnnlite.datasets.parquet import samples_of
from rnnlite.datasets.results import Columns, ParquetFormat
from rnnlite.errors import DataError, DependencyError, RnnliteError, as_data, restored
from rnnlite.lite.files import ModelSource, read_model
from rnnlite.runtime.model import Model
from rnnlite.specs import Array

Window = list[list[Array]]
"""Checked samples, each with one array for each input."""


class Predictor:
    """Computes the results of a block of rows, for `ray.data.Dataset.map_batches`.

        dataset.map_batches(Predictor, fn_constructor_args=[path], batch_format="pyarrow",
                            concurrency=4)

    Within a block, rows of equal length run together. It works without Ray too.

    Args:
        model: path or content of a .tflite file; each machine must be able to read the path.
        columns: name of an input -> the data's name for it, where they differ.
        batch_size, raw: see `Model.predict`.
        keep: whether the block's own columns stay beside the results.
        signature: the signature to run; the file's first if None.

    Raises:
        ModelError: `model` is no LiteRT model.
        DataError: a column is given for an input that the model does not have.
    """

    def __init__(
        self,
        model: ModelSource,
        *,
        columns: Mapping[str, str] | None = None,
        batch_size: int | None = None,
        raw: bool = False,
        keep: bool = True,
        signature: str | None = None,
    ) -> None:
        self._model = Model(read_model(model), signature=signature)
        self._columns = input_columns(self._model.inputs, columns)
        self._batch_size = batch_size
        self._raw = raw
        self._keep = keep

    def __call__(self, block: Any) -> Any:
        """Results of a block: an Arrow table for an Arrow table, else a dict of arrays.

        Raises:
            DataError: the block lacks a column.
            SampleError: a row does not fit the model; it is named by its index in the block.
        """
        is_table = not isinstance(block, Mapping)
        names = block.column_names if is_table else list(block)
        rows = {c.name: self._rows(block, self._key(c, names), c, is_table) for c in self._columns}
        samples = (
            dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)
        )
        single = len(rows) == 1
        fed = (next(iter(s.values())) if single else s for s in samples)
        outputs = self._model.outputs
        found: dict[str, list[Array]] = {spec.name: [] for spec in outputs}
        for result in self._model.predict_iter(fed, batch_size=self._batch_size, raw=self._raw):
            for spec in outputs:
                found[spec.name].append(result if len(outputs) == 1 else result[spec.name])
        return self._table(block, found) if is_table else self._dict(block, found)

    def _key(self, column: Column, names: Sequence[str]) -> str:
        key = column.key or column.name
        if key in names:
            return key
        if column.key is None and len(self._columns) == 1 and len(names) == 1:
            return names[0]
        raise DataError(
            f"the block has no column for input '{column.name}'",
            expected=f"'{key}'",
            found=", ".join(names),
            remedy=f"Say which it is: columns={{'{column.name}': ...}}",
        )

    def _rows(self, block: Any, key: str, column: Column, is_table: bool) -> list[Array]:
        if is_table:
            array = block.column(key).combine_chunks()
            return samples_of(array, column, f"column '{key}' of the block", 0)
        return [_whole(value) for value in block[key]]

    def _table(self, block: Any, found: Columns) -> Any:
        lists = ParquetFormat(self._model.outputs, raw=self._raw).arrays(found)
        result = block if self._keep else block.select([])
        for name, array in lists.items():
            if name in result.column_names:
                result = result.drop_columns([name])
            result = result.append_column(name, array)
        return result

    def _dict(self, block: Mapping[str, Any], found: Columns) -> dict[str, Any]:
        kept = dict(block) if self._keep else {}
        return kept | {name: _column(rows) for name, rows in found.items()}


def _whole(value: Any) -> Array:
    """A row that came as an array of arrays, as one array."""
    array = np.asarray(value)
    return np.stack([_whole(v) for v in array]) if array.dtype == object else array


def _column(rows: Sequence[Array]) -> Array:
    if len({row.shape for row in rows}) == 1:
        return np.stack(rows)
    column = np.empty(len(rows), object)
    for k, row in enumerate(rows):
        # One by one: NumPy would broadcast arrays whose first axes are equal.
        column[k] = row
    return column


def results_from_ray(
    model: bytes,
    windows: Iterable[Window],
    options: Mapping[str, Any],
    *,
    signature: str | None = None,
    num_threads: int = 1,
    address: str | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Window, list[list[Array]]]]:
    """Windows and their results, in order, computed by workers in parallel.

    Args:
        model: content of a .tflite file.
        windows: see `runtime.windows`; about twice as many as workers are taken ahead.
        options: the options of `Model.predict_checked`.
        signature: the signature to run; the file's first if None.
        num_threads: threads of each worker.
        address: address of a Ray cluster; if None, Ray is started here, unless it runs already.
        workers: number of workers; if None, one for every `num_threads` CPUs of the cluster.

    Raises:
        DependencyError: Ray is not installed.
        DataError: there is no Ray cluster at `address`.
        RnnliteError: what a worker refused.
    """
    ray = _ray()
    started = not ray.is_initialized()
    if started:
        try:
            ray.init(
                address, log_to_driver=False, include_dashboard=False if address is None else None
            )
        except (ConnectionError, ValueError, RuntimeError) as e:
            raise DataError(
                f"there is no Ray cluster at '{address}'",
                found=" ".join(str(e).split())[:200],
                remedy="Start one with: ray start --head",
            ) from e
    pool: list[Any] = []
    try:
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // num_threads)
        # A worker that ends is started again, and what it was computing is computed again.
        kind = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Worker)
        content = ray.put(model)
        pool += [kind.remote(content, signature, num_threads) for _ in range(count)]
        pending: deque[tuple[Window, Any]] = deque()
        for k, window in enumerate(windows):
            pending.append((window, pool[k % count].run.remote(window, options)))
            if len(pending) > 2 * count:
                yield _taken(ray, *pending.popleft())
        while pending:
            yield _taken(ray, *pending.popleft())
    finally:
        for worker in pool:
            # At once: an exception may hold this frame, and with it the workers, for long.
            ray.kill(worker)
        if started:
            ray.shutdown()


def _taken(ray: Any, window: Window, reference: Any) -> tuple[Window, list[list[Array]]]:
    results = ray.get(reference)
    if isinstance(results, dict):
        raise restored(results)
    return window, results


class _Worker:
    """Holds the model in a process of its own."""

    def __init__(self, model: bytes, signature: str | None, num_threads: int) -> None:
        self._model = Model(model, num_threads=num_threads, signature=signature)

    def run(self, window: Window, options: Mapping[str, Any]) -> list[list[Array]] | dict[str, str]:
        """Results of a window; a refusal is returned as data."""
        try:
            return self._model.predict_checked(window, **options)
        except RnnliteError as e:
            return as_data(e)


def _ray() -> Any:
    try:
        import ray
    except ImportError as e:
        raise DependencyError(
            "several machines need Ray, which is not installed",
            remedy="pip install 'rnnlite[ray]'",
        ) from e
    return ray
