"""Replace lists, to which a Loop appends rows, by sequences of rows that the Loop gives.

What enters: a `Graph` in which a Loop carries a list: SequenceEmpty in front, SequenceInsert in the
body, ConcatFromSequence behind it, as loops of TorchScript are exported. Or a list into which a
tensor was split (SplitToSequence, SequenceAt). What leaves: the graph without lists. A list that is
used in any other way is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo, constants_of
from rnnlite.scan.tensors import Array

SEQUENCE = "sequence"
"""The dtype of a `ValueInfo` that is a list."""


def without_lists(
    graph: Graph,
    splits: Mapping[str, Node] | None = None,
    around: Mapping[str, Array] | None = None,
) -> Graph:
    """The graph with rows in place of lists.

    Args:
        splits: for a body, name of a list around it into which a tensor was split -> the node that
            splits it.
        around: for a body, the constants of the graphs around it.

    Raises:
        UnsupportedError: a list is used in another way.
    """
    splits = {**(splits or {}), **_splits(graph)}
    kept = [n for n in graph.nodes if n.op != "SplitToSequence" or n.outputs[0] not in splits]
    nodes: list[Node] = []
    empty: set[str] = set()
    arrays: set[str] = set()
    numbers = {**(around or {}), **constants_of(graph)}
    for node in (m for n in kept for m in _elements(n, splits)):
        if node.op == "SequenceEmpty":
            empty.add(node.outputs[0])
        if node.op == "Loop":
            loop, made = _loop(node, empty, splits, numbers)
            nodes += loop
            arrays |= made
        else:
            nodes.append(_inside(node, splits, numbers))
    found: list[Node] = []
    for node in nodes:
        if node.op == "SequenceEmpty":
            continue
        if node.op == "ConcatFromSequence" and node.inputs[0] in arrays:
            found += _stacked(node)
            continue
        found.append(node)
    changed = replace(graph, nodes=tuple(found))
    _refuse_left(changed, arrays)
    return changed


def _splits(graph: Graph) -> dict[str, Node]:
    """Name of a list of the single steps of a tensor, as torch.unbind makes -> its node."""
    constants = constants_of(graph)
    return {
        node.outputs[0]: node
        for node in graph.nodes
        if node.op == "SplitToSequence"
        and (len(node.inputs) < 2 or _is_one(constants.get(node.inputs[1])))
    }


def _is_one(number: Array | None) -> bool:
    return number is not None and bool(np.all(number == 1)) and number.ndim == 0


def _elements(node: Node, splits: Mapping[str, Node]) -> list[Node]:
    """Nodes that read the tensor itself, for a node that reads a list into which it was split.

    Such a node takes an element, or the length. Any other node is unchanged.
    """
    split = splits.get(node.inputs[0]) if node.inputs else None
    if split is None or node.op not in ("SequenceAt", "SequenceLength"):
        return [node]
    whole, axis, (result,) = split.inputs[0], int(split.get("axis", 0)), node.outputs
    if node.op == "SequenceAt":
        one = replace(node, op="Gather", inputs=(whole, node.inputs[1]), attributes={"axis": axis})
        if not split.get("keepdims", 1):
            return [one]
        plain = f"{result}/row"
        grown = replace(node, op="Unsqueeze", inputs=(plain,), attributes={"axes": [axis]})
        return [replace(one, outputs=(plain,)), grown]
    sizes = f"{result}/sizes"
    last = replace(node, op="Constant", inputs=(), outputs=(f"{result}/axis",))
    return [
        replace(node, op="Shape", inputs=(whole,), outputs=(sizes,)),
        replace(last, attributes={"value": np.array(axis, np.int64)}),
        replace(node, op="Gather", inputs=(sizes, *last.outputs), attributes={"axis": 0}),
    ]


def _inside(node: Node, splits: Mapping[str, Node], numbers: Mapping[str, Array]) -> Node:
    """A node with the lists of its bodies replaced."""
    bodies = {
        k: without_lists(v, splits, numbers)
        for k, v in node.attributes.items()
        if isinstance(v, Graph)
    }
    return replace(node, attributes={**node.attributes, **bodies}) if bodies else node


def _loop(
    node: Node, empty: set[str], splits: Mapping[str, Node], numbers: Mapping[str, Array]
) -> tuple[list[Node], set[str]]:
    """A Loop that gives rows instead of carrying lists, and the names of these rows.

    Rows that the body inserts in front of the others are reversed behind the loop.
    """
    body: Graph = node.attributes["body"]
    places = [k for k, name in enumerate(node.inputs[2:]) if name in empty]
    makers = {name: n for n in body.nodes for name in n.outputs}
    rows: list[ValueInfo] = []
    turned: set[int] = set()
    for k in places:
        maker = makers.get(body.outputs[1 + k].name)
        own = body.inputs[2 + k].name
        if maker is None or maker.op != "SequenceInsert" or maker.inputs[0] != own:
            raise _refusal(node)
        if len(maker.inputs) > 2:
            place = {**numbers, **constants_of(body)}.get(maker.inputs[2])
            if place is None or place.size != 1 or int(place.reshape(())) != 0:
                raise _refusal(node)
            turned.add(k)
        rows.append(ValueInfo(maker.inputs[1], "float32", None))
    if not places:
        return [_inside(node, splits, numbers)], set()
    count = len(node.inputs) - 2
    gone = {body.outputs[1 + k].name for k in places}
    outputs = [p for j, p in enumerate(body.outputs) if j == 0 or j > count or j - 1 not in places]
    made = Graph(
        body.name,
        tuple(n for n in body.nodes if n.outputs[0] not in gone),
        tuple(p for j, p in enumerate(body.inputs) if j < 2 or j - 2 not in places),
        (*outputs, *rows),
        body.constants,
    )
    names = node.outputs[:count]
    kept = [n for j, n in enumerate(node.outputs) if j >= count or j not in places]
    moved = [f"{names[k]}/from_behind" if k in turned else names[k] for k in places]
    changed = replace(
        node,
        inputs=tuple(n for j, n in enumerate(node.inputs) if j < 2 or j - 2 not in places),
        outputs=(*kept, *moved),
        attributes={**node.attributes, "body": without_lists(made, splits, numbers)},
    )
    round_ = [m for k in sorted(turned) if names[k] for m in _turned(node, names[k])]
    return [changed, *round_], {names[k] for k in places}


def _turned(node: Node, name: str) -> list[Node]:
    """Nodes that reverse the rows of a Loop."""
    ends = {"starts": -1, "ends": -(1 << 62), "axes": 0, "steps": -1}
    plain = replace(node, op="Constant", inputs=(), attributes={})
    constants = [
        replace(plain, outputs=(f"{name}/{k}",), attributes={"value": np.array([v], np.int64)})
        for k, v in ends.items()
    ]
    inputs = (f"{name}/from_behind", *(c.outputs[0] for c in constants))
    return [*constants, replace(plain, op="Slice", inputs=inputs, outputs=(name,))]


def _stacked(node: Node) -> Sequence[Node]:
    """Nodes in place of a ConcatFromSequence, whose list has become rows (T, ...).

    Rows are stacked along a new axis, or joined along one that they have.
    """
    axis, joins = int(node.get("axis", 0)), not node.get("new_axis", 0)
    source, (result,) = node.inputs[0], node.outputs
    if not result:
        return []
    if axis or joins:
        attributes = {"axis": axis, **({"joins": True} if joins else {})}
        return [replace(node, op="StackedRows", attributes=attributes, inputs=(source,))]
    return [replace(node, op="Identity", attributes={}, inputs=(source,))]


def _refuse_left(graph: Graph, arrays: set[str]) -> None:
    for info in (*graph.inputs, *graph.outputs):
        if info.dtype == SEQUENCE:
            raise UnsupportedError(
                f"'{info.name}' of the ONNX model is a sequence",
                expected="tensors",
                remedy="Export the model with tensors as inputs and outputs",
            )
    for node in graph.nodes:
        if node.op.startswith("Sequence") or node.op == "ConcatFromSequence":
            raise _refusal(node)
        if node.op not in ("Identity", "StackedRows") and arrays & set(node.inputs):
            raise _refusal(node)


def _refusal(node: Node) -> UnsupportedError:
    return UnsupportedError(
        f"node {node.label} works on a list of tensors",
        expected="a list that a loop appends to, and that is stacked behind it",
        remedy="Append the rows of a loop to one list, torch.stack it, and flip() the result where "
        "the rows are to stand the other way round",
    )
