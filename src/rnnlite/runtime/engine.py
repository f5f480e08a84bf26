"""One LiteRT interpreter that runs one function of a file at changing input shapes.

What enters: a file, and whole batches. What leaves: the arrays of its results. Changing the shapes
costs microseconds.

LiteRT with XNNPACK now and then computes wrong values after shapes have grown.
`lite.passes.borders` makes files safe from this. For any other file, a fresh interpreter (0.3 ms
for a small model) takes over where shapes become larger than the first ones. Measured without that:
53 wrong results in 120,000 runs of 4,000 interpreters at random lengths, each at a length above all
before it; none without XNNPACK.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.errors import InternalError, ModelError, SampleError
from rnnlite.runtime.calls import Call
from rnnlite.runtime.signatures import Bytes, SignatureRun
from rnnlite.specs import Array

Shapes = tuple[tuple[int, ...], ...]


class Engine:
    """An interpreter that takes inputs of any shape. Not for two threads at a time.

    Args:
        data: the model.
        call: the function to run. Where it is not the main graph, a runner of its signature runs
            it.
        num_threads: threads an op may use.
        delegates: False runs the plain kernels, without XNNPACK.
        grows: whether the file is safe, so that one interpreter may go on to larger shapes.
    """

    def __init__(
        self,
        data: bytes,
        call: Call,
        *,
        num_threads: int,
        delegates: bool,
        grows: bool = False,
    ) -> None:
        self._data = data
        self._call = call
        self._num_threads = num_threads
        self._grows = grows
        self._resolver = (
            OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        self._allocated: Shapes | None = None
        self._largest: Shapes | None = None
        self._renew()

    def new_interpreter(self) -> Any:
        """A fresh interpreter.

        Raises:
            ModelError: the runtime cannot load the model.
        """
        try:
            return Interpreter(
                model_content=self._data,
                num_threads=self._num_threads,
                experimental_op_resolver_type=self._resolver,
            )
        except (ValueError, RuntimeError) as e:
            raise ModelError(f"the LiteRT runtime cannot load the model: {_reason(e)}") from e

    def _renew(self) -> None:
        self.interpreter = self.new_interpreter()
        self._runner: SignatureRun | None = None
        if not self._call.is_main:
            self._runner = SignatureRun(
                self.interpreter,
                self._call.key,
                [name for name, _ in self._call.inputs],
                [name for name, _ in self._call.outputs],
            )

    def _prepare(self, shapes: Shapes) -> None:
        """Set the shapes of the inputs.

        A fresh interpreter takes over after an error; and where the shapes exceed the first ones,
        unless it may grow.
        """
        if shapes == self._allocated:
            return
        self._allocated = None
        larger = self._largest is not None and not _fits(shapes, self._largest)
        if self._largest == () or (larger and not self._grows):
            self._renew()
            self._largest = None
        if self._runner is None:
            for (_, index), shape in zip(self._call.inputs, shapes, strict=True):
                self.interpreter.resize_tensor_input(index, shape)
            self.interpreter.allocate_tensors()
        else:
            self._runner.allocate(shapes)
        self._allocated = shapes
        self._largest = self._largest or shapes

    def shapes_before_run(self, shapes: Shapes) -> Shapes:
        """The shapes of the outputs that the runtime knows before a run, from allocating memory.

        Args:
            shapes: of the inputs.

        Raises:
            InternalError: the function is not the main graph. Of others, memory is allocated in a
                run.
        """
        if self._runner is not None:
            raise InternalError(f"shapes of '{self._call.key}' are asked for before a run")
        self._prepare(shapes)
        known = {int(d["index"]): d["shape"] for d in self.interpreter.get_output_details()}
        return tuple(tuple(map(int, known[index])) for _, index in self._call.outputs)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run the function once.

        Args:
            arrays: one for each input.

        Raises:
            SampleError: the runtime refuses the shapes.
        """
        # A list is built faster than a generator runs: a short step takes some microseconds.
        shapes = tuple([a.shape for a in arrays])
        try:
            self._prepare(shapes)
            if self._runner is not None:
                return self._runner.run(arrays)
            for (_, index), array in zip(self._call.inputs, arrays, strict=True):
                self.interpreter.set_tensor(index, np.asarray(array, order="C"))
            self.interpreter.invoke()
            return [self._result(index) for _, index in self._call.outputs]
        except (ValueError, RuntimeError) as e:
            raise self._refused(shapes, e) from e

    def run_in_place(self, arrays: list[Array], before: Bytes, after: Bytes) -> list[Array] | None:
        """See `SignatureRun.run_in_place`.

        The result is None, too, if the function is the main graph or did not run on these shapes
        last.

        Raises:
            SampleError: the runtime refuses the arrays.
        """
        if self._runner is None or self._allocated is None:
            return None
        if tuple([a.shape for a in arrays]) != self._allocated[: len(arrays)]:
            return None
        try:
            return self._runner.run_in_place(arrays, before, after)
        except (ValueError, RuntimeError) as e:
            raise self._refused(self._allocated, e) from e

    def _refused(self, shapes: Shapes, error: Exception) -> SampleError:
        """The error for refused shapes; the next run allocates its tensors anew."""
        self._allocated = None
        self._largest = ()
        return SampleError(
            f"the model cannot run on inputs of shapes {list(shapes)}: {_reason(error)}"
        )

    def _result(self, index: int) -> Array:
        """An output of the main graph, by the index of its tensor."""
        try:
            return np.asarray(self.interpreter.get_tensor(index))
        except ValueError:
            # The runtime has no memory to show of a tensor without elements.
            details = self.interpreter.get_output_details()
            known = next(d for d in details if d["index"] == index)
            if 0 not in known["shape"]:
                raise
            return np.zeros(known["shape"], known["dtype"])


def _fits(shapes: Shapes, largest: Shapes) -> bool:
    """Whether no axis of any input is longer than in `largest`."""
    return len(shapes) == len(largest) and all(
        len(a) == len(b) and all(x <= y for x, y in zip(a, b, strict=True))
        for a, b in zip(shapes, largest, strict=True)
    )


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
