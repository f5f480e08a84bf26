"""Take out RESHAPEs around the products of sequences, and make shapes known before a run.

What enters: a model as the converter gives it. What leaves: an equal one, in which

    before                                                after
    RESHAPE(x, [-1, I]) -> FULLY_CONNECTED                FULLY_CONNECTED(x), which keeps its rank
        -> RESHAPE(.., [.., U])
    RESHAPE(x, shape computed by SHAPE, GATHER, ...)      RESHAPE(x, [1, -1, U]), a constant

The converter flattens the input of a Dense layer, and computes the shapes for this at run time.
Where the runtime does not know a shape while it prepares a model, no shape behind is known either.
Then the buffers that LiteRT's CompiledModel makes for the results have the sizes of the last run,
and each run prepares the model anew. Besides, a RESHAPE is a copy, and XNNPACK has a fault in
copies (`lite.passes.borders`).

The product takes the tensor in front of the RESHAPE, if the leading axes of this tensor are surely
those of the result.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lengths.sizes import Expression, Size
from rnnlite.lite.ir import FREE, Graph, Model, Op, Value
from rnnlite.lite.sizes import Sizes

RANK_KEPT = 5
"""The version of FULLY_CONNECTED that may keep the rank of its input."""

_PURE = {"CAST", "CONCATENATION", "GATHER", "MUL", "PACK", "REDUCE_PROD", "RESHAPE", "SHAPE"}
_PURE |= {"EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE"}
"""Ops that go when nobody reads them any more."""


def drop_flattening(model: Model) -> int:
    """Rewrite each graph as above, in place; gives how many RESHAPEs became plain."""
    count = 0
    for graph in model.graphs:
        if any(_is_reshape(op) for op in graph.ops):
            count += _fix_shapes(graph)
            count += _join_products(graph)
            _drop_unread(graph)
    return count


def _is_reshape(op: Op | None) -> bool:
    return op is not None and op.kind == "RESHAPE"


def _fix_shapes(graph: Graph) -> int:
    """Make computed shapes constants where at most one of their numbers is not known."""
    sizes = Sizes()
    count = 0
    for op in graph.ops:
        if not _is_reshape(op) or len(op.inputs) < 2:
            continue
        shape = op.input(1)
        numbers = sizes.of(shape)
        if shape.producer is None or numbers is None:
            continue
        fixed = [n if isinstance(n, int) else FREE for n in numbers]
        if fixed.count(FREE) > 1 or 0 in fixed:
            continue
        op.inputs = [op.input(0), graph.constant(np.array(fixed, np.int32))]
        count += 1
    return count


def _join_products(graph: Graph) -> int:
    """Let products take their input, and give their result, in the shape that is asked for."""
    sizes = Sizes()
    count = 0
    made: set[Value] = set()
    for op in graph.ops:
        behind = _only_reshape(op.output) if op.kind == "FULLY_CONNECTED" else None
        source = _find_or_add_source(sizes, op, behind, made) if behind is not None else None
        if source is not None and behind is not None:
            result = behind.output
            op.set_input(0, source)
            graph.remove(behind)
            op.outputs = [result]
            op.options["keepNumDims"] = True
            graph.model.raise_version(op, RANK_KEPT)
            count += 1
        made.update(op.outputs)
    return count


def _only_reshape(value: Value) -> Op | None:
    """The RESHAPE that alone reads a value, if that is so."""
    if len(value.readers) != 1 or value.is_result:
        return None
    (op,) = value.readers
    return op if _is_reshape(op) else None


def _find_or_add_source(sizes: Sizes, product: Op, behind: Op, made: set[Value]) -> Value | None:
    """Find what a product can take instead of a flattened value, or add a RESHAPE that makes it.

    With it the product gives what the RESHAPE behind it made of its result. None if not known.

    Args:
        sizes: of the graph.
        product: FULLY_CONNECTED.
        behind: the RESHAPE of the result.
        made: what ops that stand before the product make.
    """
    flat, kernel = product.input(0), product.input(1).dims
    if not _is_reshape(flat.producer) or len(kernel) != 2:
        return None
    wanted = _target(sizes, behind)
    if wanted is None or wanted[-1] != kernel[0]:
        return None
    width, leading = kernel[1], wanted[:-1]
    family = _family(flat, made)
    for value in family:
        if _leads(sizes, value, leading, width):
            return value
    fixed = [n if isinstance(n, int) else FREE for n in leading]
    if fixed.count(FREE) > 1 or not _plain_size(leading):
        return None
    graph, root = flat.graph, family[0]
    source = graph.like(root, quantization=root.quantization)
    source.shape = [max(n, 1) for n in (*fixed, width)]
    source.signature = [*fixed, width] if FREE in fixed else None
    shape = graph.constant(np.array([*fixed, width], np.int32))
    graph.insert(product, graph.op("RESHAPE", [root, shape], [source], options={}))
    made.add(source)
    return source


def _plain_size(leading: list[Size]) -> bool:
    """Whether a number that is not known is what is left over, as -1 says."""
    return all(n == FREE or n > 0 for n in leading if isinstance(n, int))


def _target(sizes: Sizes, op: Op) -> list[Size] | None:
    """The shape that a RESHAPE makes; -1 stands for what is left over."""
    if len(op.inputs) > 1:
        return sizes.of(op.input(1))
    shape = op.numbers("newShape")
    return None if shape is None else [*shape]


def _family(value: Value, made: set[Value]) -> list[Value]:
    """The values there are so far that only RESHAPEs lie between; the one they come from first."""
    root = value
    while (op := root.producer) is not None and _is_reshape(op):
        root = op.input(0)
    found = [root]
    for known in found:
        for op in known.readers:
            if _is_reshape(op) and op.input(0) is known and op.output in made:
                found.append(op.output)
    return found


def _leads(sizes: Sizes, value: Value, leading: list[Size], width: int) -> bool:
    """Whether a value's axes are surely the leading ones that are asked for, and the width.

    It has as many elements as what is asked for.
    """
    shape = value.dims
    if len(shape) != len(leading) + 1 or shape[-1] != width:
        return False
    left_over = 0
    for k, (size, number) in enumerate(zip(shape, leading, strict=False)):
        if number == FREE or (isinstance(number, Expression) and number != sizes.size(value, k)):
            left_over += 1
        elif isinstance(number, int) and size != number:
            return False
    # Both have as many elements: where all axes but one are equal, that one is too.
    return left_over <= 1


def _drop_unread(graph: Graph) -> None:
    """Take out what only made shapes and flattened values, from the end on."""
    for op in reversed(graph.ops):
        if op.kind in _PURE and not any(v.is_read for v in op.outputs):
            graph.remove(op)
