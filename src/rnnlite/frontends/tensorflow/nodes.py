"""A GraphDef as a table of nodes: references, consumers, the bodies of its functions.

What enters: a GraphDef. What leaves: a `Graph`, in which every reference to a tensor is written
"node:index".
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from rnnlite.errors import SourceError
from rnnlite.frontends.tensorflow.bodies import body_of
from rnnlite.scan.protos import FunctionDef, GraphDef, NodeDef

PLACEHOLDERS = ("Placeholder", "PlaceholderV2")
DEFAULT = "PlaceholderWithDefault"

PASSING = frozenset(
    ["Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "EnsureShape"]
)
"""Ops of one tensor that hand it on as it is."""


def ref(text: str) -> str:
    """ "node", "node:1" or "^node" as "node:index"."""
    text = text.removeprefix("^")
    return text if ":" in text else f"{text}:0"


def name_of(reference: str) -> str:
    """The node of a reference."""
    return reference.rsplit(":", 1)[0]


@dataclass(eq=False)
class Graph:
    """Nodes by name.

    Attributes:
        nodes: the nodes by name, in the order of the GraphDef.
        functions: the functions of the library, by name.
        arguments: for the body of a function, references to its arguments; else empty.
        results: for the body of a function, references to its results; else empty.
    """

    nodes: dict[str, NodeDef]
    functions: Mapping[str, FunctionDef]
    arguments: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    _bodies: dict[str, Graph] = field(default_factory=dict)

    def inputs(self, node: NodeDef) -> list[str]:
        """References to the data inputs of a node."""
        return [ref(text) for text in node.input if not text.startswith("^")]

    def controls(self, node: NodeDef) -> list[str]:
        """References to the nodes that a node waits for."""
        return [ref(text) for text in node.input if text.startswith("^")]

    def node(self, reference: str) -> Any:
        """The node that makes a tensor.

        Raises:
            SourceError: there is none.
        """
        name = name_of(reference)
        if name not in self.nodes:
            near = difflib.get_close_matches(name, self.nodes, n=3, cutoff=0.5)
            raise SourceError(
                f"the graph has no tensor '{reference}'",
                found=f"near it: {', '.join(repr(f'{n}:0') for n in near)}" if near else "",
                remedy="Give a tensor name of the graph, such as 'x:0'",
            )
        return self.nodes[name]

    def origin(self, reference: str) -> str:
        """The reference to the tensor that ops such as Identity only hand on."""
        while self.node(reference).op in PASSING:
            reference = self.inputs(self.node(reference))[0]
        return reference

    @cached_property
    def consumers(self) -> dict[str, list[NodeDef]]:
        """The nodes that read any output of a node, by its name."""
        found: dict[str, list[NodeDef]] = {}
        for node in self.nodes.values():
            for source in dict.fromkeys(name_of(r) for r in self.inputs(node)):
                found.setdefault(source, []).append(node)
        return found

    @cached_property
    def read(self) -> set[str]:
        """The tensors that some node reads."""
        return {r for node in self.nodes.values() for r in self.inputs(node)}

    def types(self, node: NodeDef) -> list[Any]:
        """The dtypes of a node's results; none where the op is not known."""
        if node.op in self.functions:
            outputs = self.functions[node.op].signature.output_arg
            return [tf.as_dtype(a.type).base_dtype for a in outputs]
        known = op_def_registry.get(node.op)
        attrs = {a.name: a.default_value for a in known.attr} if known is not None else {}
        attrs.update(node.attr)
        found: list[int] = []
        for argument in known.output_arg if known is not None else ():
            if argument.type_list_attr:
                found += attrs[argument.type_list_attr].list.type
                continue
            kind = attrs[argument.type_attr].type if argument.type_attr else argument.type
            found += [kind] * (attrs[argument.number_attr].i if argument.number_attr else 1)
        return [tf.as_dtype(kind).base_dtype for kind in found if kind]

    def function(self, name: str) -> Graph:
        """The body of a function of the library."""
        if name not in self._bodies:
            nodes, arguments, results = body_of(self.functions[name], self.functions)
            self._bodies[name] = Graph(nodes, self.functions, arguments, results, self._bodies)
        return self._bodies[name]

    def with_nodes(self, nodes: dict[str, NodeDef], results: tuple[str, ...]) -> Graph:
        """A graph of other nodes and results, with the same library of functions."""
        return Graph(nodes, self.functions, self.arguments, results, self._bodies)

    def replace_function(self, name: str, body: Graph) -> None:
        """Put another body in the place of a function of the library, for all its calls."""
        self._bodies[name] = body

    def ancestors(self, references: Iterable[str]) -> set[str]:
        """Names of all nodes that the given tensors depend on, with the nodes that make them."""
        seen: set[str] = set()
        queue = [name_of(r) for r in references]
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                node = self.node(f"{name}:0")
                queue += [name_of(r) for r in self.inputs(node)]
        return seen


def graph_of(definition: GraphDef) -> Graph:
    """The table of a GraphDef."""
    return Graph(
        {node.name: node for node in definition.node},
        {f.signature.name: f for f in definition.library.function},
    )


def pruned(definition: GraphDef, references: Iterable[str]) -> Any:
    """The part of a GraphDef that the given tensors depend on, control inputs included."""
    graph = graph_of(definition)
    kept: set[str] = set()
    queue = [name_of(ref(r)) for r in references]
    while queue:
        name = queue.pop()
        if name not in kept:
            kept.add(name)
            node = graph.node(f"{name}:0")
            queue += [name_of(r) for r in [*graph.inputs(node), *graph.controls(node)]]
    part = type(definition)()
    part.CopyFrom(definition)
    del part.node[:]
    part.node.extend(node for node in definition.node if node.name in kept)
    return part


def stop_waiting(definition: GraphDef, names: Collection[str]) -> None:
    """Remove all control inputs that name one of these nodes, in place; data inputs stay."""
    for node in definition.node:
        kept = [t for t in node.input if not (t.startswith("^") and t[1:] in names)]
        if len(kept) < len(node.input):
            del node.input[:]
            node.input.extend(kept)


def with_defaults(definition: GraphDef) -> Any:
    """A copy of a GraphDef with all attributes: writers may leave out those of default value."""
    full = type(definition)()
    full.CopyFrom(definition)
    for nodes in (full.node, *(f.node_def for f in full.library.function)):
        for node in nodes:
            known = op_def_registry.get(node.op)
            for attr in known.attr if known is not None else ():
                if attr.name not in node.attr and attr.HasField("default_value"):
                    node.attr[attr.name].CopyFrom(attr.default_value)
    return full
