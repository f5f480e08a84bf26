"""Which samples run together, and several interpreters that run them side by side.

What enters: checked samples and what bounds a batch. What leaves: groups of indices, the longest
first, so that no interpreter has to grow.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from rnnlite.lite.ir import FREE, Graph
from rnnlite.specs import Array, TensorSpec
from rnnlite.target import LITERT

DEFAULT_BATCH = LITERT.costs.usual_batch

DEFAULT_BATCH_BYTES = 256 << 20
UNKNOWN_BYTES = 8
"""Bytes of an element of a type that NumPy does not have, such as a resource."""

BATCHES_A_WORKER = 4
"""A job runs in several interpreters if each of them gets at least so many batches."""

Worker = TypeVar("Worker")


def bytes_a_step(graph: Graph) -> int:
    """Bytes that one time step of one sample takes, in all values of a graph with free axes.

    An upper bound: the runtime reuses memory.

    Args:
        graph: with FREE for the size of each free axis.
    """
    total = 0
    for value in graph.values:
        if FREE not in value.dims or 0 in value.dims:
            continue
        size = np.dtype(value.type).itemsize if value.type in np.sctypeDict else UNKNOWN_BYTES
        total += size * math.prod(d for d in value.dims if d > 0)
    return total


def groups(
    samples: Sequence[Sequence[Array]],
    inputs: Sequence[TensorSpec],
    *,
    fixed: int | None,
    most: int,
    step_bytes: int,
    bound: int,
) -> list[list[int]]:
    """The indices of the samples of each batch: samples of equal shapes run together.

    Args:
        samples: for each sample, one array for each input, without batch axis.
        inputs: the model's inputs.
        fixed: the model's batch size if it is pinned, else None.
        most: samples in a batch at most, where the size is not pinned.
        step_bytes: see `bytes_a_step`.
        bound: bytes that a batch may take; one sample always runs.
    """
    by_shape: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for k, sample in enumerate(samples):
        by_shape.setdefault(tuple(a.shape for a in sample), []).append(k)
    batches = []
    for shapes, group in by_shape.items():
        steps = max(_steps(spec, shape) for spec, shape in zip(inputs, shapes, strict=True))
        limit = fixed or min(most, max(1, bound // max(1, step_bytes * steps)))
        batches += [(shapes, group[k : k + limit]) for k in range(0, len(group), limit)]
    batches.sort(key=lambda b: (sum(math.prod(s) for s in b[0]), len(b[1])), reverse=True)
    return [group for _, group in batches]


def _steps(spec: TensorSpec, shape: tuple[int, ...]) -> int:
    """The product of the sizes of an input's free axes; 1 where it has none."""
    axes = zip(spec.sample_shape, shape, strict=True)
    return math.prod(size for wanted, size in axes if wanted is None)


def run_side_by_side(
    workers: Sequence[Worker],
    work: Callable[[Worker, list[int]], None],
    batches: Sequence[list[int]],
) -> None:
    """Give each worker a thread that takes batches in their order until there are none.

    Args:
        workers: e.g. interpreters; each is used by one thread alone.
        work: runs one batch on one worker.
        batches: see `groups`.

    Raises:
        BaseException: the first that a batch raised. Batches that were not begun do not run.
    """
    todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for batch in batches:
        todo.put(batch)
    failures: list[BaseException] = []

    def take(worker: Worker) -> None:
        try:
            while not failures:
                work(worker, todo.get_nowait())
        except queue.Empty:
            return
        except BaseException as e:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(e)

    threads = [threading.Thread(target=take, args=(w,), daemon=True) for w in workers[1:]]
    for thread in threads:
        thread.start()
    take(workers[0])
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
