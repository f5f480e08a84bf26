"""Describe ops of TensorFlow as nodes of a loop (`rnnlite.loops.nodes`).

What enters: a NodeDef and the references that its value depends on. What leaves: a `Node`. An op
that is in no table here becomes `Kind.OTHER`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnnlite.frontends.tensorflow.frames import EXIT, MERGE, SWITCH
from rnnlite.frontends.tensorflow.nodes import PASSING, Graph
from rnnlite.loops import Kind, Node, Ref
from rnnlite.scan.protos import NodeDef
from rnnlite.scan.tensors import Array

ELEMENTWISE = (
    "Abs Cast Cos Div Elu Equal Erf Exp Floor FloorDiv FloorMod LeakyRelu Log LogicalNot LogicalOr "
    "Maximum Minimum Mul Neg NotEqual Pow RealDiv Relu Relu6 Round Rsqrt SelectV2 Selu Sigmoid "
    "Sign Sin Softplus Softsign Sqrt Square SquaredDifference Sub Tanh ZerosLike OnesLike"
)
KINDS: dict[str, Kind] = {
    **dict.fromkeys(ELEMENTWISE.split(), Kind.ELEMENTWISE),
    **dict.fromkeys(PASSING, Kind.PASS),
    **dict.fromkeys(("Const", "HostConst"), Kind.CONSTANT),
    **dict.fromkeys(("Add", "AddV2"), Kind.ADD),
    **dict.fromkeys(("BatchMatMulV2", "Conv2D"), Kind.PRODUCT),
    **dict.fromkeys(
        ("RandomUniform", "RandomStandardNormal", "TruncatedNormal", "Multinomial"), Kind.RANDOM
    ),
    **dict.fromkeys((*MERGE, *SWITCH, *EXIT), Kind.BRANCH),
    **dict.fromkeys(
        ("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"), Kind.BRANCH
    ),
    "LogicalAnd": Kind.AND,
    "Less": Kind.LESS,
    "LessEqual": Kind.LESS_EQUAL,
    "Greater": Kind.GREATER,
    "GreaterEqual": Kind.GREATER_EQUAL,
    "Softmax": Kind.SOFTMAX,
    "MatMul": Kind.MATMUL,
    "BiasAdd": Kind.BIAS_ADD,
    "ConcatV2": Kind.CONCAT,
    "ExpandDims": Kind.EXPAND,
    "GatherV2": Kind.GATHER,
    "TensorArrayReadV3": Kind.READ_ROW,
    "TensorListGetItem": Kind.READ_ROW,
    "TensorArrayWriteV3": Kind.WRITE_ROW,
    "TensorListSetItem": Kind.WRITE_ROW,
}
OPERANDS = {
    "TensorArrayReadV3": (2, 1),
    "TensorListGetItem": (0, 1),
    "TensorArrayWriteV3": (3, 1, 2),
    "TensorListSetItem": (0, 1, 2),
}
"""By op: the indices of the inputs that are the operands (array, index) or (array, index, row)."""


def described(
    node: NodeDef,
    reads: Sequence[Ref],
    inputs: Sequence[Ref],
    row: tuple[Ref, Ref, int] | None = None,
) -> Node:
    """Describe a NodeDef as a `Node`.

    Args:
        node: the NodeDef.
        reads: references to all values that it depends on.
        inputs: references to its data inputs.
        row: tensor, index and axis of a node that takes one row (`row_read`); else None.
    """
    axis: int | Ref | None = None
    kind, operands = KINDS.get(node.op, Kind.OTHER), tuple(inputs)
    if row is not None:
        kind, operands, axis = Kind.READ_ROW, row[:2], row[2]
    elif node.op in OPERANDS:
        operands = tuple(inputs[k] for k in OPERANDS[node.op])
    elif kind in (Kind.CONCAT, Kind.EXPAND, Kind.GATHER):
        *parts, axis = inputs
        operands = tuple(parts)
    if kind is Kind.MATMUL and _is_set(node, "transpose_a"):
        kind = Kind.OTHER
    if kind is Kind.GATHER and "batch_dims" in node.attr and node.attr["batch_dims"].i:
        kind = Kind.OTHER
    return Node(
        name=node.name,
        op=node.op,
        kind=kind,
        reads=tuple(reads),
        result=f"{node.name}:0",
        operands=operands,
        value=_number(node) if kind is Kind.CONSTANT else None,
        axis=axis,
        transposed=kind is Kind.MATMUL and _is_set(node, "transpose_b"),
        function=node.op.lower(),
    )


def row_read(graph: Graph, node: NodeDef) -> tuple[Ref, Ref, int] | None:
    """Tensor, index and axis of x[i], x[i, :], x[:, i] and the like; None for any other node."""
    if node.op != "StridedSlice":
        return None
    masks = {k: node.attr[f"{k}_mask"].i for k in ("begin", "end", "shrink_axis", "ellipsis")}
    x, begin, _, strides = graph.inputs(node)
    packed, steps = graph.node(graph.origin(begin)), graph.node(graph.origin(strides))
    if packed.op != "Pack" or steps.op != "Const" or node.attr["new_axis_mask"].i:
        return None
    entries = graph.inputs(packed)
    axis = masks["shrink_axis"].bit_length() - 1
    # Behind an ellipsis the axis would depend on the rank.
    if masks["shrink_axis"] != 1 << max(axis, 0) or masks["ellipsis"] & ((2 << axis) - 1):
        return None
    if axis >= len(entries) or masks["begin"] >> axis & 1:
        return None
    whole = masks["begin"] & masks["end"] | masks["ellipsis"]
    unit = tf.make_ndarray(steps.attr["value"].tensor) == 1
    if not unit.all() or any(not whole >> k & 1 for k in range(len(entries)) if k != axis):
        return None
    return x, entries[axis], axis


def _is_set(node: NodeDef, attribute: str) -> bool:
    """Whether a flag is there and set; asking a NodeDef for one that is not there would add it."""
    return attribute in node.attr and bool(node.attr[attribute].b)


def _number(node: NodeDef) -> Array | None:
    """The value of a constant that is one number."""
    tensor = node.attr["value"].tensor
    if tensor.tensor_shape.dim or not tf.as_dtype(tensor.dtype).is_numpy_compatible:
        return None
    value: Array = tf.make_ndarray(tensor)
    return value if value.dtype.kind in "biuf" else None


OPS = {
    Kind.MATMUL: "MatMul",
    Kind.CONCAT: "ConcatV2",
    Kind.ADD: "AddV2",
    Kind.BIAS_ADD: "BiasAdd",
}


def made(node: Node, like: NodeDef) -> Any:
    """The NodeDef of a `Node` that `rnnlite.loops` made.

    Args:
        node: a node of one of the kinds of `OPS`.
        like: a NodeDef of the same dtype.
    """
    definition = tf.compat.v1.NodeDef(op=OPS[node.kind], name=node.name, input=node.reads)
    definition.attr["T"].CopyFrom(like.attr["T"])
    if node.kind is Kind.CONCAT:
        definition.attr["N"].i = len(node.operands)
        definition.attr["Tidx"].type = tf.int32.as_datatype_enum
    return definition
