"""Runs a model over a whole data set in bounded memory, and writes a file of results.

What enters: a LiteRT file, data, a path for the results. What leaves: the file of results, written
part by part so that an interrupted run can go on (`parts`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnlite.datasets.cluster import Window, results_from_ray
from rnnlite.datasets.columns import Rows, input_columns
from rnnlite.datasets.early import EXIT, early_outputs, early_results, require_alone, shares_of
from rnnlite.datasets.opening import open_rows
from rnnlite.datasets.parts import Parts
from rnnlite.datasets.results import format_for
from rnnlite.errors import DataError
from rnnlite.lite.files import ModelSource, read_model, require_place
from rnnlite.runtime.early import take_threshold
from rnnlite.runtime.model import Model
from rnnlite.runtime.progress import Progress
from rnnlite.runtime.windows import WINDOW_SAMPLES, windows
from rnnlite.specs import Array, Shape, TensorSpec

ENGINES = ("local", "ray")
RAY_ROWS = 1024
"""Most rows that a worker gets at a time."""


@dataclass(frozen=True)
class Predicted:
    """What a run over a data set did.

    Attributes:
        samples: number of rows of the whole result.
        resumed: how many of them an earlier run had done.
        outputs: name of an output -> shape of a row's result, with None for a free axis.
        out: the file of results.
        shares: if exits were run, name of an exit's output -> share of this run's rows that left by
            it.
    """

    samples: int
    resumed: int
    outputs: Mapping[str, Shape]
    out: Path
    shares: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "samples": self.samples,
            "resumed": self.resumed,
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            "out": str(self.out),
            **({"shares": dict(self.shares)} if self.shares else {}),
        }

    def __str__(self) -> str:
        shapes = ", ".join(
            f"{name} ({', '.join('any' if d is None else str(d) for d in shape)})"
            for name, shape in self.outputs.items()
        )
        before = f" ({self.resumed} by an earlier run)" if self.resumed else ""
        samples = f"{self.samples} sample{'' if self.samples == 1 else 's'}"
        left = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        by = f"; left by {left}" if left else ""
        return f"{samples}{before}: {shapes}{by}; wrote {self.out}"


@dataclass(frozen=True)
class _Run:
    """How to run rows.

    Attributes:
        content: the LiteRT file.
        options: the options of `Model.predict`.
        early: the threshold of exits; None if these are not run.
        ray: `address`, `workers` and `num_threads` of Ray; None without it.
    """

    content: bytes
    options: Mapping[str, Any]
    early: float | None
    ray: Mapping[str, Any] | None


def predict_files(
    model: ModelSource,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    batch_size: int | None = None,
    max_batch_bytes: int | None = None,
    num_threads: int = 1,
    raw: bool = False,
    resume: bool = False,
    signature: str | None = None,
    early: float | None = None,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Predicted:
    """Run a model on every row of a data set, in order and in bounded memory.

    Args:
        model: path or content of a .tflite file.
        data: .npz, .npy or Parquet files, folders or globs of these.
        out: the .npz or .parquet file to write, when all rows are done. Until then parts are in the
            folder OUT.unfinished.
        columns: name of an input -> the data's name for it, where they differ.
        batch_size, max_batch_bytes, raw: see `Model.predict`.
        num_threads: see `load`; with the engine "ray", threads of each worker.
        signature: the signature to run; the file's first if None.
        early: a threshold. Run the exits of the file; a row leaves by the first exit whose largest
            probability reaches it (see `Model.predict_early`). Written are "output", "exit" (its
            index) and "score".
        resume: go on with what an interrupted run left; begin anew if there is nothing.
        engine: "local", or "ray": workers on this machine or a cluster, each with its own model.
        address: address of a Ray cluster; if None, Ray is started here.
        workers: number of workers of the engine "ray"; if None, one for every `num_threads` CPUs.
        progress: show a progress bar on standard error.

    Raises:
        ModelError: `model` is no LiteRT model, or has no exits to leave by.
        DataError: the data cannot be read, or options do not fit each other.
        SampleError: a row does not fit the model (the error names it by its index), or `early` is
            no threshold.
        OutputError: `out` cannot be written, is one of the files that are read, or another run is
            writing it.
        DependencyError: Parquet without pyarrow, or Ray without ray.
    """
    if engine not in ENGINES:
        raise DataError("unknown engine", expected=" or ".join(ENGINES), found=str(engine))
    options = {"batch_size": batch_size, "max_batch_bytes": max_batch_bytes, "raw": raw}
    by_ray = engine == "ray"
    ray = {"address": address, "workers": workers, "num_threads": num_threads}
    if early is not None:
        take_threshold(early)
        require_alone({**options, "signature": signature, "engine": ray if by_ray else None})
    run = _Run(read_model(model), options, early, ray if by_ray else None)
    out = Path(out)
    with Model(run.content, num_threads=num_threads, signature=signature) as loaded:
        rows = open_rows(data, input_columns(loaded.inputs, columns))
        if not rows.count:
            raise DataError(f"'{rows.files[0]}' holds no samples")
        require_place(out, [*rows.files, model])
        specs = loaded.outputs if early is None else early_outputs(loaded, out)
        form = format_for(out, specs, raw=raw)
        asked = asked_of(
            run.content,
            rows,
            columns=dict(columns or {}),
            raw=raw,
            kind=out.suffix,
            signature=loaded.signature,
            early=early,
        )
        with Parts(out, form, asked, resume=resume) as parts:
            done = parts.done()
            with Progress("predict", rows.count, progress, done=done) as bar:
                left = _write_rest(loaded, run, rows, specs, parts, bar)
            parts.finish()
        outputs = {spec.name: spec.sample_shape for spec in specs}
        shares = shares_of(loaded, left) if left else {}
    return Predicted(rows.count, done, outputs, out, shares)


def _write_rest(
    model: Model,
    run: _Run,
    rows: Rows,
    specs: Sequence[TensorSpec],
    parts: Parts,
    bar: Progress,
) -> list[int]:
    """Run the rows that `parts` lacks, and write their results to it, window by window.

    Returns:
        the index of the exit that each of these rows left by; empty if no exits are run.
    """
    first = parts.done()
    rest = rows.read(first) if first < rows.count else ()
    most = WINDOW_SAMPLES if run.ray is None else RAY_ROWS
    fed = windows(rest, model.inputs, model.outputs, first=first, most=most, place=rows.place)
    left: list[int] = []
    for window, results in _results(model, run, fed, bar):
        found = _by_output(results, specs)
        left += map(int, found[EXIT] if run.early is not None else ())
        parts.add(found, first, len(window))
        first += len(window)
        if run.ray is not None:
            bar.add(len(window))
    return left


def _results(
    model: Model, run: _Run, fed: Iterator[Window], bar: Progress
) -> Iterator[tuple[Window, list[list[Array]]]]:
    """Windows with their results, computed one by one: by exits, on Ray, or by the model here."""
    if run.early is not None:
        return early_results(model, fed, run.early, bar)
    if run.ray is not None:
        return results_from_ray(run.content, fed, run.options, signature=model.signature, **run.ray)
    return ((w, model.predict_checked(w, bar=bar, **run.options)) for w in fed)


def _by_output(
    results: Sequence[Sequence[Array]], outputs: Sequence[TensorSpec]
) -> dict[str, list[Array]]:
    return {spec.name: [row[n] for row in results] for n, spec in enumerate(outputs)}


def asked_of(model: bytes, rows: Rows, **options: object) -> dict[str, object]:
    """What decides a run's results, as JSON values; a run goes on only if it is the same."""
    files = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in rows.files]
    return {
        "model": hashlib.sha256(model).hexdigest(),
        "data": [list(f) for f in files],
        "options": options,
    }
