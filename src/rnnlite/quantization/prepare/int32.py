"""Ops that LiteRT has no kernel for in int8 and int16, but that int32 can do.

What enters: an op with an int16 operand and an int16 result. What leaves: the ops that stand for
it.

    CUMSUM      in int32, in steps of the operand, then rounded to the steps of the result
    SIN, COS    the operand in steps of a 2048th of a turn, its remainder looked up in a table
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite.edit import new_constant, new_op, new_tensor, parameters
from rnnlite.quantization.ops import VERSIONS, WAVES

TURN = 2048
"""Steps of a turn: half of one is 0.0015, the error of an angle."""

WAVE_SCALE = 2.0**-15


def in_int32(model: Any, content: Any, op: Any, name: str) -> list[Any]:
    """The ops that stand for one.

    Args:
        model, content: the model and the subgraph, which get tensors.
        op: the op, its operand and result in int16.
        name: its name.
    """
    return _wave(model, content, op, name) if name in WAVES else _cumulated(model, content, op)


def _cumulated(model: Any, content: Any, op: Any) -> list[Any]:
    x, y = int(op.inputs[0]), int(op.outputs[0])
    scale = float(content.tensors[x].quantization.scale[0])
    plain = new_tensor(content, x, "int32")
    total = new_tensor(content, y, "int32", parameters(scale))
    op.inputs = [plain, int(op.inputs[1])]
    op.outputs = [total]
    return [
        new_op(model, "CAST", [x], [plain], version=VERSIONS["CAST"][1]),
        op,
        new_op(model, "QUANTIZE", [total], [y], version=VERSIONS["QUANTIZE"][1]),
    ]


def _wave(model: Any, content: Any, op: Any, name: str) -> list[Any]:
    x, y = int(op.inputs[0]), int(op.outputs[0])
    angle = new_tensor(content, x, "int32", parameters(2 * np.pi / TURN))
    rest = new_tensor(content, x, "int32")
    turn = new_constant(model, content, np.array(TURN, np.int32))
    values = WAVES[name](np.arange(TURN) * (2 * np.pi / TURN)) / WAVE_SCALE
    table = np.clip(np.rint(values), -32767, 32767).astype(np.int16)
    row = new_constant(model, content, table, name=name.lower(), grid=parameters(WAVE_SCALE))
    version = VERSIONS["GATHER"][1]
    return [
        new_op(model, "QUANTIZE", [x], [angle], version=VERSIONS["QUANTIZE"][1]),
        new_op(model, "FLOOR_MOD", [angle, turn], [rest], options="FloorModOptions"),
        new_op(model, "GATHER", [row, rest], [y], version=version, options="GatherOptions"),
    ]
