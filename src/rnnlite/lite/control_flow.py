"""Which values of different graphs are one value: the ties of WHILE and IF.

What enters: a model. What leaves: groups of values that must agree in type, scale and zero point.
A WHILE has one value at five places: its operand, its result, the argument of its condition, the
argument and the result of its body. Loops that share a body share these places; nested loops are
tied through the body that they stand in. A constant is a place too: an initial state of zero is
written in the integers of its state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnlite.errors import ModelError
from rnnlite.lite.ir import Graph, Model, Op, Value


@dataclass(frozen=True)
class Flow:
    """One control flow op and what it ties.

    Attributes:
        graph: the graph that has the op.
        op: the WHILE or IF.
        slots: for each value that passes through, the values at all its places.
    """

    graph: Graph
    op: Op
    slots: tuple[tuple[Value, ...], ...]

    @property
    def is_loop(self) -> bool:
        """Whether it is a WHILE."""
        return self.op.kind == "WHILE"


def flows(model: Model) -> Iterator[Flow]:
    """All WHILE and IF ops of a model with their tied places.

    Raises:
        ModelError: an op and its graphs differ in the number of values.
    """
    for number, graph in enumerate(model.graphs):
        for op in graph.ops:
            if op.kind == "WHILE":
                cond, body = op.branches
                columns = [op.operands, op.outputs, cond.inputs, body.inputs, body.outputs]
                _require_same_length(columns, op, number)
                yield Flow(graph, op, tuple(zip(*columns, strict=True)))
            elif op.kind == "IF":
                operands = [op.operands[1:], *(g.inputs for g in op.branches)]
                results = [op.outputs, *(g.outputs for g in op.branches)]
                _require_same_length(operands, op, number)
                _require_same_length(results, op, number)
                slots = [*zip(*operands, strict=True), *zip(*results, strict=True)]
                yield Flow(graph, op, tuple(slots))


def in_loops(model: Model) -> set[Graph]:
    """The graphs that run inside a WHILE, directly or not."""
    queue = [graph for op in model.loops() for graph in op.branches]
    found: set[Graph] = set()
    while queue:
        graph = queue.pop()
        if graph not in found:
            found.add(graph)
            queue += [inner for op in graph.ops for inner in op.branches]
    return found


def is_step(op: Op) -> bool:
    """Whether an op belongs to a time step of a recurrence, in a loop or not."""
    return any(v.origin is not None and v.origin.value is not None for v in op.outputs)


def _require_same_length(columns: Sequence[Sequence[Value]], op: Op, number: int) -> None:
    counts = [len(column) for column in columns]
    if len(set(counts)) != 1:
        raise ModelError(
            f"a {op.kind} of subgraph {number} and its subgraphs differ in their number of values",
            found=", ".join(map(str, counts)),
        )
