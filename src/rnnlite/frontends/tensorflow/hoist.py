"""Ops of one time step as ops over all time steps at once.

What enters: a node and its inputs as sequences (T, ...) or invariants. What leaves: its result as a
sequence. An op stands here if it treats time steps apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from rnnlite.frontends.tensorflow.nodes import PASSING, name_of

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.cell import GraphCell

ELEMENTWISE = frozenset(
    [
        "Abs",
        "Add",
        "AddV2",
        "Cast",
        "Cos",
        "Div",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Floor",
        "FloorDiv",
        "FloorMod",
        "Greater",
        "GreaterEqual",
        "LeakyRelu",
        "Less",
        "LessEqual",
        "Log",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "Maximum",
        "Minimum",
        "Mul",
        "Neg",
        "NotEqual",
        "Pow",
        "RealDiv",
        "Relu",
        "Relu6",
        "Round",
        "Rsqrt",
        "SelectV2",
        "Selu",
        "Sigmoid",
        "Sign",
        "Sin",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Square",
        "SquaredDifference",
        "Sub",
        "Tanh",
        "ZerosLike",
        "OnesLike",
    ]
)
HOISTED = ELEMENTWISE | {"MatMul", "BiasAdd", "ConcatV2", "Softmax", "GatherV2", "ExpandDims"}


@dataclass(frozen=True, eq=False)
class Sequenced:
    """A tensor of every time step.

    Attributes:
        tensor: (T, ...).
        rank: of one time step.
    """

    tensor: Any
    rank: int


def may_hoist(cell: GraphCell, node: Any) -> bool:
    """Whether the op with these inputs treats time steps apart."""
    inputs = cell.graph.inputs(node)
    shapes = [_shape(cell, r) for r in inputs]
    if node.op in PASSING or node.op in ELEMENTWISE or node.op == "Softmax":
        return all(s is not None and s.rank is not None for s in shapes)
    varying = [cell.class_of(r) != 0 for r in inputs]
    if node.op == "MatMul":
        return varying == [True, False] and not node.attr["transpose_a"].b
    if node.op == "BiasAdd":
        return varying == [True, False] and _rank(shapes[0]) == 2
    if node.op == "ConcatV2":
        return all(varying[:-1]) and cell.kernel(inputs[-1]) is not None
    if node.op == "ExpandDims":
        return cell.kernel(inputs[-1]) is not None and not varying[1]
    if node.op == "GatherV2":
        axis = cell.kernel(inputs[2])
        return varying == [False, True, False] and axis is not None and int(axis) == 0
    return False


def emit_over_time(cell: GraphCell, node: Any, values: dict[str, Sequenced]) -> None:
    """Emit a node over all time steps into `values`."""
    inputs = cell.graph.inputs(node)
    if node.op in PASSING:
        values[f"{node.name}:0"] = values[inputs[0]]
        return
    found = [values[r] if r in values else cell.invariant.get(r) for r in inputs]
    if node.op == "MatMul":
        result = _product(found[0], found[1], node)
    elif node.op == "BiasAdd":
        result = Sequenced(found[0].tensor + found[1], found[0].rank)
    elif node.op == "ConcatV2":
        axis = int(cell.kernel(inputs[-1]))
        rank = found[0].rank
        parts = [f.tensor for f in found[:-1]]
        result = Sequenced(tf.concat(parts, axis + 1 if axis >= 0 else axis), rank)
    elif node.op == "ExpandDims":
        axis = int(cell.kernel(inputs[-1]))
        result = Sequenced(
            tf.expand_dims(found[0].tensor, axis + 1 if axis >= 0 else axis), found[0].rank + 1
        )
    elif node.op == "GatherV2":
        table: Any = found[0]
        ids = found[1]
        result = Sequenced(tf.gather(table, ids.tensor), ids.rank + table.shape.rank - 1)
    else:
        result = _elementwise(cell, node, found)
    values[f"{node.name}:0"] = result


def _shape(cell: GraphCell, reference: str) -> Any:
    if cell.class_of(reference) == 0:
        value = cell.invariant.get(reference)
        return value.shape if tf.is_tensor(value) else None
    if reference in cell.counters:
        return tf.TensorShape([])
    return cell.shapes.get(reference, cell.shapes.get(f"{name_of(reference)}:0"))


def _rank(shape: Any) -> int | None:
    return None if shape is None else shape.rank


def _product(x: Sequenced, kernel: Any, node: Any) -> Sequenced:
    """(T, B, F) @ (F, G) as one product over all time steps."""
    if node.attr["transpose_b"].b:
        kernel = tf.transpose(kernel)
    features, width = kernel.shape
    _, batch, _ = x.tensor.shape
    product = tf.matmul(tf.reshape(x.tensor, [-1, features]), kernel)
    if batch is not None:
        return Sequenced(tf.reshape(product, [-1, batch, width]), 2)
    shape = tf.shape(x.tensor)
    return Sequenced(tf.reshape(product, tf.stack([shape[0], shape[1], width])), 2)


def _elementwise(cell: GraphCell, node: Any, inputs: Sequence[Any]) -> Sequenced:
    """Ranks are aligned behind the time axis, as broadcasting aligns them within a step."""
    ranks = [f.rank if isinstance(f, Sequenced) else f.shape.rank for f in inputs]
    rank = max(ranks)
    aligned = []
    for value in inputs:
        if not isinstance(value, Sequenced):
            aligned.append(value)
            continue
        tensor = value.tensor
        for _ in range(rank - value.rank):
            tensor = tf.expand_dims(tensor, 1)
        aligned.append(tensor)
    (result,) = cell.invariant.create(node, aligned)
    return Sequenced(result, rank)
