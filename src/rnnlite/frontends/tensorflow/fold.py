"""Compute ops of known inputs at conversion time: kernels that are split, sliced or transposed.

The weights of a matrix product must be constants: in float this makes it fast, and without it there
is no quantization. What enters: an op with tensors whose values are known. What leaves: constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute

from rnnlite.scan.protos import AttrValue
from rnnlite.scan.tensors import Array, Tensor

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.emit import Emission

FOLDED = frozenset(
    [
        "Add",
        "AddV2",
        "BroadcastTo",
        "Cast",
        "ConcatV2",
        "Div",
        "Equal",
        "Exp",
        "ExpandDims",
        "Fill",
        "FloorDiv",
        "FloorMod",
        "GatherV2",
        "Greater",
        "GreaterEqual",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "MatMul",
        "Max",
        "Maximum",
        "Mean",
        "Min",
        "Minimum",
        "Mul",
        "Neg",
        "NotEqual",
        "Pack",
        "Pow",
        "Prod",
        "Range",
        "RealDiv",
        "Reciprocal",
        "Reshape",
        "ReverseV2",
        "Rsqrt",
        "Select",
        "SelectV2",
        "Shape",
        "Sigmoid",
        "Size",
        "Slice",
        "Split",
        "SplitV",
        "Sqrt",
        "Square",
        "Squeeze",
        "StridedSlice",
        "Sub",
        "Sum",
        "Tanh",
        "Tile",
        "Transpose",
        "Unpack",
        "ZerosLike",
        "OnesLike",
    ]
)
GROWTH = 1 << 16
"""A result may have so many elements more than the inputs. A larger one, such as zeros of a large
shape, is not written into the file as a constant."""


def folded(
    emission: Emission, op: str, inputs: Sequence[Tensor], attrs: Mapping[str, AttrValue]
) -> list[Any] | None:
    """The results of an op as constants; None where the op is not computed here, but emitted."""
    if op not in FOLDED:
        return None
    if op in ("Shape", "Size") and inputs[0].shape.is_fully_defined():
        arrays = [np.zeros(())]
        shape = np.array(inputs[0].shape.as_list(), np.int64)
        value = shape if op == "Shape" else np.prod(shape)
        kind = tf.as_dtype(attrs["out_type"].type) if "out_type" in attrs else tf.int32
        results = [np.asarray(value, kind.as_numpy_dtype)]
    else:
        values = [emission.static(t) for t in inputs]
        if any(v is None for v in values):
            return None
        arrays = [np.asarray(v) for v in values]
        results = run_op(op, arrays, attrs)
    size = sum(a.size for a in arrays)
    if sum(r.size for r in results) > size + GROWTH:
        return None
    tensors = [tf.constant(r) for r in results]
    for tensor, value in zip(tensors, results, strict=True):
        emission.remember(tensor, value)
    return tensors


def run_op(op: str, inputs: Sequence[Array], attrs: Mapping[str, AttrValue]) -> list[Any]:
    """The results of an op on arrays, computed by TensorFlow.

    Args:
        op: its type.
        inputs: of shapes and dtypes that it takes.
        attrs: its attributes, as its node has them.

    Returns:
        a NumPy array for each result.
    """
    flat: list[Any] = []
    for name, attr in attrs.items():
        flat += [name, _value(attr)]
    count = {"Split": "num_split", "SplitV": "num_split", "Unpack": "num"}.get(op)
    number = attrs[count].i if count else 1
    with tf.init_scope(), tf.device("/CPU:0"):
        given = [tf.constant(a) for a in inputs]
        results = execute.execute(op.encode(), number, given, tuple(flat), context.context())
    return [r.numpy() for r in results]


def _value(attr: AttrValue) -> Any:
    kind = attr.WhichOneof("value")
    if kind == "list":
        return [*attr.list.i, *attr.list.f, *attr.list.s, *attr.list.type]
    if kind == "shape":
        return tf.TensorShape(attr.shape)
    return None if kind is None else getattr(attr, kind)
