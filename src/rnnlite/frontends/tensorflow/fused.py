"""Write fused kernels of TensorFlow 1 out as plain nodes: LSTMBlockCell, GRUBlockCell.

What enters: a `Graph`. What leaves: an equal one without fused cells. So a loop around such a cell
is read like any other loop, and its input projection is hoisted. Equations: the documentation of
the ops (tensorflow/core/ops/rnn_ops.cc).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnnlite.frontends.tensorflow.nodes import Graph, ref
from rnnlite.scan.protos import NodeDef

FLOAT = tf.float32.as_datatype_enum


class _Writer:
    """Adds nodes below the name of the node that they replace."""

    def __init__(self, nodes: dict[str, NodeDef], prefix: str) -> None:
        self.nodes = nodes
        self.prefix = prefix
        self.count = 0

    def add(self, op: str, inputs: list[str], **attrs: int) -> str:
        self.count += 1
        node = tf.compat.v1.NodeDef(
            op=op, name=f"{self.prefix}/{op.lower()}_{self.count}", input=inputs
        )
        node.attr["T"].type = FLOAT
        for key, value in attrs.items():
            if isinstance(value, bool):
                node.attr[key].b = value
            elif isinstance(value, int):
                node.attr[key].i = value
        self.nodes[node.name] = node
        return f"{node.name}:0"

    def number(self, value: npt.ArrayLike) -> str:
        self.count += 1
        node = tf.compat.v1.NodeDef(op="Const", name=f"{self.prefix}/const_{self.count}")
        array = np.asarray(value)
        node.attr["dtype"].type = tf.as_dtype(array.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
        self.nodes[node.name] = node
        return f"{node.name}:0"

    def concat(self, parts: list[str]) -> str:
        made = self.add("ConcatV2", [*parts, self.number(np.int32(1))], N=len(parts))
        self.nodes[made[:-2]].attr["Tidx"].type = tf.int32.as_datatype_enum
        return made

    def split(self, x: str, count: int) -> list[str]:
        made = self.add("Split", [self.number(np.int32(1)), x], num_split=count)
        return [f"{made[:-2]}:{k}" for k in range(count)]

    def dense(self, parts: list[str], kernel: str, bias: str) -> str:
        product = self.add(
            "MatMul", [self.concat(parts), kernel], transpose_a=False, transpose_b=False
        )
        return self.add("BiasAdd", [product, bias])

    def clipped(self, x: str, limit: float) -> str:
        if limit <= 0:
            return x
        high = self.add("Minimum", [x, self.number(np.float32(limit))])
        return self.add("Maximum", [high, self.number(np.float32(-limit))])


def expand(graph: Graph) -> Graph:
    """The graph with its fused cells written out, in the functions of its library too."""
    made = _expanded(graph)
    for name, function in graph.functions.items():
        if any(node.op in CELLS for node in function.node_def):
            made.replace_function(name, _expanded(made.function(name)))
    return made


def _expanded(graph: Graph) -> Graph:
    """The same of the graph's own nodes."""
    if not any(node.op in CELLS for node in graph.nodes.values()):
        return graph
    nodes = dict(graph.nodes)
    alias: dict[str, str] = {}
    for node in graph.nodes.values():
        if node.op in CELLS:
            writer = _Writer(nodes, node.name)
            results = CELLS[node.op](writer, node, graph.inputs(node))
            alias.update({f"{node.name}:{k}": r for k, r in enumerate(results)})
            # The results keep the node's name for whoever asks for them.
            named = tf.compat.v1.NodeDef(op="IdentityN", name=node.name, input=results)
            named.attr["T"].list.type.extend([FLOAT] * len(results))
            nodes[node.name] = named
    for name, node in nodes.items():
        if any(r in alias for r in graph.inputs(node)):
            changed = tf.compat.v1.NodeDef()
            changed.CopyFrom(node)
            del changed.input[:]
            changed.input.extend(
                t if t.startswith("^") else alias.get(ref(t), t) for t in node.input
            )
            nodes[name] = changed
    return graph.with_nodes(nodes, tuple(alias.get(r, r) for r in graph.results))


def _lstm_block_cell(w: _Writer, node: NodeDef, inputs: list[str]) -> list[str]:
    """Gates i, ci, f, o; peepholes from the old cell state to i and f, from the new one to o."""
    x, cell, hidden, kernel, peep_i, peep_f, peep_o, bias = inputs
    peephole = node.attr["use_peephole"].b
    forget = node.attr["forget_bias"].f if "forget_bias" in node.attr else 1.0
    clip = node.attr["cell_clip"].f if "cell_clip" in node.attr else 3.0
    i, g, f, o = w.split(w.dense([x, hidden], kernel, bias), 4)
    if forget:
        f = w.add("AddV2", [f, w.number(np.float32(forget))])
    if peephole:
        i = w.add("AddV2", [i, w.add("Mul", [cell, peep_i])])
        f = w.add("AddV2", [f, w.add("Mul", [cell, peep_f])])
    i, f, g = w.add("Sigmoid", [i]), w.add("Sigmoid", [f]), w.add("Tanh", [g])
    new = w.add("AddV2", [w.add("Mul", [g, i]), w.add("Mul", [cell, f])])
    new = w.clipped(new, clip)
    if peephole:
        o = w.add("AddV2", [o, w.add("Mul", [new, peep_o])])
    o, squashed = w.add("Sigmoid", [o]), w.add("Tanh", [new])
    return [i, new, f, o, g, squashed, w.add("Mul", [squashed, o])]


def _gru_block_cell(w: _Writer, node: NodeDef, inputs: list[str]) -> list[str]:
    """r, u = sigmoid([x, h] W + b); c = tanh([x, r h] W + b); h' = u h + (1 - u) c."""
    x, hidden, gates, candidate, gates_bias, candidate_bias = inputs
    r, u = w.split(w.add("Sigmoid", [w.dense([x, hidden], gates, gates_bias)]), 2)
    c = w.add("Tanh", [w.dense([x, w.add("Mul", [hidden, r])], candidate, candidate_bias)])
    difference = w.add("Sub", [hidden, c])
    return [r, u, c, w.add("AddV2", [c, w.add("Mul", [u, difference])])]


CELLS = {"LSTMBlockCell": _lstm_block_cell, "GRUBlockCell": _gru_block_cell}
