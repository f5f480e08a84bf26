"""An ONNX graph as plain data: nodes with decoded attributes, initializers, inputs and outputs.

What enters: what `reading` decodes. What leaves: `Node`s and `Graph`s, which hold NumPy arrays and
plain values.

`reading` makes them of protobufs, which no later module uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlite.scan.tensors import Array

FLOATS = ("float16", "float64", "bfloat16")
"""Computed in float32."""
WIDER = {"int2": "int8", "int4": "int8", "uint2": "uint8", "uint4": "uint8"}
"""Types of constants that are narrower than a byte -> as what they are computed with."""


@dataclass(frozen=True, eq=False)
class ValueInfo:
    """An input or output as the model declares it.

    Attributes:
        name: its name in the model.
        dtype: NumPy's name of the declared type.
        shape: for each axis a size, a name, or None; None where the rank is not known.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True, eq=False)
class Node:
    """A node.

    Attributes:
        op, domain: its op, and the domain of the op.
        name: its name in the model, or that of its first output; for messages.
        inputs, outputs: names of tensors; "" where one is left out.
        attributes: name -> decoded value: numbers, texts, lists, arrays, `Graph`s.
        version: the version of the domain's operator set.
    """

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    version: int

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute by name; `default` where it is missing."""
        return self.attributes.get(name, default)

    @property
    def key(self) -> str:
        """The op, with its domain in front where that is not ONNX's own."""
        return f"{self.domain}.{self.op}" if self.domain else self.op

    @property
    def label(self) -> str:
        """Op and name, for messages."""
        return f"{self.op} '{self.name}'"


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph, or the body of a node.

    Attributes:
        inputs: the inputs that have no initializer.
        constants: name -> initializer.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[ValueInfo, ...]
    outputs: tuple[ValueInfo, ...]
    constants: Mapping[str, Array] = field(default_factory=dict)

    def walk(self) -> Iterator[Node]:
        """All nodes, those of bodies included."""
        for node in self.nodes:
            yield node
            for body in node.attributes.values():
                if isinstance(body, Graph):
                    yield from body.walk()

    def outside(self) -> list[str]:
        """Names of tensors that the graph reads but does not make."""
        made = {p.name for p in self.inputs} | set(self.constants)
        found: dict[str, None] = {}

        def look(names: Sequence[str]) -> None:
            for name in names:
                if name and name not in made:
                    found[name] = None

        for node in self.nodes:
            look(node.inputs)
            for body in node.attributes.values():
                if isinstance(body, Graph):
                    look(body.outside())
            made.update(node.outputs)
        look([p.name for p in self.outputs])
        return list(found)


def constants_of(graph: Graph) -> dict[str, Array]:
    """Name -> array, for the initializers of a graph and its Constant nodes."""
    stated = {n.outputs[0]: n.get("value") for n in graph.nodes if n.op == "Constant"}
    return {**graph.constants, **{k: v for k, v in stated.items() if v is not None}}
