"""Ops that LiteRT has no kernel for in int8 and int16, but that int32 can do.

What enters: a rewritten op, with an int16 operand and an int16 result. What leaves: ops in its
place.

    CUMSUM      in int32, in steps of the operand, then rounded to the steps of the result
    SIN, COS    the operand in steps of a 2048th of a turn, its remainder looked up in a table
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import Op, Quantization
from rnnlite.quantization.ops import VERSIONS, WAVES

TURN = 2048
"""Steps of a full turn: half a step is 0.0015, the largest error of an angle."""

WAVE_SCALE = 2.0**-15


def compute_in_int32(op: Op) -> None:
    """Replace an op with int16 operand and result by ops that compute in int32."""
    if op.kind in WAVES:
        _look_up(op)
    else:
        _cumulate(op)


def _cumulate(op: Op) -> None:
    x, y = op.input(0), op.output
    graph = x.graph
    plain = graph.like(x, "int32")
    total = graph.like(y, "int32", Quantization.of(x.scale))
    op.set_input(0, plain)
    op.outputs = [total]
    graph.insert(op, graph.op("CAST", [x], [plain], version=VERSIONS["CAST"][1]))
    version = VERSIONS["QUANTIZE"][1]
    graph.insert_behind(op, graph.op("QUANTIZE", [total], [y], version=version))


def _look_up(op: Op) -> None:
    x, y = op.input(0), op.output
    graph = x.graph
    angle = graph.like(x, "int32", Quantization.of(2 * np.pi / TURN))
    rest = graph.like(x, "int32")
    turn = graph.constant(np.array(TURN, np.int32))
    values = WAVES[op.kind](np.arange(TURN) * (2 * np.pi / TURN)) / WAVE_SCALE
    table = np.clip(np.rint(values), -32767, 32767).astype(np.int16)
    known = Quantization.of(WAVE_SCALE)
    row = graph.constant(table, name=op.kind.lower(), quantization=known)
    graph.replace(
        op,
        graph.op("QUANTIZE", [x], [angle], version=VERSIONS["QUANTIZE"][1]),
        graph.op("FLOOR_MOD", [angle, turn], [rest], options={}),
        graph.op("GATHER", [row, rest], [y], version=VERSIONS["GATHER"][1], options={}),
    )
