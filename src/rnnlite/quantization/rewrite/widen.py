"""From int8 to int16, in ops that every release has.

What enters: an int8 tensor and the int16 tensor to make of it. What leaves: ops.

QUANTIZE of int8 to int16 has no kernel before LiteRT 2.1.3. The same integers come from

    CAST, then SUB of the zero point on the scale of the input     integers alone
    DEQUANTIZE, then QUANTIZE                                       by way of float32

The first takes a third more time in a loop (LSTM, GRU of 16 units), the second some 8 % less than
the plain op, because XNNPACK has it. So: the first outside of loops; in loops the second where the
model has float borders, and the plain op where it is promised to hold no float tensor, which then
asks for LiteRT 2.1.3 (`lite/requirements.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_op, new_tensor, parameters
from rnnlite.lite.trees import grid


def requantize(
    model: Any, content: Any, source: int, target: int, *, in_loop: bool, floats: bool
) -> list[Any]:
    """Ops that write a tensor's values on the grid of another one.

    Args:
        model: gets op codes and constants.
        content: the subgraph.
        source, target: tensors of it, with their types and grids.
        in_loop: whether the subgraph is computed again and again.
        floats: whether the model may hold float tensors.
    """
    types = [flatbuffer.dtype_name(content.tensors[t]) for t in (source, target)]
    if types != ["int8", "int16"] or (in_loop and not floats):
        return [new_op(model, "QUANTIZE", [source], [target])]
    if in_loop:
        plain = new_tensor(content, source, "float32")
        return [
            new_op(model, "DEQUANTIZE", [source], [plain], version=2),
            new_op(model, "QUANTIZE", [plain], [target], version=2),
        ]
    (scale,), (zero,) = grid(content.tensors[source])
    fine = parameters(scale)
    cast = new_tensor(content, source, "int16", fine)
    shift = new_constant(model, content, np.array([zero], np.int16), grid=fine)
    return [
        new_op(model, "CAST", [source], [cast], version=4),
        new_op(
            model,
            "SUB",
            [cast, shift],
            [target],
            version=5,
            options="SubOptions",
            potScaleInt16=False,
        ),
    ]
