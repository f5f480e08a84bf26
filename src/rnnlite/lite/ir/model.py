"""A model: graphs, signatures, metadata, and the codes of its ops.

What enters: graphs and signatures. What leaves: a `Model`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnlite.lite.ir.graph import Graph
from rnnlite.lite.ir.ops import Op, OpCode
from rnnlite.lite.ir.values import Value


@dataclass(frozen=True, eq=False)
class Signature:
    """A way to call a model, by names.

    Attributes:
        key: the name of the signature, such as "serving_default".
        graph: the graph that it runs.
        inputs, outputs: values of that graph by name, in the caller's order.
    """

    key: str
    graph: Graph
    inputs: tuple[tuple[str, Value], ...]
    outputs: tuple[tuple[str, Value], ...]


class Model:
    """A LiteRT model.

    Attributes:
        graphs: all graphs; the first is the main one.
        signatures: its signatures.
        metadata: name -> content.
        description: a line for people.
        version: the version of the schema.
        codes: kinds and versions of ops in the order of the file; a runtime looks for all of them.
    """

    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.signatures: list[Signature] = []
        self.metadata: dict[str, bytes] = {}
        self.description = ""
        self.version = 3
        self.codes: list[OpCode] = []

    def __repr__(self) -> str:
        ops = sum(len(g.ops) for g in self.graphs)
        return f"Model of {len(self.graphs)} graphs, {ops} ops"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.graphs))

    @property
    def main(self) -> Graph:
        """The main graph, which is the first."""
        return self.graphs[0]

    @property
    def called(self) -> list[Graph]:
        """The graphs that a caller runs: the main one, and those of signatures."""
        return list(dict.fromkeys([self.main, *(s.graph for s in self.signatures)]))

    @property
    def has_fixed_shapes(self) -> bool:
        """Whether no input of a graph that a caller runs has a free axis."""
        return not any(value.is_free for graph in self.called for value in graph.inputs)

    def graph(self, name: str = "") -> Graph:
        """A new graph without ops."""
        made = Graph(self, name)
        self.graphs.append(made)
        return made

    def ops(self) -> Iterator[Op]:
        """The ops of all graphs."""
        for graph in list(self.graphs):
            yield from graph.ops

    def ops_of(self, key: str) -> Iterator[Op]:
        """The ops that a signature runs, those of loop bodies and branches included."""
        for graph in self._reached_from([s.graph for s in self.signatures if s.key == key]):
            yield from graph.ops

    def loops(self) -> Iterator[Op]:
        """The WHILE ops of all graphs."""
        return (op for op in self.ops() if op.kind == "WHILE")

    def code(self, kind: str, version: int = 1) -> OpCode:
        """The first code of a kind with at least this version; it is added if it is missing."""
        for code in self.codes:
            if code.kind == kind and code.version >= version:
                return code
        self.codes.append(OpCode(kind, version))
        return self.codes[-1]

    def raise_version(self, op: Op, version: int) -> None:
        """Raise an op's version to this one, if it is lower."""
        op.code = self.code(op.kind, max(op.version, version))

    def drop_unused_codes(self) -> None:
        """Remove the codes that no op has."""
        used = {id(op.code) for op in self.ops()}
        self.codes = [code for code in self.codes if id(code) in used]

    def reached(self) -> list[Graph]:
        """The graphs that run: the main one, those of signatures, and those that their ops run."""
        return self._reached_from(self.called)

    def _reached_from(self, queue: list[Graph]) -> list[Graph]:
        met: dict[Graph, None] = {}
        while queue:
            graph = queue.pop()
            if graph not in met:
                met[graph] = None
                queue += [branch for op in graph.ops for branch in op.branches]
        return [graph for graph in self.graphs if graph in met]

    def copy(self) -> tuple[Model, dict[Value, Value]]:
        """A copy of the model, and for each value of this model the one of the copy.

        Both share the contents of constants.
        """
        twin = Model()
        twin.description, twin.version = self.description, self.version
        twin.metadata = dict(self.metadata)
        codes = {id(code): OpCode(code.kind, code.version) for code in self.codes}
        twin.codes = list(codes.values())
        graphs = {graph: twin.graph(graph.name) for graph in self.graphs}
        values: dict[Value, Value] = {}
        for graph, other in graphs.items():
            _copy_graph(graph, other, values)
        for graph, other in graphs.items():
            for op in graph.ops:
                made = Op(
                    codes[id(op.code)],
                    [None if v is None else values[v] for v in op.inputs],
                    [values[v] for v in op.outputs],
                    op.table,
                    op.options,
                )
                made.branches = tuple(graphs[g] for g in op.branches)
                made.intermediates = tuple(
                    None if v is None else values[v] for v in op.intermediates
                )
                made.extra = dict(op.extra)
                other.append(made)
        for s in self.signatures:
            ends = [tuple((name, values[v]) for name, v in end) for end in (s.inputs, s.outputs)]
            twin.signatures.append(Signature(s.key, graphs[s.graph], *ends))
        return twin, values


def _copy_graph(graph: Graph, other: Graph, values: dict[Value, Value]) -> None:
    """Copy the values, inputs and outputs of a graph; ops are copied after those of all graphs."""
    other.origin, other.mark, other.debug = graph.origin, graph.mark, graph.debug
    for value in graph.values:
        made = Value(other, value.type, value._shape, value._signature)
        made._read, made.name, made.quantization = value._read, value.name, value.quantization
        made.data, made.is_variable, made.origin = value.data, value.is_variable, value.origin
        made.derived, made.rank_is_said, made.extra = value.derived, value.rank_is_said, value.extra
        other.values.append(made)
        values[value] = made
    other.inputs = [values[v] for v in graph.inputs]
    other.outputs = [values[v] for v in graph.outputs]
    other._read = list(graph._read)
