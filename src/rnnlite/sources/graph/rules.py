"""Rules for ops that need another form: constants, inputs, selections, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.lite.rewrite import split_axes
from rnnlite.sources.graph.emit import Emitter, emit_constant, rule
from rnnlite.sources.graph.loop import Value


@rule("Const", "HostConst")
def _const(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    value = tf.make_ndarray(node.attr["value"].tensor)
    if value.dtype.kind in "OSU":
        raise UnsupportedError(
            f"the constant '{node.name}' holds strings, which LiteRT models here do not",
            expected="numbers",
            remedy="Name inputs behind it and outputs in front of it, and look strings up outside",
        )
    if value.dtype == np.float64:
        value = value.astype(np.float64)
    return [emit_constant(emitter, value)]


@rule("Placeholder", "PlaceholderV2")
def _placeholder(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    raise UnsupportedError(
        f"the outputs need the input '{node.name}:0', which was not named",
        remedy=f"Add it to the inputs, or leave the inputs to be found",
    )


@rule("PlaceholderWithDefault")
def _default(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    return inputs[:1]


@rule("NoOp", "Assert", "Abort", "Print")
def _nothing(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    return inputs[:1]


@rule("IdentityN")
def _identities(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    return inputs


@rule("Select")
def _select(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    """Its condition may be a vector over the first axis; SelectV2 broadcasts from the last."""
    keep, a, b = inputs
    if keep.shape.rank == 1 and a.shape.rank and a.shape.rank > 1:
        keep = tf.reshape(keep, [-1] + [1] * (a.shape.rank - 1))
    return [tf.where(keep, a, b)]


@rule("Transpose")
def _transpose(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    """Swapping an axis of one moves nothing: a reshape does it at no cost."""
    x, axes = inputs
    order = emitter.session.static(axes)
    shape = x.shape
    if order is not None and shape.rank and emitter.session.static(x) is None:
        long = [a for a in order if shape[a] != 1]
        turned = [shape[a] for a in order]
        if long == sorted(long) and sum(d is None for d in turned) <= 1:
            return [tf.reshape(x, [-1 if d is None else d for d in turned])]
    return emitter.create(node, inputs)


@rule("StridedSlice")
def _strided_slice(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    """The converter takes no new axes in tensors of free shape: they become ExpandDims."""
    bounds = [emitter.session.static(t) for t in inputs[1:]]
    if not node.attr["new_axis_mask"].i or any(b is None for b in bounds):
        return emitter.create(node, inputs)
    axes = split_axes(node, len(bounds[0]))
    plain = tf.compat.v1.NodeDef()
    plain.CopyFrom(node)
    plain.attr["new_axis_mask"].i = 0
    for mask in ("begin", "end", "shrink_axis", "ellipsis"):
        old = node.attr[f"{mask}_mask"].i
        plain.attr[f"{mask}_mask"].i = sum((old >> k & 1) << n for n, k in enumerate(axes.kept))
    result = inputs[0]
    if axes.kept:
        parts = [emit_constant(emitter, b[axes.kept]) for b in bounds]
        (result,) = emitter.create(plain, [inputs[0], *parts])
    for axis in axes.order():
        result = tf.expand_dims(result, axis)
    return [result]


@rule("BatchMatMul", "BatchMatMulV3")
def _batch_matmul(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    adjoint = {k: node.attr[k].b for k in ("adj_x", "adj_y") if k in node.attr}
    return [
        tf.matmul(
            *inputs,
            transpose_a=adjoint.get("adj_x", False),
            transpose_b=adjoint.get("adj_y", False),
        )
    ]


STRINGS = (
    "DecodeRaw ParseExample ParseExampleV2 StringToNumber StringSplit StringSplitV2 StringJoin "
    "StringToHashBucketFast AsString DecodeCSV SparseToDense"
)
TABLES = (
    "HashTable HashTableV2 LookupTableFind LookupTableFindV2 MutableHashTableV2 "
    "InitializeTableV2 InitializeTableFromTextFileV2 LookupTableSizeV2"
)


@rule(*TABLES.split(), *[s for s in STRINGS.split() if s != "SparseToDense"])
def _strings(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    raise _table_refusal(emitter, node)


def _table_refusal(emitter: Emitter, node: Any) -> UnsupportedError:
    behind = [n.name for n in emitter.graph.consumers.get(node.name, [])]
    cut = f"{node.name}:0"
    return UnsupportedError(
        f"{node.op} '{node.name}' works on strings or a table, which LiteRT models here do not",
        expected="numbers",
        found=f"it feeds {', '.join(repr(b) for b in behind[:3])}" if behind else "",
        remedy=f"Cut the graph behind it: give '{cut}' as an input, and look up outside",
    )


VARIABLES = "VarHandleOp ReadVariableOp VariableV2 Variable AssignVariableOp ResourceGather"


@rule(*VARIABLES.split(), "AssignAddVariableOp", "Assign")
def _variable(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    raise UnsupportedError(
        f"{node.op} '{node.name}' is a variable, of which the graph holds no value",
        expected="a frozen graph, with variables as constants",
        remedy="Convert the checkpoint or SavedModel instead, or freeze the graph from it",
    )
