"""Write a graph anew into the TensorFlow graph that is being built, node by node, on demand.

What enters: a `Graph`, values for some references (inputs, loop variables), and the references that
are wanted. What leaves: their values. A node that no wanted value depends on is never emitted: so
training ops, asserts and savers fall away. Loops, conditions, arrays and fused kernels go to rules
of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Value, tensor_of
from rnnlite.frontends.tensorflow.fold import folded
from rnnlite.frontends.tensorflow.frames import Frame, frames_of
from rnnlite.frontends.tensorflow.nodes import PASSING, Graph, name_of, ref
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey
from rnnlite.scan.protos import AttrValue, NodeDef
from rnnlite.scan.scan import Lowered, Recurrence
from rnnlite.scan.tensors import Array, Tensor
from rnnlite.scan.tensors import Graph as TensorGraph

Rule = Callable[["Emitter", NodeDef, list[Value]], Sequence[Value]]
TensorRule = Callable[["Emitter", NodeDef, list[Tensor]], Sequence[Value]]
RULES: dict[str, Rule] = {}
"""By op type: the rule that emits a node. From the values of its inputs to those of its outputs."""


SELF_READING = frozenset(["Exit", "RefExit", "Merge", "RefMerge"])
"""Ends of loops and conditions of TensorFlow 1. Their rules get no inputs, and ask the emitter for
the values that they need."""


def value_rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register a rule that takes arrays too."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register


def rule(*ops: str) -> Callable[[TensorRule], TensorRule]:
    """Register a rule of tensors; an array among its inputs is refused by name."""

    def register(function: TensorRule) -> TensorRule:
        def checked(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> Sequence[Value]:
            return function(emitter, node, emitter.tensors(node, inputs))

        RULES.update(dict.fromkeys(ops, checked))
        return function

    return register


class Emission:
    """What all emitters of one conversion share.

    Attributes:
        needed: names of the nodes that the model's outputs are made of.
        outputs: names of the nodes that are outputs themselves.
        records: the record of each recurrence, by its place in the source. A loop within a loop is
            emitted for each unrolled step, and is recorded once.
        lowered: each recurrence as it was lowered, in any graph.
        notes: notes for the report.
        options: how Scans are lowered; or a `Survey`, which counts them and lowers none.
        probing: whether ops are emitted only to look at their shapes. Nothing is reported then.
    """

    def __init__(self, options: Options | Survey) -> None:
        self.needed: set[str] = set()
        self.outputs: set[str] = set()
        self.records: dict[Hashable, Recurrence] = {}
        self.lowered: list[Lowered] = []
        self.notes: list[str] = []
        self.options = options
        self.probing = False
        # By id of a tensor, with the tensor itself, so that no other takes its id.
        self._static: dict[int, tuple[Any, Any]] = {}
        self._frames: dict[int, tuple[Graph, dict[str, Frame]]] = {}

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Within it, ops go to a graph that is thrown away, and nothing is reported."""
        probing, self.probing = self.probing, True
        try:
            with tf.__internal__.FuncGraph("probe").as_default():
                yield
        finally:
            self.probing = probing

    def record(self, place: Hashable, recurrence: Recurrence) -> None:
        """Report a recurrence, once for each place in the source."""
        if not self.probing:
            self.records[place] = recurrence

    def frames(self, graph: Graph) -> dict[str, Frame]:
        """The loops of a graph by their exits."""
        if id(graph) not in self._frames:
            self._frames[id(graph)] = (graph, frames_of(graph))
        return self._frames[id(graph)][1]

    def share_frames(self, overlay: Graph, graph: Graph) -> None:
        """Give a graph with some nodes replaced (an overlay) the loops of the graph itself."""
        self._frames[id(overlay)] = (overlay, self.frames(graph))

    def static(self, tensor: object) -> Any:
        """The value of a tensor as a NumPy array where it is known, else None."""
        if not tf.is_tensor(tensor):
            return None
        known = self._static.get(id(tensor))
        if known is not None:
            return known[1]
        value = tf.get_static_value(tensor)
        if value is not None:
            self._static[id(tensor)] = (tensor, np.asarray(value))
        return value

    def remember(self, tensor: Tensor, value: Array) -> None:
        """Remember the value of a tensor, an array of its shape and dtype, for `static`."""
        self._static[id(tensor)] = (tensor, value)


class Emitter:
    """Values of one graph at one place: the main graph, a function, a loop body, a branch.

    Args:
        emission: shared state.
        graph: the nodes.
        given: values that exist already, by reference.
        parent: an emitter of the same graph, whose values are found here too.
    """

    def __init__(
        self,
        emission: Emission,
        graph: Graph,
        given: Mapping[str, Value],
        parent: Emitter | None = None,
    ) -> None:
        self.emission = emission
        self.graph = graph
        self.values: dict[str, Value] = dict(given)
        self.parent = parent

    def find(self, reference: str) -> Value:
        """The value of a reference.

        Raises:
            KeyError: the value was not emitted yet.
        """
        emitter: Emitter | None = self
        while emitter is not None:
            if reference in emitter.values:
                return emitter.values[reference]
            emitter = emitter.parent
        raise KeyError(reference)

    def has(self, reference: str) -> bool:
        """Whether a value was given or emitted already."""
        try:
            self.find(reference)
        except KeyError:
            return False
        return True

    def get(self, reference: str) -> Value:
        """The value of a reference, emitted if need be.

        Raises:
            UnsupportedError: an op has no form in LiteRT, or the value depends on itself outside
                of a loop.
        """
        stack = [reference]
        while stack:
            top = stack[-1]
            if self.has(top):
                stack.pop()
                continue
            node = self.graph.node(top)
            missing = [r for r in self.needs(node) if not self.has(r)]
            if missing:
                if len(stack) > 10 * len(self.graph.nodes) + 100:
                    raise UnsupportedError(
                        f"node '{node.name}' ({node.op}) depends on itself outside of a loop",
                        remedy="Freeze the graph again from the whole model",
                    )
                stack += missing
                continue
            self._emit(node)
        return self.find(reference)

    def get_all(self, references: Sequence[str]) -> list[Value]:
        """Several values."""
        return [self.get(r) for r in references]

    def needs(self, node: NodeDef) -> list[str]:
        """References that are needed before a node is emitted; a whole loop counts as one node."""
        if node.op in ("Exit", "RefExit"):
            frame = self.frame(node)
            return [v.enter for v in frame.carried] + list(frame.constants.values())
        if node.op in ("Merge", "RefMerge"):
            return []
        if node.op in ("Switch", "RefSwitch"):
            return self.graph.inputs(node)[:1]
        return self.graph.inputs(node)

    def frame(self, node: NodeDef) -> Frame:
        """The loop that a node leaves.

        Raises:
            UnsupportedError: the loop does not look like those that `tf.while_loop` makes.
        """
        frame = self.emission.frames(self.graph).get(node.name)
        if frame is None:
            raise UnsupportedError(
                f"'{node.name}' leaves a loop that cannot be read",
                expected="Enter, Merge, Switch, NextIteration and Exit, as tf.while_loop makes",
                remedy="Freeze the graph again from the whole model",
            )
        return frame

    def _emit(self, node: NodeDef) -> None:
        """Emit one node whose inputs are there."""
        if node.op in SELF_READING:
            self._store(node, RULES[node.op](self, node, []))
            return
        if node.op in ("Switch", "RefSwitch"):
            value = self.find(self.graph.inputs(node)[0])
            self._store(node, [value, value])
            return
        inputs = [self.find(r) for r in self.graph.inputs(node)]
        if node.op in PASSING:
            self._store(node, inputs[:1])
        elif node.op in self.graph.functions:
            self._store(node, self.call(node.op, inputs))
        elif node.op in RULES:
            self._store(node, RULES[node.op](self, node, inputs))
        else:
            self._store(node, self.create(node, inputs))

    def _store(self, node: NodeDef, values: Sequence[Value]) -> None:
        for k, value in enumerate(values):
            self.values[f"{node.name}:{k}"] = value

    def call(self, function: str, arguments: Sequence[Value]) -> list[Value]:
        """The results of a function of the library, inlined."""
        body = self.graph.function(function)
        inner = Emitter(self.emission, body, dict(zip(body.arguments, arguments, strict=True)))
        return inner.get_all(body.results)

    def tensors(self, node: NodeDef, values: Sequence[Value]) -> list[Tensor]:
        """The inputs of a node, all of them tensors.

        Raises:
            UnsupportedError: one is an array.
        """
        where, sources = f"{node.op} '{node.name}'", self.graph.inputs(node)
        return [
            tensor_of(v, where, sources[k] if k < len(sources) else "")
            for k, v in enumerate(values)
        ]

    def create(
        self,
        node: NodeDef,
        inputs: Sequence[Value],
        op: str = "",
        attrs: Mapping[str, AttrValue] | None = None,
    ) -> list[Tensor]:
        """Copy a node into the current graph; where all inputs are known, compute its results.

        Args:
            node: the node.
            inputs: its operands.
            op, attrs: the op and the attributes of the copy; those of the node, if not given.

        Raises:
            UnsupportedError: TensorFlow does not know the op, or it does not fit its operands.
        """
        tensors = self.tensors(node, inputs)
        definition = op_def_registry.get(op or node.op)
        if definition is None:
            raise UnsupportedError(
                f"op {node.op} of '{node.name}' is not known to this TensorFlow",
                remedy="Name outputs in front of it, or rewrite that part of the model",
            )
        known = {a.name for a in definition.attr}
        kept = {k: v for k, v in (attrs or node.attr).items() if k in known}
        result = folded(self.emission, op or node.op, tensors, kept)
        if result is not None:
            return result
        graph = tf.compat.v1.get_default_graph()
        try:
            made = graph._create_op_internal(
                op or node.op,
                [self._local(graph, t) for t in tensors],
                attrs=kept,
                name=node.name.rstrip("/"),
            )
        except (ValueError, TypeError) as e:
            raise UnsupportedError(
                f"{node.op} '{node.name}' does not fit its inputs at the shapes asked for",
                found=" ".join(str(e).split())[:200],
                remedy="Keep the batch size and length that the graph was made for",
            ) from e
        return list(made.outputs)

    def _local(self, graph: TensorGraph, tensor: Tensor) -> Tensor:
        """A small constant of an outer graph, made anew: shapes are inferred from it."""
        if tensor.graph is graph:
            return tensor
        known = self.emission.static(tensor)
        if known is None or known.size > LOCAL:
            return tensor
        return tf.constant(known)


LOCAL = 64
"""The most elements of a constant that is made anew in a loop body. Larger ones, weights, are
shared."""


def emit_constant(emitter: Emitter, value: npt.ArrayLike) -> Tensor:
    """A constant tensor whose value is remembered."""
    tensor = tf.constant(value)
    emitter.emission.remember(tensor, np.asarray(value))
    return tensor


__all__ = ["Emitter", "RULES", "Emission", "emit_constant", "name_of", "ref", "rule", "value_rule"]
