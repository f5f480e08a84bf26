"""The body and the condition of a graph's loop as a `Region`, which `rnnlite.loops` reads.

What enters: an `Emitter` of the body, or of the condition. What leaves: its nodes in the vocabulary
of `loops.nodes`, and tensors that are emitted when the reader asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from rnnlite.frontends.tensorflow.arrays import Value, is_tensor
from rnnlite.frontends.tensorflow.conditions import reads
from rnnlite.frontends.tensorflow.emit import Emitter, emit_constant
from rnnlite.frontends.tensorflow.nodes import Graph, name_of
from rnnlite.frontends.tensorflow.vocabulary import described, made, row_read
from rnnlite.loops import Node, Ref
from rnnlite.loops.loop import Shape
from rnnlite.loops.loop import Value as LoopValue
from rnnlite.scan.tensors import Array, Integer, Tensor


class GraphRegion:
    """A `Region` of a graph.

    Args:
        emitter: has the graph, and the values that are known in front of the loop.
        arguments: references to values from outside the region, which none of its nodes computes.
        nodes: the nodes that were described already, by name.
    """

    def __init__(
        self, emitter: Emitter, arguments: frozenset[Ref], nodes: dict[str, Node] | None = None
    ) -> None:
        self.emitter = emitter
        self.arguments = arguments
        self._nodes: dict[str, Node] = {} if nodes is None else nodes

    def node(self, ref: Ref) -> Node | None:
        """See `Region`."""
        name, graph = name_of(ref), self.emitter.graph
        if ref in self.arguments or name not in graph.nodes:
            return None
        if name not in self._nodes:
            node = graph.nodes[name]
            read, row = reads(self.emitter, node), row_read(graph, node)
            self._nodes[name] = described(node, read, graph.inputs(node), row)
        return self._nodes[name]

    def bind(self, values: Mapping[Ref, LoopValue]) -> GraphRegion:
        """See `Region`."""
        old = self.emitter
        given = {**old.values, **cast(Mapping[Ref, Value], values)}
        emitter = Emitter(old.emission, old.graph, given, old.parent)
        return GraphRegion(emitter, self.arguments, self._nodes)

    def is_bound(self, ref: Ref) -> bool:
        """See `Region`."""
        return self.emitter.has(ref)

    def value(self, ref: Ref) -> Tensor:
        """See `Region`."""
        return cast(Tensor, self.emitter.get(ref))

    def shape(self, ref: Ref) -> Shape | None:
        """See `Region`."""
        value = self.emitter.get(ref)
        return _shape(value) if is_tensor(value) else None

    def known(self, tensor: LoopValue) -> Array | None:
        """See `Region`."""
        value = self.emitter.emission.static(tensor)
        return None if value is None else np.asarray(value)

    def emit(self, refs: Sequence[Ref], given: Mapping[Ref, Tensor]) -> list[Tensor]:
        """See `Region`."""
        return cast(list[Tensor], self.values(refs, given))

    def values(self, refs: Sequence[Ref], given: Mapping[Ref, Value]) -> list[Value]:
        """As `emit`; takes and gives arrays too."""
        return Emitter(self.emitter.emission, self.emitter.graph, given, self.emitter).get_all(refs)

    def apply(self, node: Node, operands: Sequence[Tensor]) -> Tensor:
        """See `Region`."""
        return self.emitter.create(self.emitter.graph.nodes[node.name], operands)[0]

    def shapes(
        self,
        refs: Sequence[Ref],
        states: Mapping[Ref, Tensor],
        rows: Mapping[Ref, Tensor],
        counters: Mapping[Ref, Integer],
    ) -> dict[Ref, Shape | None]:
        """See `Region`."""
        emission = self.emitter.emission
        with emission.scratch():
            given = {**states, **{r: x[0] for r, x in rows.items()}}
            given.update({r: tf.constant(start) for r, start in counters.items()})
            inner = Emitter(emission, self.emitter.graph, given, self.emitter)
            inner.get_all(refs)
            return {r: _shape(v) for r, v in inner.values.items() if is_tensor(v)}

    def extend(
        self, nodes: Sequence[Node], constants: Mapping[Ref, Array], like: Node
    ) -> GraphRegion:
        """See `Region`."""
        old = self.emitter
        graph = old.graph
        overlay = Graph(
            dict(graph.nodes), graph.functions, graph.arguments, graph.results, graph._bodies
        )
        old.emission.share_frames(overlay, graph)
        pattern = graph.nodes[like.name]
        overlay.nodes.update({node.name: made(node, pattern) for node in nodes})
        values: dict[str, Any] = dict(old.values)
        values.update({r: emit_constant(old, value) for r, value in constants.items()})
        # What was put in the place of another is described anew.
        kept = {k: n for k, n in self._nodes.items() if overlay.nodes[k] is graph.nodes[k]}
        emitter = Emitter(old.emission, overlay, values, old.parent)
        return GraphRegion(emitter, self.arguments, kept)


def _shape(tensor: Tensor) -> Shape | None:
    return None if tensor.shape.rank is None else tuple(tensor.shape.as_list())
