"""Find out whether only the last row of an array is read behind a loop.

What enters: a `Graph` and a reference to an array. What leaves: whether the last row is enough. An
example is `outputs[:, -1]` behind `dynamic_rnn`: the loop need not keep the other rows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import tensorflow as tf

from rnnlite.frontends.tensorflow.nodes import PASSING, Graph, name_of
from rnnlite.scan.protos import NodeDef

STACKS = ("TensorArrayGatherV3", "TensorListStack")


def only_last_row(
    graph: Graph, reference: str, needed: Collection[str], outputs: Collection[str]
) -> bool:
    """Whether nothing but the last row of an array is read.

    Args:
        graph: the graph in which the array is read.
        reference: the array.
        needed: names of the nodes that the model's outputs are made of.
        outputs: names of nodes that are outputs themselves.
    """
    stacked = False
    for node in _readers(graph, reference, needed):
        if node.op in ("TensorArraySizeV3", "TensorListLength"):
            continue
        if node.op not in STACKS or not _sliced(graph, node, 0, needed, outputs):
            return False
        stacked = True
    return stacked and name_of(reference) not in outputs


def _readers(graph: Graph, reference: str, needed: Collection[str]) -> list[Any]:
    found = graph.consumers.get(name_of(reference), [])
    return [n for n in found if n.name in needed and reference in graph.inputs(n)]


def _sliced(
    graph: Graph, node: NodeDef, axis: int, needed: Collection[str], outputs: Collection[str]
) -> bool:
    """Whether all that reads a tensor takes its last entry along an axis."""
    if node.name in outputs:
        return False
    readers = _readers(graph, f"{node.name}:0", needed)
    for reader in readers:
        if reader.op in PASSING:
            fits = _sliced(graph, reader, axis, needed, outputs)
        elif reader.op == "Transpose":
            order = _known(graph, graph.inputs(reader)[1])
            fits = order is not None and _sliced(
                graph, reader, list(order).index(axis), needed, outputs
            )
        else:
            fits = reader.op == "StridedSlice" and _takes_last(graph, reader, axis)
        if not fits:
            return False
    return bool(readers)


def _takes_last(graph: Graph, node: NodeDef, axis: int) -> bool:
    begin = _known(graph, graph.inputs(node)[1])
    masks = {k: node.attr[f"{k}_mask"].i for k in ("begin", "shrink_axis", "ellipsis", "new_axis")}
    return bool(
        begin is not None
        and len(begin) > axis
        and begin[axis] == -1
        and not masks["ellipsis"]
        and not masks["new_axis"]
        and masks["shrink_axis"] >> axis & 1
        and not masks["begin"] >> axis & 1
    )


def _known(graph: Graph, reference: str) -> Any:
    """The value of a constant, also of the perm of a transpose: concat([1, 0], range(2, rank))."""
    node = graph.node(graph.origin(reference))
    if node.op == "Const":
        return tf.make_ndarray(node.attr["value"].tensor)
    if node.op == "ConcatV2":
        *parts, _ = [_known(graph, r) for r in graph.inputs(node)]
        return None if any(p is None for p in parts) else [int(v) for p in parts for v in p]
    if node.op == "Range":
        start, limit, delta = (_known(graph, r) for r in graph.inputs(node))
        if start is None or limit is None or delta is None:
            return None
        return list(range(int(start), int(limit), int(delta)))
    return None
