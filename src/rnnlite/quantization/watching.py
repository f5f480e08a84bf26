"""An interpreter that watches the values of every tensor over its runs. NumPy and LiteRT alone.

What enters: a float flatbuffer and samples. What leaves: smallest and largest value of each tensor
of each subgraph, over all iterations; and how many values of a tensor were seen, where they are
few.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from ai_edge_litert import _pywrap_tfl_calibration
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.errors import SampleError
from rnnlite.quantization.params import Array, Range, union
from rnnlite.specs import batched

MANY = 2000
"""If so many values of a tensor were seen, its range is taken to hold for further samples."""


class Watched:
    """An interpreter whose runs widen the ranges.

    Args:
        data: the float model, its tensors named by subgraph and number: "0:3".
        inputs: the numbers of the main graph's inputs.
        axes: the batch axis of each input; the first axis of all, if empty.

    Attributes:
        ranges: name of a tensor -> smallest and largest value seen.
        counts: name of a tensor of the main graph -> how many values of it were seen, if fewer than
            `MANY`.
    """

    def __init__(self, data: bytes, inputs: Sequence[int], axes: Sequence[int | None]) -> None:
        self.ranges: dict[str, Range] = {}
        self.counts: dict[str, int] | None = None
        self._shapes: list[tuple[int, ...]] = []
        # The delegate would hide the tensors that it fuses away.
        self.interpreter = Interpreter(
            model_content=data,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.inputs = list(inputs)
        fixed = [d["shape_signature"] for d in self.interpreter.get_input_details()]
        self.axes = axes or [0] * len(fixed)
        sizes = [
            int(s[a]) for s, a in zip(fixed, self.axes, strict=True) if a is not None and len(s)
        ]
        self.batch = max(sizes, default=1)

    def run(self, row: list[Array], label: str) -> None:
        """Run one sample: an array for each input, without batch axis.

        Raises:
            SampleError: the model cannot run on the sample.
        """
        batch = max(self.batch, 1)
        self._run([batched(a, axis, batch) for a, axis in zip(row, self.axes, strict=True)], label)

    def call(self, arrays: list[Array], outputs: Sequence[int], label: str) -> list[Array]:
        """Run whole batches; gives the tensors of the main graph whose numbers are `outputs`.

        Raises:
            SampleError: the model cannot run on them.
        """
        self._run(arrays, label)
        return [self.interpreter.get_tensor(k) for k in outputs]

    def _run(self, arrays: list[Array], label: str) -> None:
        try:
            shapes = [a.shape for a in arrays]
            if shapes != self._shapes:
                self._shapes = []
                for index, shape in zip(self.inputs, shapes, strict=True):
                    self.interpreter.resize_tensor_input(index, shape)
                self.interpreter.allocate_tensors()
                self._shapes = shapes
            for index, array in zip(self.inputs, arrays, strict=True):
                self.interpreter.set_tensor(index, np.asarray(array, order="C"))
            found = _pywrap_tfl_calibration.InvokeWithCalibration(
                self.interpreter._native_handle(), 0
            )
        except (ValueError, RuntimeError) as e:
            raise SampleError(
                f"the model cannot run on {label}", found=" ".join(str(e).split())[:200]
            ) from e
        for index, array in zip(self.inputs, arrays, strict=True):
            if array.dtype.kind == "f":
                self._widen(f"0:{index}", (float(array.min()), float(array.max())))
        self._count(found)
        for name, seen in found.items():
            self._widen(name, (float(seen.min), float(seen.max)))

    def _count(self, found: Collection[str]) -> None:
        """Count the values seen of the main graph's tensors, as long as they are few."""
        if self.counts is None:
            self.counts = {name: 0 for name in found if name.startswith("0:")}
        if not self.counts:
            return
        for detail in self.interpreter.get_tensor_details():
            name = f"0:{detail['index']}"
            if name in self.counts:
                self.counts[name] += int(np.prod(detail["shape"]))
                if self.counts[name] >= MANY:
                    del self.counts[name]

    def _widen(self, name: str, values: Range) -> None:
        if np.isfinite(values).all():
            known = self.ranges.get(name)
            self.ranges[name] = values if known is None else union(known, values)
