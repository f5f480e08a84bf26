"""Rules for the ops of TensorArrays (TensorFlow 1) and TensorLists (TensorFlow 2).

What enters: a node and the values of its inputs, an `Array` among them. What leaves: the values of
its results; an array that is written is another `Array`.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Array, Value, array_of, tensor_of
from rnnlite.frontends.tensorflow.emit import Emitter, value_rule
from rnnlite.frontends.tensorflow.nodes import Graph
from rnnlite.scan.protos import NodeDef
from rnnlite.scan.tensors import Count, Tensor


def _where(node: NodeDef) -> str:
    return f"{node.op} '{node.name}'"


def _array(node: NodeDef, inputs: list[Value], place: int) -> Array:
    """The array that a node reads."""
    return array_of(inputs[place], _where(node))


def _tensor(node: NodeDef, inputs: list[Value], place: int) -> Tensor:
    """A tensor that a node reads."""
    return tensor_of(inputs[place], _where(node), node.input[place])


def _all_in_order(emitter: Emitter, graph: Graph, reference: str, value: Value) -> bool:
    """Whether indices are 0, 1, 2, ... to the end."""
    known = emitter.emission.static(value)
    if known is not None:
        return bool(np.array_equal(known, np.arange(len(known))))
    node = graph.node(graph.origin(reference))
    if node.op != "Range":
        return False
    start, _, delta = (emitter.emission.static(emitter.get(r)) for r in graph.inputs(node))
    return start is not None and delta is not None and int(start) == 0 and int(delta) == 1


@value_rule("TensorArrayV3")
def _create(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    known = emitter.emission.static(inputs[0])
    size = int(known) if known is not None else _tensor(node, inputs, 0)
    element = tf.TensorShape(
        node.attr["element_shape"].shape if "element_shape" in node.attr else None
    )
    array = Array(
        tf.as_dtype(node.attr["dtype"].type),
        None if node.attr["dynamic_size"].b else size,
        element,
        None,
        node.name,
    )
    return [array, array]


@value_rule("TensorArrayScatterV3")
def _scatter(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    indices, value = (_tensor(node, inputs, k) for k in (1, 2))
    if not _all_in_order(emitter, emitter.graph, emitter.graph.inputs(node)[1], indices):
        value = tf.gather(value, tf.argsort(indices))
    return [_array(node, inputs, 3).with_content(value)]


@value_rule("TensorArrayGatherV3")
def _gather(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    indices, array = _tensor(node, inputs, 1), _array(node, inputs, 2)
    rows = array.rows()
    if _all_in_order(emitter, emitter.graph, emitter.graph.inputs(node)[1], indices):
        limit = _limit(emitter, node, array)
        return [rows if limit is None else rows[:limit]]
    return [tf.gather(rows, indices)]


def _limit(emitter: Emitter, node: NodeDef, array: Array) -> Value | None:
    """How many of the rows are gathered, where it is not surely all of them.

    As many as the array was made with are all of them, also where the last row stands for all.
    """
    graph = emitter.graph
    indices = graph.node(graph.origin(graph.inputs(node)[1]))
    if indices.op != "Range":
        return None
    limit = graph.node(graph.origin(graph.inputs(indices)[1]))
    if limit.op == "TensorArraySizeV3":
        return None
    found = emitter.get(graph.inputs(indices)[1])
    return None if found is array.size else found


@value_rule("TensorArrayReadV3")
def _read(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 2).row(_tensor(node, inputs, 1))]


@value_rule("TensorArrayWriteV3")
def _write(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    index, row = (_tensor(node, inputs, k) for k in (1, 2))
    return [_array(node, inputs, 3).written(index, row)]


@value_rule("TensorArraySizeV3")
def _size(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 1).length()]


@value_rule("TensorArrayCloseV3")
def _close(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return []


@value_rule("TensorArrayConcatV3")
def _concat(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    rows = _array(node, inputs, 1).rows()
    joined = tf.reshape(rows, tf.concat([[-1], tf.shape(rows)[2:]], 0))
    joined.set_shape([None, *rows.shape[2:]])
    return [joined, tf.fill([tf.shape(rows)[0]], tf.cast(tf.shape(rows)[1], tf.int64))]


def _element(emitter: Emitter, value: Value) -> tf.TensorShape:
    known = emitter.emission.static(value)
    if known is None or known.ndim == 0:
        return tf.TensorShape(None)
    return tf.TensorShape([None if d < 0 else int(d) for d in known])


@value_rule("TensorListReserve")
def _reserve(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    known = emitter.emission.static(inputs[1])
    dtype = tf.as_dtype(node.attr["element_dtype"].type)
    size: Count | None = int(known) if known is not None else _tensor(node, inputs, 1)
    # A list without rows is there to grow: TensorListSetItem lengthens it.
    size = None if known is not None and size == 0 else size
    return [Array(dtype, size, _element(emitter, inputs[0]), None, node.name)]


@value_rule("EmptyTensorList")
def _empty(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    dtype = tf.as_dtype(node.attr["element_dtype"].type)
    return [Array(dtype, None, _element(emitter, inputs[0]), None, node.name)]


@value_rule("TensorListFromTensor")
def _from_tensor(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    value = _tensor(node, inputs, 0)
    size = value.shape[0] if value.shape[0] is not None else tf.shape(value)[0]
    return [Array(value.dtype, size, value.shape[1:], value, node.name)]


@value_rule("TensorListStack")
def _stack(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 0).rows()]


@value_rule("TensorListGetItem")
def _get_item(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 0).row(_tensor(node, inputs, 1))]


@value_rule("TensorListSetItem")
def _set_item(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    index, row = (_tensor(node, inputs, k) for k in (1, 2))
    return [_array(node, inputs, 0).written(index, row)]


@value_rule("TensorListPushBack")
def _push_back(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 0).appended(_tensor(node, inputs, 1))]


@value_rule("TensorListLength")
def _length(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [_array(node, inputs, 0).length()]


@value_rule("TensorListElementShape")
def _element_shape(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    array = _array(node, inputs, 0)
    if array.content is None:
        return [tf.constant([-1 if d is None else d for d in array.element], tf.int32)]
    return [tf.shape(array.content)[1:]]


@value_rule(
    "TensorArray",
    "TensorArrayV2",
    "TensorArraySplitV3",
    "TensorArrayGradV3",
    "TensorListPopBack",
    "TensorListResize",
    "TensorListConcat",
    "TensorListConcatV2",
    "TensorListGather",
    "TensorListScatter",
    "TensorListSplit",
    "Stack",
    "StackV2",
    "StackPushV2",
    "StackPopV2",
)
def _refused(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    raise UnsupportedError(
        f"{node.op} '{node.name}' has no dense form",
        expected="arrays that are read and written row by row",
        remedy="Name outputs in front of it, or rewrite that part of the model",
    )
