"""Calls of functions: the ops of the called function are emitted in the place of the call.

A tf.function within a layer, or a layer that was compiled, makes such a call.

What enters: the emitter, an op of the whole sequence's function that calls another, and what its
inputs are for a chunk. What leaves: what the function gives for a chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnlite.scan.tensors import Graph, Tensor
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.values import Value


@dataclass(frozen=True, eq=False)
class Called:
    """A function that an op calls.

    Attributes:
        graph: a FuncGraph.
        inputs: its arguments and what it captures, as the op gives them.
    """

    graph: Graph
    inputs: Sequence[Tensor]


@rule("PartitionedCall", "StatefulPartitionedCall")
def call(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Emit the ops of the called function; gives its results for a chunk."""
    graph = op.graph._get_function(op.get_attr("f").name).graph
    return emitter.called(op, Called(graph, graph.inputs), inputs)
