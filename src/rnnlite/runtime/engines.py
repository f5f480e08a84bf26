"""The interpreters of one function of a file: one for calls, one for each thread of a large job.

What enters: the file, how it is called, on how many threads. What leaves: runs, one at a time, or
batches side by side. After `close` nothing runs any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnnlite.errors import ModelError
from rnnlite.runtime.batches import BATCHES_A_WORKER, run_side_by_side
from rnnlite.runtime.calls import Call
from rnnlite.runtime.engine import Engine, Shapes
from rnnlite.runtime.signatures import Bytes
from rnnlite.specs import Array

Run = Callable[[Sequence[Array]], list[Array]]


@dataclass(frozen=True)
class Settings:
    """How a file is run.

    Attributes:
        num_threads: threads that a run may use.
        delegates: False runs the plain kernels, without XNNPACK.
        grows: whether one interpreter may go on to larger shapes.
    """

    num_threads: int
    delegates: bool
    grows: bool


class Engines:
    """Interpreters of one function. Calls from several threads take turns.

    Args:
        data: the file.
        call: how its function is called.
        settings: threads, delegates, and whether an interpreter may grow.

    Raises:
        ModelError: the runtime cannot load the file.
    """

    def __init__(self, data: bytes, call: Call, settings: Settings) -> None:
        self._data, self._call, self._settings = data, call, settings
        self._lock = threading.Lock()
        self._workers: list[Engine] = []
        self._engine: Engine | None = self._new(settings.num_threads)

    @property
    def engine(self) -> Engine:
        """The interpreter for all calls but those of large jobs.

        Raises:
            ModelError: the model is closed.
        """
        if self._engine is None:
            raise ModelError(
                "the model is closed",
                expected="a model that is open",
                remedy="Load it again with rnnlite.load",
            )
        return self._engine

    def close(self) -> None:
        """Drop all interpreters, which gives their memory back."""
        with self._lock:
            self._engine = None
            self._workers.clear()

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """See `Engine.run`."""
        with self._lock:
            return self.engine.run(arrays)

    def run_in_place(self, arrays: list[Array], before: Bytes, after: Bytes) -> list[Array] | None:
        """See `Engine.run_in_place`."""
        with self._lock:
            return self.engine.run_in_place(arrays, before, after)

    def shapes_before_run(self, shapes: Shapes) -> Shapes:
        """See `Engine.shapes_before_run`."""
        with self._lock:
            return self.engine.shapes_before_run(shapes)

    def run_batches(
        self, work: Callable[[Run, list[int]], None], batches: Sequence[list[int]]
    ) -> None:
        """Do work on each batch: on several threads side by side, where there are enough batches.

        Args:
            work: runs one batch by the function that it is given.
            batches: see `batches.groups`.
        """
        threads = self._settings.num_threads
        if threads > 1 and len(batches) >= BATCHES_A_WORKER * threads:
            with self._lock:
                _ = self.engine
                while len(self._workers) < threads:
                    self._workers.append(self._new(1))
                run_side_by_side([w.run for w in self._workers], work, batches)
        else:
            for group in batches:
                work(self.run, group)

    def _new(self, num_threads: int) -> Engine:
        return Engine(
            self._data,
            self._call,
            num_threads=num_threads,
            delegates=self._settings.delegates,
            grows=self._settings.grows,
        )
