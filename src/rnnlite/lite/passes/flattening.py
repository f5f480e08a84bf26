"""Products on sequences as they stand, and shapes that are known before a model runs.

What enters: a model as the converter gives it. What leaves: an equal one, in which

    before                                                after
    RESHAPE(x, [-1, I]) -> FULLY_CONNECTED                FULLY_CONNECTED(x), which keeps its rank
        -> RESHAPE(.., [.., U])
    RESHAPE(x, shape computed by SHAPE, GATHER, ...)      RESHAPE(x, [1, -1, U]), a constant

The converter flattens what a Dense layer multiplies and computes the shapes from the input's at run
time. A shape that the runtime does not know while it prepares a model makes all that follows
unknown: buffers made for the results before a run have the size of the run before (LiteRT's
CompiledModel), and each run prepares anew. And a RESHAPE is a copy, in XNNPACK one with a fault
(`lite.borders`).

A tensor is taken instead of the flattened one if it holds the same values in the same order (a
RESHAPE lies between), and its leading axes are surely those of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import at_version, new_constant, new_op, new_tensor
from rnnlite.lite.sizes import Number, Size, Sizes, shape_of

RANK_KEPT = 5
"""The version of FULLY_CONNECTED that may keep the rank of its input."""

_PURE = {"CAST", "CONCATENATION", "GATHER", "MUL", "PACK", "REDUCE_PROD", "RESHAPE", "SHAPE"}
_PURE |= {"EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE"}
"""Ops that go when nobody reads them any more."""


def drop_flattening(model: Any) -> int:
    """Rewrite each subgraph as above, in place; gives how many RESHAPEs became plain."""
    count = 0
    for content in model.subgraphs:
        if any(_is_reshape(model, op) for op in content.operators or []):
            count += _fix_shapes(model, content)
            count += _join_products(model, content)
            _drop_unread(model, content)
    return count


def _is_reshape(model: Any, op: Any) -> bool:
    return flatbuffer.op_name(model, op) == "RESHAPE"


def _fix_shapes(model: Any, content: Any) -> int:
    """Make computed shapes constants where at most one of their numbers is not known."""
    sizes = Sizes(model, content)
    count = 0
    for op in content.operators:
        if not _is_reshape(model, op) or len(op.inputs) < 2:
            continue
        shape = int(op.inputs[1])
        numbers = sizes.of(shape)
        if shape not in sizes.makers or numbers is None:
            continue
        fixed = [n if isinstance(n, int) else -1 for n in numbers]
        if fixed.count(-1) > 1 or 0 in fixed:
            continue
        op.inputs = [int(op.inputs[0]), new_constant(model, content, np.array(fixed, np.int32))]
        count += 1
    return count


def _join_products(model: Any, content: Any) -> int:
    """Let products take their input, and give their result, in the shape that is asked for."""
    sizes = Sizes(model, content)
    readers: dict[int, list[Any]] = {}
    for op in content.operators:
        for t in {int(t) for t in op.inputs}:
            readers.setdefault(t, []).append(op)
    results = {int(t) for t in content.outputs}
    count = 0
    ops: list[Any] = []
    made: set[int] = set()
    gone: set[int] = set()
    for op in content.operators:
        if id(op) in gone:
            continue
        if flatbuffer.op_name(model, op) == "FULLY_CONNECTED":
            behind = readers.get(int(op.outputs[0]), [])
            flat = int(op.outputs[0])
            if len(behind) == 1 and flat not in results and _is_reshape(model, behind[0]):
                source = _unflattened(model, content, sizes, op, behind[0], made, ops)
                if source is not None:
                    op.inputs = [source, *(int(t) for t in op.inputs[1:])]
                    op.outputs = [int(behind[0].outputs[0])]
                    op.builtinOptions.keepNumDims = True
                    at_version(model, op, RANK_KEPT)
                    gone.add(id(behind[0]))
                    # What comes behind must not be led through a RESHAPE that is gone.
                    sizes.makers[int(op.outputs[0])] = op
                    count += 1
        ops.append(op)
        made |= {int(t) for t in op.outputs}
    content.operators = ops
    return count


def _unflattened(
    model: Any,
    content: Any,
    sizes: Sizes,
    product: Any,
    behind: Any,
    made: set[int],
    ops: list[Any],
) -> int | None:
    """What a product can take instead of a flattened tensor, to give what a RESHAPE makes of its
    result; None if that is not known. A RESHAPE may be added to `ops`.

    Args:
        behind: the RESHAPE of the result.
        made: what ops that stand before the product make.
    """
    first = sizes.makers.get(int(product.inputs[0]))
    kernel = shape_of(content.tensors[int(product.inputs[1])])
    if first is None or not _is_reshape(model, first) or len(kernel) != 2:
        return None
    wanted = _target(sizes, behind)
    if wanted is None or wanted[-1] != kernel[0]:
        return None
    width, leading = kernel[1], wanted[:-1]
    family = _family(model, content, sizes, int(product.inputs[0]), made)
    for tensor in family:
        if _leads(content, tensor, leading, family, width):
            return tensor
    fixed = [n if isinstance(n, int) else -1 for n in leading]
    if fixed.count(-1) > 1 or not _plain_size(leading):
        return None
    root = family[0]
    source = new_tensor(content, root, flatbuffer.dtype_name(content.tensors[root]))
    tensor = content.tensors[source]
    tensor.quantization = content.tensors[root].quantization
    tensor.shape = [max(n, 1) for n in (*fixed, width)]
    tensor.shapeSignature = [*fixed, width] if -1 in fixed else None
    shape = new_constant(model, content, np.array([*fixed, width], np.int32))
    ops.append(new_op(model, "RESHAPE", [root, shape], [source], options="ReshapeOptions"))
    made.add(source)
    sizes.makers[source] = ops[-1]
    return source


def _plain_size(leading: list[Number]) -> bool:
    """Whether a number that is not known is what is left over, as -1 says."""
    return all(n == -1 or n > 0 for n in leading if isinstance(n, int))


def _target(sizes: Sizes, op: Any) -> list[Number] | None:
    """The shape that a RESHAPE makes; -1 stands for what is left over."""
    if len(op.inputs) > 1:
        return sizes.of(int(op.inputs[1]))
    shape = op.builtinOptions.newShape
    return None if shape is None else [int(d) for d in shape]


def _family(model: Any, content: Any, sizes: Sizes, tensor: int, made: set[int]) -> list[int]:
    """The tensors there are so far that only RESHAPEs lie between; the one they come from first."""
    root = tensor
    while (op := sizes.makers.get(root)) is not None and _is_reshape(model, op):
        root = int(op.inputs[0])
    found = [root]
    for op in content.operators:
        result = int(op.outputs[0]) if len(op.outputs) else -1
        if result in made and _is_reshape(model, op) and int(op.inputs[0]) in found:
            found.append(result)
    return found


def _leads(content: Any, tensor: int, leading: list[Number], family: list[int], width: int) -> bool:
    """Whether a tensor's axes are surely the leading ones that are asked for, and the width."""
    shape = shape_of(content.tensors[tensor])
    if len(shape) != len(leading) + 1 or shape[-1] != width:
        return False
    left_over = 0
    for k, (size, number) in enumerate(zip(shape, leading, strict=False)):
        if isinstance(number, Size):
            if number.tensor != tensor or number.axis != k:
                left_over += 1
        elif number == -1:
            left_over += 1
        elif size != number:
            return False
    # All others being equal, one axis of a tensor of as many elements is as well.
    return left_over <= 1 and tensor in family


def _drop_unread(model: Any, content: Any) -> None:
    """Take out what only made shapes and flattened tensors, from the end on."""
    read = {int(t) for t in content.outputs}
    kept = []
    for op in reversed(content.operators):
        results = {int(t) for t in op.outputs}
        if flatbuffer.op_name(model, op) in _PURE and not results & read:
            continue
        read |= {int(t) for t in op.inputs}
        kept.append(op)
    content.operators = kept[::-1]
