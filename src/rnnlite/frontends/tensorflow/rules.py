"""Rules for ops that need another form, such as constants and selections, or that are refused.

What enters: the emitter, a node, and the values of its inputs. What leaves: the values of its
results, or a refusal by name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Value
from rnnlite.frontends.tensorflow.emit import Emitter, emit_constant, rule, value_rule
from rnnlite.frontends.tensorflow.outputs import numbers_behind
from rnnlite.scan.protos import NodeDef
from rnnlite.scan.tensors import Tensor
from rnnlite.slicing import masks_of, split_axes


@rule("Const", "HostConst")
def _const(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    value = tf.make_ndarray(node.attr["value"].tensor)
    if value.dtype.kind in "OSU":
        raise UnsupportedError(
            f"the constant '{node.name}' holds strings, which LiteRT models here do not",
            expected="numbers",
            remedy="Name inputs behind it and outputs in front of it, and look strings up outside",
        )
    return [emit_constant(emitter, value)]


@rule("Placeholder", "PlaceholderV2")
def _placeholder(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    raise UnsupportedError(
        f"the outputs need the input '{node.name}:0', which was not named",
        remedy=f"Add it to the inputs, or fix it: constants={{'{node.name}:0': VALUE}} "
        f"(--constant {node.name}:0=VALUE), or leave the inputs to be found",
    )


@value_rule("PlaceholderWithDefault")
def _default(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    return inputs[:1]


@value_rule("NoOp", "Assert", "Abort", "Print")
def _nothing(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    return inputs[:1]


@value_rule("IdentityN")
def _identities(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    return inputs


@rule("Select")
def _select(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """Its condition may be a vector over the first axis; SelectV2 broadcasts from the last."""
    keep, a, b = inputs
    if keep.shape.rank == 1 and a.shape.rank and a.shape.rank > 1:
        keep = tf.reshape(keep, [-1] + [1] * (a.shape.rank - 1))
    return [tf.where(keep, a, b)]


@rule("Transpose")
def _transpose(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """Swapping an axis of one moves nothing: a reshape does it at no cost."""
    x, axes = inputs
    order = emitter.emission.static(axes)
    shape = x.shape
    if order is not None and shape.rank and emitter.emission.static(x) is None:
        long = [a for a in order if shape[a] != 1]
        turned = [shape[a] for a in order]
        if long == sorted(long) and sum(d is None for d in turned) <= 1:
            return [tf.reshape(x, [-1 if d is None else d for d in turned])]
    return emitter.create(node, inputs)


@rule("GreaterEqual")
def _greater_equal(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """Dropout keeps where a random number is not below the rate: at rate 0 everywhere."""
    rate = emitter.emission.static(inputs[1])
    if rate is not None and np.all(rate <= 0) and _is_uniform(emitter, inputs[0]):
        return [emit_constant(emitter, np.array(True))]
    return emitter.create(node, inputs)


@rule("Floor")
def _floor(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """Dropout of before TensorFlow 1.13 keeps where keep_prob plus a random number reaches 1."""
    (x,) = inputs
    if tf.is_tensor(x) and x.op.type in ("Add", "AddV2"):
        for known, other in (x.op.inputs, reversed(x.op.inputs)):
            value = emitter.emission.static(known)
            whole = value is not None and np.size(value) == 1 and float(value) == int(value)
            if whole and _is_uniform(emitter, other):
                return [emit_constant(emitter, np.float32(value).reshape([]))]
    return emitter.create(node, inputs)


def _is_uniform(emitter: Emitter, tensor: Tensor) -> bool:
    """Whether a tensor is RandomUniform times 1 plus 0, as random.uniform writes it."""
    while tensor.op.type in ("Add", "AddV2", "Mul"):
        neutral = 1.0 if tensor.op.type == "Mul" else 0.0
        value, constant = tensor.op.inputs
        if emitter.emission.static(constant) is None:
            value, constant = constant, value
        known = emitter.emission.static(constant)
        if known is None or np.any(known != neutral):
            return False
        tensor = value
    return tensor.op.type in ("RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2")


@rule("Mul", "RealDiv", "Div")
def _scaled(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """Dropout that is off leaves products with 1 and quotients by 1 behind."""
    x, by = inputs
    for value, factor in ((x, by), (by, x))[: 2 if node.op == "Mul" else 1]:
        known = emitter.emission.static(factor)
        one = known is not None and np.ndim(known) == 0 and known == 1
        if one and tf.is_tensor(value) and value.dtype.is_floating:
            return [value]
    return emitter.create(node, inputs)


@rule("StridedSlice")
def _strided_slice(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
    """The converter takes no new axes in tensors of free shape: they become ExpandDims."""
    bounds = [emitter.emission.static(t) for t in inputs[1:]]
    if not node.attr["new_axis_mask"].i or any(b is None for b in bounds):
        return emitter.create(node, inputs)
    axes = split_axes(masks_of(node), len(bounds[0]))
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
def _batch_matmul(emitter: Emitter, node: NodeDef, inputs: list[Tensor]) -> Sequence[Value]:
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
    "StringToHashBucketFast AsString DecodeCSV"
)
TABLES = (
    "HashTable HashTableV2 LookupTableFind LookupTableFindV2 MutableHashTableV2 "
    "InitializeTableV2 InitializeTableFromTextFileV2 LookupTableSizeV2"
)


@value_rule(*TABLES.split(), *STRINGS.split())
def _strings(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    types = emitter.graph.types(node)
    numbers = types and not any(t in (tf.string, tf.resource, tf.variant) for t in types)
    behind = [f"{node.name}:0"] if numbers else numbers_behind(emitter.graph, f"{node.name}:0")
    cut = ", ".join(repr(r) for r in behind[:3])
    raise UnsupportedError(
        f"{node.op} '{node.name}' works on strings or a table, which LiteRT models here do not",
        expected="numbers",
        remedy=f"Cut the graph behind it: give {cut} as an input (--inputs), and look up outside"
        if behind
        else "Name outputs in front of it (--outputs), and look strings up outside",
    )


DECODERS = "CTCGreedyDecoder CTCBeamSearchDecoder CTCBeamSearchDecoderV2"
PYTHON = "PyFunc PyFuncStateless EagerPyFunc"


@value_rule(*DECODERS.split(), *PYTHON.split())
def _outside(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    front = emitter.graph.inputs(node)[0]
    raise UnsupportedError(
        f"{node.op} '{node.name}' has no form in builtin LiteRT ops",
        remedy=f"Name outputs in front of it, such as '{front}' (--outputs {front}), and run it "
        "outside",
    )


VARIABLES = "VarHandleOp ReadVariableOp VariableV2 Variable AssignVariableOp ResourceGather"


@value_rule(*VARIABLES.split(), "AssignAddVariableOp", "Assign")
def _variable(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
    raise UnsupportedError(
        f"{node.op} '{node.name}' is a variable, of which the graph holds no value",
        expected="a frozen graph, with variables as constants",
        remedy="Convert the checkpoint or SavedModel instead, or freeze the graph from it",
    )
