"""Compute nodes whose operands are all known, by ONNX's own reference implementation.

What enters: a node and its operands. What leaves: its results as arrays; None where an operand is
not known, or the results would be large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlite.frontends.onnx.nodes import FLOATS, Graph, Node
from rnnlite.frontends.onnx.values import Dims
from rnnlite.scan.tensors import Array

if TYPE_CHECKING:
    from rnnlite.frontends.onnx.emit import Argument

LARGEST = 1 << 26
"""Results of more elements are not computed; an Expand of a constant may exceed memory."""


def folded(node: Node, inputs: Sequence[Argument]) -> list[Array] | None:
    """The results of a node whose inputs are all known.

    Args:
        node: the node.
        inputs: arrays and `Dims` in ONNX's order of axes; None where one is left out.

    Returns:
        an array for each output; None where an input is not known, or the results would be large.
    """
    arrays: list[Array | None] = []
    for operand in inputs:
        value = operand.known() if isinstance(operand, Dims) else operand
        if value is not None and not isinstance(value, np.ndarray):
            return None
        if isinstance(operand, Dims) and value is None:
            return None
        arrays.append(value)
    if any(isinstance(a, Graph) for a in node.attributes.values()) or not _is_small(node, arrays):
        return None
    return _computed(node, arrays)


def _is_small(node: Node, arrays: Sequence[Array | None]) -> bool:
    sizes = [a.size for a in arrays if a is not None]
    if node.op in ("Expand", "Tile", "ConstantOfShape", "Resize") and arrays:
        shape = arrays[0] if node.op == "ConstantOfShape" else arrays[-1]
        if shape is not None and shape.size and shape.dtype.kind in "iu":
            return bool(np.prod(np.abs(shape.astype(float)) + 1) * max(sizes) <= LARGEST)
    return sum(sizes) <= LARGEST


def _computed(node: Node, arrays: Sequence[Array | None]) -> list[Array] | None:
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    if node.op == "Constant":
        return None
    names = [f"i{k}" if a is not None else "" for k, a in enumerate(arrays)]
    outputs = [name and f"o{k}" for k, name in enumerate(node.outputs)]
    attributes = {
        k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
        for k, v in node.attributes.items()
    }
    made = helper.make_node(node.op, names, outputs, domain=node.domain, **attributes)
    kinds = {n: a for n, a in zip(names, arrays, strict=True) if a is not None}
    graph = helper.make_graph(
        [made],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in kinds.items()
        ],
        [helper.make_tensor_value_info(o, TensorProto.UNDEFINED, None) for o in outputs if o],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, node.version)])
    try:
        with np.errstate(all="ignore"):
            found = ReferenceEvaluator(model).run(None, dict(kinds))
    except Exception:  # noqa: BLE001 - the implementation lacks the op, or a form of it
        return None
    results = iter(found)
    return [_in_float32(np.asarray(next(results))) if o else np.zeros(0) for o in outputs]


def _in_float32(array: Array) -> Array:
    """An array of half or double precision in float32, in which all is computed."""
    return array.astype(np.float32) if array.dtype.name in FLOATS else array
