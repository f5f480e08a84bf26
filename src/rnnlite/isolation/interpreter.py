"""Interpreters in a worker: a kernel may end that process, never this one.

What enters: a flatbuffer and arrays. What leaves: arrays, ranges, or an `AbortError` that names the
op. Workers load only NumPy and LiteRT.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from rnnlite.errors import AbortError
from rnnlite.isolation.locating import culprit
from rnnlite.isolation.process import Worker, WorkerDied, give_back, start_early, take
from rnnlite.specs import Array

KIND = "interpreter"
_HELD = "rnnlite.isolation.held"
DROP_SECONDS = 10.0


def warm() -> None:
    """Start a worker, so that it is ready when it is needed."""
    start_early(KIND, _HELD)


class _Apart:
    """Holds an object in a worker, which nobody else uses until this is closed or collected."""

    def __init__(self, data: bytes, what: str, signature: str | None = None) -> None:
        self._data, self._what, self._signature = data, what, signature
        self._worker = take(KIND)
        self._numbers: list[int] = []
        self._end = weakref.finalize(self, _release, self._worker, self._numbers)

    def _open(self, name: str, *args: Any) -> Any:
        number, *rest = self._call(name, *args)
        self._numbers.append(number)
        return rest

    def _use(self, name: str, *args: Any, **options: Any) -> Any:
        return self._call(name, self._numbers[0], *args, **options)

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        try:
            return self._worker.call(f"{_HELD}:{name}", *args, **options)
        except WorkerDied as e:
            self.close()
            raise _abort(self._data, self._what, self._signature, e) from e

    def close(self) -> None:
        """Give the worker back, for others to use."""
        self._end()


def _release(worker: Worker, numbers: list[int]) -> None:
    if worker.alive:
        with contextlib.suppress(WorkerDied):
            for number in numbers:
                worker.call(f"{_HELD}:drop", number, seconds=DROP_SECONDS)
    give_back(KIND, worker)


class ModelApart(_Apart):
    """A LiteRT model in a worker, which runs whole batches as `rnnlite.runtime.model.Model` does.

    Args:
        data: the flatbuffer.
        delegates: False runs the plain kernels, without XNNPACK.
        signature: the signature to run; the file's first if None.

    Raises:
        AbortError: loading the model ends the worker.
        ModelError: the model cannot be loaded.

    Attributes:
        inputs, outputs, stream_signature, is_main: see `Model`.
    """

    def __init__(
        self, data: bytes, *, delegates: bool = True, signature: str | None = None
    ) -> None:
        super().__init__(data, "the converted model", signature)
        self.inputs, self.outputs, self.stream_signature, self.is_main = self._open(
            "open_model", data, delegates, signature
        )

    def shapes_before_run(self, shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """See `Model.shapes_before_run`."""
        found: tuple[tuple[int, ...], ...] = self._use("shapes_before_run", list(shapes))
        return found

    def run(
        self, arrays: Sequence[Array], meanwhile: Callable[[], None] | None = None
    ) -> list[Array]:
        """See `Model.run`.

        Args:
            arrays: the inputs.
            meanwhile: called in this process while the worker runs.

        Raises:
            AbortError: running it ends the worker.
            SampleError: the runtime refuses the shapes.
        """
        found: list[Array] = self._use("run_model", list(arrays), meanwhile=meanwhile)
        return found

    def run_chunk(self, arrays: Sequence[Array]) -> list[Array]:
        """See `Model.run_chunk`.

        Raises:
            AbortError: running it ends the worker.
            SampleError: the runtime refuses the shapes.
        """
        found: list[Array] = self._use("run_chunk", list(arrays))
        return found


class WatchedApart(_Apart):
    """An interpreter in a worker whose runs widen the ranges of all tensors."""

    def __init__(self, data: bytes, inputs: Sequence[int], axes: Sequence[int | None]) -> None:
        super().__init__(data, "calibrating the model")
        self._open("open_watched", data, list(inputs), list(axes))

    def run(self, row: list[Array], label: str) -> None:
        """Run one sample: an array for each input, without batch axis.

        Raises:
            AbortError: running it ends the worker.
            SampleError: the model cannot run on it.
        """
        self._use("watch", row, label)

    def call(self, arrays: Sequence[Array], outputs: Sequence[int], label: str) -> list[Array]:
        """Run whole batches; gives the tensors of the main graph whose numbers are `outputs`.

        Raises:
            AbortError: running it ends the worker.
            SampleError: the model cannot run on them.
        """
        found: list[Array] = self._use("watch_arrays", list(arrays), list(outputs), label)
        return found

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value seen, by the tensors' names."""
        found: dict[str, tuple[float, float]] = self._use("ranges")
        return found

    def counts(self) -> dict[str, int]:
        """How many values of a tensor of the main graph were seen, by name, where they are few."""
        found: dict[str, int] = self._use("counts")
        return found


class ValuesApart(_Apart):
    """`rnnlite.quantization.measure.values.Values` in a worker."""

    def __init__(self, data: bytes, places: Sequence[int], axes: Sequence[int | None]) -> None:
        super().__init__(data, "the model")
        self._open("open_values", data, list(places), list(axes))

    def run(self, row: Sequence[Array]) -> list[Array | None]:
        """See `Values.run`.

        Raises:
            AbortError: running it ends the worker.
        """
        found: list[Array | None] = self._use("values", list(row))
        return found


def _abort(data: bytes, what: str, signature: str | None, died: WorkerDied) -> AbortError:
    place = culprit(data, signature)
    return AbortError(
        f"{what} ends the process of the LiteRT runtime" + (f", in {place}" if place else ""),
        expected="kernels that run, or refuse with an error",
        found=died.reason,
        remedy="Convert it in another mode, or without the layer that this op comes from, and "
        "please report it with the source model",
    )
