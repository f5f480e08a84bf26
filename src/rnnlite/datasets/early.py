"""Runs each row of a data set through a file's exits, until one is sure.

What enters: a model with exits, windows of checked samples, a threshold. What leaves: for each row
the result, the index of the exit that it left by, and the score; the TensorSpecs to write these by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.datasets.cluster import Window
from rnnlite.errors import DataError, OutputError
from rnnlite.runtime.early import Runnable, leave, max_prob, require_exits, take_threshold
from rnnlite.runtime.progress import Progress
from rnnlite.specs import Array, Shape, TensorSpec

OUTPUT, EXIT, SCORE = "output", "exit", "score"
"""Names of the columns that are written."""


def require_alone(options: Mapping[str, Any]) -> None:
    """Refuse options of `predict_files` that have no meaning if exits are run.

    Args:
        options: name -> value; None or False if not given.

    Raises:
        DataError: some are given; it names them.
    """
    given = [name for name, value in options.items() if value]
    if given:
        raise DataError(
            "exits are run for one sample at a time, in this process",
            expected="early without " + ", ".join(options),
            found=", ".join(given),
            remedy="Leave these out",
        )


def early_outputs(model: Runnable, out: Path) -> tuple[TensorSpec, ...]:
    """The specs of what is written for each row: result, exit and score.

    Raises:
        ModelError: the file has no exits.
        OutputError: the exits give results of different ranks, which one Parquet column cannot
            hold.
    """
    require_exits(model)
    shapes = {s.name: s.sample_shape for s in model.outputs}
    ranks = set(map(len, shapes.values()))
    if len(ranks) > 1 and out.suffix.lower() != ".npz":
        raise OutputError(
            "the exits give results of different kinds",
            expected="one kind, for one column",
            found=", ".join(f"{name} {list(shape)}" for name, shape in shapes.items()),
            remedy="Write .npz",
        )
    first, *rest = (s for s in shapes.values() if len(s) == max(ranks))
    shape: Shape = tuple(
        d if all(other[k] == d for other in rest) else None for k, d in enumerate(first)
    )
    kinds = {"float32" if s.quantization is not None else s.dtype for s in model.outputs}
    dtype = kinds.pop() if len(kinds) == 1 else "float32"
    return (
        TensorSpec(OUTPUT, shape, dtype, batch_axis=None),
        TensorSpec(EXIT, (), "int32", batch_axis=None),
        TensorSpec(SCORE, (), "float32", batch_axis=None),
    )


def early_results(
    model: Runnable, windows: Iterable[Window], threshold: float, bar: Progress
) -> Iterator[tuple[Window, list[list[Array]]]]:
    """Windows, each with the result, exit and score of each of its rows.

    Raises:
        SampleError: the threshold is no number.
    """
    bound = take_threshold(threshold)
    for window in windows:
        rows = []
        for sample in window:
            found, place, value = leave(model, sample, bound, max_prob)
            rows.append([found, np.array(place, np.int32), np.array(value, np.float32)])
            bar.add(1)
        yield window, rows


def shares_of(model: Runnable, exits: Sequence[int]) -> dict[str, float]:
    """Name of an exit's output -> the share of rows that left by it."""
    count = max(len(exits), 1)
    return {e.output: exits.count(k) / count for k, e in enumerate(model.exits)}
