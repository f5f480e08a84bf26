"""What quantization still asks of the schema's objects, by index: it goes when that moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rnnlite.errors import ModelError
from rnnlite.lite import flatbuffer
from rnnlite.lite.ir import Origin

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


def label(model: Any, subgraph: int, index: int) -> str:
    """How to call a tensor in a message."""
    tensor = model.subgraphs[subgraph].tensors[index]
    name = flatbuffer.text(tensor.name)
    return f"'{name}'" if name else f"tensor {index} of subgraph {subgraph}"


def grid(tensor: Any) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Scales and zero points of a tensor, empty for a float one."""
    found = tensor.quantization
    if found is None or found.scale is None:
        return (), ()
    zeros = found.zeroPoint if found.zeroPoint is not None else []
    return tuple(map(float, found.scale)), tuple(map(int, zeros))


def origin_of(holder: Any) -> Origin | None:
    """Of a tensor or a loop's body; None where a later pass made it."""
    return getattr(holder, "origin", None)


def derive(tensor: Any, like: Any) -> None:
    """Give a new tensor an `Origin` of its own, from the one that it was made for."""
    origin = origin_of(like)
    if origin is not None and origin.value is not None:
        like.derived = getattr(like, "derived", 0) + 1
        origin = replace(origin, value=(*origin.value, like.derived))
    tensor.derived = 0
    tensor.origin = origin
