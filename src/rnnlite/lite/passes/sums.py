"""Keep sums of int8 from XNNPACK where a model has several free axes: a fault of XNNPACK.

What enters: a model. What leaves: an equal one. Where the inputs have several free axes, LiteRT
itself runs each SUM and MEAN of int8 whose result has a free size.

XNNPACK adds up int8 in scratch memory, four bytes for each element of the result. It plans its
memory anew when a tensor becomes larger than ever before, but not when only the scratch memory
does. An example: a batch of 3, then a batch of 2 with longer sequences, then the batch of 3 again.
The last plan was made for the scratch memory of 2 rows. In the third run, the scratch memory of the
third row overwrites other tensors (`docs/upstream/xnnpack_reduce_workspace.md`). With one free axis
all sizes grow together, so the last plan fits the largest.

    SUM(x, a constant)    ->    SUM(x, SHAPE(zeros of that shape))

XNNPACK takes a reduction only if its axes are a constant of the file. The result of a SHAPE is no
constant, but LiteRT knows it before a run, and so the size of the reduction's result.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import FREE, Builder, Graph, Model, Op
from rnnlite.lite.schema import type_number

REDUCTIONS = ("SUM", "MEAN")
"""Reductions for which XNNPACK has scratch memory."""


def hold_sums(model: Model) -> int:
    """Let LiteRT run the sums of int8 that may be wrong in XNNPACK, in place.

    Returns:
        How many sums were changed.
    """
    if not any(_free_axes(graph) > 1 for graph in model.called):
        return 0
    found = [(graph, op) for graph in model.graphs for op in graph.ops if _may_be_wrong(op)]
    for graph, op in found:
        _compute_axes(graph, op)
    return len(found)


def _free_axes(graph: Graph) -> int:
    return sum(value.dims.count(FREE) for value in graph.inputs)


def _may_be_wrong(op: Op) -> bool:
    if op.kind not in REDUCTIONS or op.input(0).type != "int8":
        return False
    return op.output.is_free and op.input(1).is_constant


def _compute_axes(graph: Graph, op: Op) -> None:
    axes = [axis % op.input(0).rank for axis in op.input(1).integers() or ()]
    builder = Builder(graph, op)
    zeros = builder.constant(np.zeros(axes, np.int8), "int8")
    op.set_input(1, builder.make("SHAPE", [zeros], [len(axes)], outType=type_number("int32")))
