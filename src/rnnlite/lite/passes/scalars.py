"""Scalars by SQUEEZE.

    RESHAPE(x of one element, [])    ->    SQUEEZE(x)

What enters: a model as the converter gives it, changed in place. What leaves: an equal one.

The shape of a scalar is a tensor without elements, so without a buffer, and the runtime takes it
for one that is not known before a run. What is not known within a loop makes the results of the
loop unknown, and all behind it: buffers that are made for the results before a run (LiteRT's
CompiledModel) have the size of the run before.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model, Op


def squeeze_scalars(model: Model) -> int:
    """Rewrite such ops, in place; gives how many."""
    count = 0
    for graph in model.graphs:
        for op in graph.ops:
            if not _gives_scalar(op):
                continue
            x = op.input(0)
            made = graph.op(
                "SQUEEZE", [x], [op.output], options={"squeezeDims": list(range(x.rank))}
            )
            graph.replace(op, made)
            count += 1
    return count


def _gives_scalar(op: Op) -> bool:
    if op.kind != "RESHAPE" or len(op.inputs) < 2:
        return False
    x, shape = op.input(0), op.input(1)
    return shape.producer is None and shape.is_empty and set(x.dims) == {1}
