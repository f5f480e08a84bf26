"""Make scalars by SQUEEZE, not by RESHAPE.

    RESHAPE(x of one element, [])    ->    SQUEEZE(x)

What enters: a model as the converter gives it, changed in place. What leaves: an equal one.

The shape operand of such a RESHAPE has no elements, so no buffer. The runtime takes this for a
shape that is not known before a run. Then the shapes of the results of a loop around it are not
known, nor any shape behind the loop. So the buffers that LiteRT's CompiledModel makes for the
results have the sizes of the last run.
"""

from __future__ import annotations

from rnnlite.lite.ir import Model, Op


def squeeze_scalars(model: Model) -> int:
    """Rewrite the RESHAPEs that make scalars, in place; gives how many."""
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
