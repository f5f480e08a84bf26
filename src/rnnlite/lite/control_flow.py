"""Which tensors of different subgraphs are one value: the ties of WHILE and IF.

What enters: a model. What leaves: groups of places that must agree in type, scale and zero point.
The operand, the result, the condition's argument, the body's argument and the body's result of a
WHILE are one value at five places; several loops that share a body tie all of theirs, and nested
loops tie through the body they stand in. Constants are places too: an initial state of zero is
written in the integers of the state it starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer

Place = tuple[int, int]
"""A tensor: index of its subgraph, index in the subgraph."""


@dataclass(frozen=True)
class Flow:
    """One control flow op and the subgraphs it runs.

    Attributes:
        subgraph: where the op stands.
        op: the op.
        name: "WHILE" or "IF".
        slots: for each value that passes through, all its places.
    """

    subgraph: int
    op: Any
    name: str
    slots: tuple[tuple[Place, ...], ...]


def flows(model: Any) -> Iterator[Flow]:
    """All WHILE and IF ops of a model with their tied places.

    Raises:
        ModelError: an op and its subgraphs differ in the number of values.
    """
    for index, op, name in flatbuffer.operators(model):
        if name == "WHILE":
            cond = model.subgraphs[op.builtinOptions.condSubgraphIndex]
            body = model.subgraphs[op.builtinOptions.bodySubgraphIndex]
            numbers = op.builtinOptions.condSubgraphIndex, op.builtinOptions.bodySubgraphIndex
            columns = [
                _places(index, op.inputs),
                _places(index, op.outputs),
                _places(numbers[0], cond.inputs),
                _places(numbers[1], body.inputs),
                _places(numbers[1], body.outputs),
            ]
            _same_length(columns, name, index)
            yield Flow(index, op, name, tuple(zip(*columns, strict=True)))
        elif name == "IF":
            branches = op.builtinOptions.thenSubgraphIndex, op.builtinOptions.elseSubgraphIndex
            graphs = [model.subgraphs[b] for b in branches]
            operands = [_places(index, op.inputs)[1:]]
            operands += [_places(b, g.inputs) for b, g in zip(branches, graphs, strict=True)]
            results = [_places(index, op.outputs)]
            results += [_places(b, g.outputs) for b, g in zip(branches, graphs, strict=True)]
            _same_length(operands, name, index)
            _same_length(results, name, index)
            slots = [*zip(*operands, strict=True), *zip(*results, strict=True)]
            yield Flow(index, op, name, tuple(slots))


def in_loops(model: Any) -> set[int]:
    """Indices of the subgraphs that run inside a WHILE, those within those included."""
    inner: dict[int, set[int]] = {}
    bodies: set[int] = set()
    for flow in flows(model):
        options = flow.op.builtinOptions
        if flow.name == "WHILE":
            called = {options.condSubgraphIndex, options.bodySubgraphIndex}
            bodies |= called
        else:
            called = {options.thenSubgraphIndex, options.elseSubgraphIndex}
        inner.setdefault(flow.subgraph, set()).update(called)
    found: set[int] = set()
    queue = list(bodies)
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue += inner.get(current, ())
    return found


def _places(subgraph: int, tensors: Any) -> list[Place]:
    return [(subgraph, int(t)) for t in (tensors if tensors is not None else [])]


def _same_length(columns: list[list[Place]], name: str, subgraph: int) -> None:
    counts = [len(column) for column in columns]
    if len(set(counts)) != 1:
        raise ModelError(
            f"a {name} of subgraph {subgraph} and its subgraphs differ in their number of values",
            found=", ".join(map(str, counts)),
        )
