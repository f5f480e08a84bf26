"""Keep sums of int8 from XNNPACK where sizes change apart: it overwrites other tensors there.

What enters: a model. What leaves: the same model, in which LiteRT runs each SUM and MEAN of int8
whose result has a free size, where inputs have several free axes.

XNNPACK adds up int8 in scratch memory of four bytes a result. It plans its memory anew when a
tensor gets larger than it ever was, but not when scratch memory alone does. So a batch of 3, then
a longer one of 2, then one of 3 that is short again: the last plan was for the sums of 2, and those
of the third row lie on other tensors (`docs/upstream/xnnpack_reduce_workspace.md`). With one free
axis all sizes grow and shrink together, and the last plan was for the largest.

    SUM(x, a constant)    ->    SUM(x, SHAPE(zeros of that shape))

XNNPACK takes a reduction whose axes stand in the file. LiteRT knows a SHAPE before a run, and so
the size of the result.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lite.ir import FREE, Builder, Graph, Model, Op
from rnnlite.lite.schema import type_number

REDUCTIONS = ("SUM", "MEAN")
"""Those that add up, and have scratch memory for it."""


def hold_sums(model: Model) -> int:
    """Let LiteRT run the sums of int8 that may be wrong in XNNPACK, in place.

    Returns:
        How many there are.
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
