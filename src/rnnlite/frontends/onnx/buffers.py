"""Replace a buffer, into which a Loop writes a row in each iteration, by rows that the Loop gives.

What enters: a `Graph` in which a Loop carries a tensor and scatters a row into it at the index of
the iteration: `rows[:, t] = h` in TorchScript. What leaves: the graph with a Loop that gives the
rows, which are put into the buffer behind the Loop. A buffer that is used in any other way stays.

The row that an iteration writes is found by computing the indices of the scatter for small buffers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnnlite.frontends.onnx.folding import folded
from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo, constants_of
from rnnlite.scan.tensors import Array

ITERATION, GO, STATES = 0, 1, 2
"""Indices of a body's inputs: the iteration, the condition, and the first state."""

SIZES = (3, 4, 5, 6, 7)
"""Sizes of the small buffers for which indices are computed; no two are equal."""

VIEWS = frozenset(["Slice", "Gather", "Identity"])
"""Ops that read a part of a buffer; only the shape of the part may be read."""


@dataclass(frozen=True)
class _Buffer:
    """A state that is a buffer.

    Attributes:
        place: its index among the states.
        axis: the axis along which iterations write.
        updates: name of the tensor that is written: the buffer's shape, with size 1 along `axis`.
    """

    place: int
    axis: int
    updates: str


def without_buffers(graph: Graph, around: Mapping[str, Array] | None = None) -> Graph:
    """The graph with rows in place of buffers.

    Args:
        around: for a body, the constants of the graphs around it.
    """
    constants = {**(around or {}), **constants_of(graph)}
    nodes: list[Node] = []
    for node in graph.nodes:
        bodies = {
            k: without_buffers(v, constants)
            for k, v in node.attributes.items()
            if isinstance(v, Graph)
        }
        one = replace(node, attributes={**node.attributes, **bodies}) if bodies else node
        nodes += _loop(one, constants) if one.op == "Loop" else [one]
    return replace(graph, nodes=tuple(nodes))


def _loop(node: Node, constants: Mapping[str, Array]) -> list[Node]:
    """A Loop without buffers, and nodes that put its rows into them."""
    body: Graph = node.attributes["body"]
    if not node.inputs[ITERATION] or not _runs_through(node, body, constants):
        return [node]
    found = [b for k in range(len(node.inputs) - STATES) if (b := _buffer(body, k, constants))]
    if not found:
        return [node]
    count = len(node.inputs) - STATES
    places = {b.place for b in found}
    rows = [(f"{node.outputs[b.place]}/row", f"{node.outputs[b.place]}/rows") for b in found]
    squeezed = [
        Node("Squeeze", "", row, (b.updates,), (row,), {"axes": [b.axis]}, node.version)
        for b, (row, _) in zip(found, rows, strict=True)
    ]
    outside = {body.inputs[STATES + k].name: node.inputs[STATES + k] for k in places}
    made = Graph(
        body.name,
        (*(_reading(n, outside) for n in body.nodes), *squeezed),
        tuple(p for j, p in enumerate(body.inputs) if j - STATES not in places),
        (
            *(p for j, p in enumerate(body.outputs) if j - 1 not in places),
            *(ValueInfo(row, "float32", None) for row, _ in rows),
        ),
        body.constants,
    )
    changed = replace(
        node,
        inputs=tuple(n for j, n in enumerate(node.inputs) if j - STATES not in places),
        outputs=(
            *(n for j, n in enumerate(node.outputs) if j >= count or j not in places),
            *(all_rows for _, all_rows in rows),
        ),
        attributes={**node.attributes, "body": made},
    )
    behind = [
        Node(
            "WrittenRows",
            "",
            node.name,
            (all_rows, node.inputs[STATES + b.place], node.inputs[ITERATION]),
            (node.outputs[b.place],),
            {"axis": b.axis},
            node.version,
        )
        for b, (_, all_rows) in zip(found, rows, strict=True)
    ]
    return [changed, *behind]


def _reading(node: Node, outside: Mapping[str, str]) -> Node:
    """A node that reads the shape of a buffer, changed to read it in front of the loop."""
    if not outside.keys() & set(node.inputs):
        return node
    return replace(node, inputs=tuple(outside.get(n, n) for n in node.inputs))


def _runs_through(node: Node, body: Graph, constants: Mapping[str, Array]) -> bool:
    """Whether only the number of iterations ends the loop."""
    go = node.inputs[GO]
    first = constants.get(go) if go else np.array(True)
    makers = {n: m for m in body.nodes for n in m.outputs}
    name = body.outputs[0].name
    while name in makers and makers[name].op == "Identity":
        name = makers[name].inputs[0]
    known = {**constants, **constants_of(body)}
    last = np.array(True) if name == body.inputs[GO].name else known.get(name)
    return all(x is not None and bool(np.all(x)) for x in (first, last))


def _buffer(body: Graph, place: int, around: Mapping[str, Array]) -> _Buffer | None:
    """A state as a buffer; None if it is none."""
    own, result = body.inputs[STATES + place], body.outputs[1 + place].name
    makers = {n: m for m in body.nodes for n in m.outputs}
    scatter = makers.get(result)
    if scatter is None or scatter.op != "ScatterND" or scatter.inputs[0] != own.name:
        return None
    if scatter.get("reduction", "none") != "none" or own.shape is None:
        return None
    read = {i for n in body.nodes for i in n.inputs} | {
        p.name for p in body.outputs[1 + place + 1 :]
    }
    others = [n for n in body.nodes if n is not scatter]
    rank = len(own.shape)
    if rank > len(SIZES) or result in read or not _only_shapes(others, own.name):
        return None
    given = {**around, **constants_of(body)}
    axis = _axis(body, given, own.name, scatter.inputs[1], rank)
    return None if axis is None else _Buffer(place, axis, scatter.inputs[2])


def _only_shapes(nodes: list[Node], name: str) -> bool:
    """Whether only the shape of a tensor, or of a part of it, is read."""
    for node in nodes:
        bodies = [v for v in node.attributes.values() if isinstance(v, Graph)]
        if any(name in b.outside() for b in bodies):
            return False
        if name not in node.inputs or node.op == "Shape":
            continue
        if node.op not in VIEWS or name in node.inputs[1:]:
            return False
        if not _only_shapes(nodes, node.outputs[0]):
            return False
    return True


def _axis(
    body: Graph, constants: Mapping[str, Array], own: str, indices: str, rank: int
) -> int | None:
    """The axis along which iteration t writes row t and nothing else; None where there is none."""
    sizes = SIZES[:rank]
    axes = set(range(rank))
    makers = {n: m for m in body.nodes for n in m.outputs}
    for number in (1, 2):
        given = {**constants, own: np.zeros(sizes, np.float32)}
        given[body.inputs[ITERATION].name] = np.array(number, np.int64)
        array = _computed(indices, makers, given)
        if array is None or array.ndim == 0:
            return None
        axes &= {a for a in axes if _writes(array, sizes, a, number)}
    return next(iter(axes)) if len(axes) == 1 else None


def _writes(indices: Array, sizes: tuple[int, ...], axis: int, number: int) -> bool:
    """Whether indices are those of row `number` along an axis, in order."""
    row = tuple(1 if k == axis else n for k, n in enumerate(sizes))
    if (*indices.shape[:-1], *sizes[indices.shape[-1] :]) != row:
        return False
    updates = np.arange(1, np.prod(row) + 1).reshape(row)
    found, wanted = np.zeros(sizes, int), np.zeros(sizes, int)
    if np.any(indices < 0) or np.any(indices >= np.array(sizes[: indices.shape[-1]])):
        return False
    found[tuple(np.moveaxis(indices, -1, 0))] = updates
    wanted[(slice(None),) * axis + (slice(number, number + 1),)] = updates
    return np.array_equal(found, wanted)


def _computed(name: str, makers: Mapping[str, Node], given: dict[str, Array]) -> Array | None:
    """The numbers of a tensor of a body, from given ones; None where it depends on others."""
    stack = [name]
    while stack:
        top = stack[-1]
        if top in given:
            stack.pop()
            continue
        node = makers.get(top)
        if node is None:
            return None
        missing = [i for i in node.inputs if i and i not in given]
        if missing:
            if len(stack) > len(makers) + 1:
                return None
            stack.append(missing[0])
            continue
        results = folded(node, [given[i] if i else None for i in node.inputs])
        if results is None:
            return None
        given.update(zip(node.outputs, results, strict=False))
    return given[name]
