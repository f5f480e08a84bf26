"""The values of a model's tensors in one run, as real numbers.

What enters: a flatbuffer, float or quantized, and samples. What leaves: chosen tensors of its main
graph. NumPy and LiteRT alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rnnlite.lite import schema
from rnnlite.quantization.params import Array, QuantizationParams
from rnnlite.specs import batched


class Values:
    """An interpreter that keeps all tensors of the main graph.

    Args:
        data: the model.
        places: the numbers of the tensors to give.
        axes: the batch axis of each input; the first axis of all, if empty.
    """

    def __init__(self, data: bytes, places: Sequence[int], axes: Sequence[int | None]) -> None:
        self._places = list(places)
        self._main = schema.read(data).main
        self._inputs = [self._main.values.index(value) for value in self._main.inputs]
        self._interpreter = Interpreter(
            model_content=data,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        fixed = [d["shape_signature"] for d in self._interpreter.get_input_details()]
        self._axes = list(axes) or [0] * len(fixed)
        sizes = [
            int(s[a]) for s, a in zip(fixed, self._axes, strict=True) if a is not None and len(s)
        ]
        self._batch = max([1, *sizes])

    def run(self, row: Sequence[Array]) -> list[Array | None]:
        """Run one sample; a tensor that was not computed is None.

        Args:
            row: one array for each input, without batch axis: floats, or ids and bools as they are.
        """
        interpreter = self._interpreter
        arrays = [batched(a, axis, self._batch) for a, axis in zip(row, self._axes, strict=True)]
        for index, array in zip(self._inputs, arrays, strict=True):
            interpreter.resize_tensor_input(index, array.shape)
        interpreter.allocate_tensors()
        for index, array in zip(self._inputs, arrays, strict=True):
            known = self._params(index)
            interpreter.set_tensor(index, array if known is None else known.quantize(array))
        interpreter.invoke()
        return [self._value(t) for t in self._places]

    def _value(self, index: int) -> Array | None:
        try:
            values = np.asarray(self._interpreter.get_tensor(index), np.float64)
        except ValueError:
            return None
        known = self._params(index)
        return values if known is None else (values - known.zero_point) * known.scale

    def _params(self, index: int) -> QuantizationParams | None:
        value = self._main.values[index]
        if value.quantization is None or value.type not in ("int8", "int16"):
            return None
        return (
            QuantizationParams(value.type, value.scale, value.zero_point)
            if value.quantization.scales
            else None
        )
