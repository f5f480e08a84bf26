"""Requantize by ops that every release has, and that round all numbers alike.

What enters: an integer tensor, and the one to make of it. What leaves: ops.

QUANTIZE of int8 to int8, without XNNPACK, rounds the numbers that fill a vector register
differently from those left over: a chunk of a stream would give other integers than the whole
sequence. With XNNPACK and without, it is off by 0.75 to 0.86 of a step. MUL by one, written as 127
with scale 1/127, is off by 0.53 at most, and rounds all numbers alike.

QUANTIZE of int8 to int16 has no kernel before LiteRT 2.1.3. The same integers come from

    CAST, then SUB of the zero point on the scale of the input     integers alone
    DEQUANTIZE, then QUANTIZE                                       by way of float32

In a loop (LSTM, GRU of 16 units), the first takes a third more time than QUANTIZE; the second takes
some 8 % less, because XNNPACK has it. So the first is used outside of loops. In loops the second is
used if the model has float inputs and outputs. Else the model must not have float tensors, and
QUANTIZE itself is used: the file then needs LiteRT 2.1.3 (`lite/requirements.py`).
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Op, Quantization, Value

UNIT = 127
"""The integer that stands for 1: the finer its scale, the smaller the rounding error."""

MOST_AXES = 4
"""The most axes of a tensor that every release multiplies by a single number."""


def requantize(source: Value, target: Value, *, in_loop: bool, floats: bool) -> list[Op]:
    """Ops that requantize a value to the parameters of another one.

    Args:
        source, target: values of one graph, with their types, scales and zero points.
        in_loop: whether the graph runs in a loop.
        floats: whether the model may hold float values.
    """
    graph = source.graph
    if source.type == target.type == "int8" and source.rank <= MOST_AXES:
        one = graph.constant(np.array([UNIT], np.int8), quantization=Quantization.of(1 / UNIT))
        return [graph.op("MUL", [source, one], [target], version=2, options={})]
    if (source.type, target.type) != ("int8", "int16") or (in_loop and not floats):
        return [graph.op("QUANTIZE", [source], [target])]
    if in_loop:
        plain = graph.like(source, "float32")
        return [
            graph.op("DEQUANTIZE", [source], [plain], version=2),
            graph.op("QUANTIZE", [plain], [target], version=2),
        ]
    fine = Quantization.of(source.scale)
    cast = graph.like(source, "int16", fine)
    shift = graph.constant(np.array([source.zero_point], np.int16), quantization=fine)
    exact = {"potScaleInt16": False}
    return [
        graph.op("CAST", [source], [cast], version=4),
        graph.op("SUB", [cast, shift], [target], version=5, options=exact),
    ]
