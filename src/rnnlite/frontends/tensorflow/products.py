"""Cut products of [x, h] with one kernel in two: x goes with what is hoisted, h with the step.

What enters: a cell whose shapes and classes are known. What leaves: the same cell, its graph an
overlay in which `MatMul(ConcatV2(x, h), W) + b` reads `(MatMul(x, Wx) + b) + MatMul(h, Wh)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.tensorflow.nodes import Graph, name_of

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.cell import GraphCell

BIASES = ("BiasAdd", "Add", "AddV2")


def cut_products(cell: GraphCell) -> None:
    """Cut every product that mixes inputs and states."""
    mixed = [n for n in cell._order() if _is_mixed(cell, cell.graph.nodes[n])]
    if not mixed:
        return
    graph = cell.graph
    cell.invariant.graph = overlay = Graph(
        dict(graph.nodes), graph.functions, graph.arguments, graph.results, graph._bodies
    )
    cell.invariant.session.share_frames(overlay, graph)
    readers = _readers(cell)
    for name in mixed:
        _cut(cell, overlay, name, readers)


def _readers(cell: GraphCell) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name in cell._order():
        node = cell.graph.nodes[name]
        for r in cell.graph.inputs(node):
            found.setdefault(r, []).append(node)
    for r in [*cell.updates, *cell.outputs]:
        found.setdefault(r, []).append(None)
    return found


def _is_mixed(cell: GraphCell, node: Any) -> bool:
    if node.op != "MatMul" or node.attr["transpose_a"].b:
        return False
    left, right = cell.graph.inputs(node)
    source = cell.graph.node(cell.graph.origin(left)) if cell.class_of(left) == 2 else None
    if source is None or source.op != "ConcatV2" or cell.kernel(right) is None:
        return False
    *parts, axis = cell.graph.inputs(source)
    where = cell.kernel(axis)
    classes = {cell.class_of(p) for p in parts}
    if where is None or int(where) not in (1, -1) or not ({0, 1} & classes and 2 in classes):
        return False
    return all(_width(cell, p) is not None for p in parts)


def _width(cell: GraphCell, reference: str) -> int | None:
    shape = cell.shapes.get(reference)
    if shape is None and cell.invariant.has(reference):
        shape = cell.invariant.find(reference).shape
    if shape is None or shape.rank != 2:
        return None
    return None if shape[1] is None else int(shape[1])


def _cut(cell: GraphCell, overlay: Graph, name: str, readers: dict[str, list[Any]]) -> None:
    node = overlay.nodes[name]
    left, right = overlay.inputs(node)
    *parts, _ = overlay.inputs(overlay.node(overlay.origin(left)))
    kernel = cell.kernel(right)
    if node.attr["transpose_b"].b:
        kernel = kernel.T
    groups: dict[str, tuple[list[str], list[Any]]] = {"input": ([], []), "state": ([], [])}
    row = 0
    for part in parts:
        width = _width(cell, part) or 0
        names, blocks = groups["state" if cell.class_of(part) == 2 else "input"]
        names.append(part)
        blocks.append(kernel[row : row + width])
        row += width
    products = {}
    for label, (names, blocks) in groups.items():
        weights = cell.constant(f"{name}/{label}_kernel", np.concatenate(blocks))
        source = names[0] if len(names) == 1 else _concat(cell, overlay, f"{name}/{label}", names)
        product = _node(overlay, "MatMul", f"{name}/{label}_product", [source, weights])
        product.attr["T"].CopyFrom(node.attr["T"])
        products[label] = f"{product.name}:0"
    target, first = node, products["input"]
    only = readers.get(f"{name}:0", [])
    if len(only) == 1 and only[0] is not None and only[0].op in BIASES:
        bias = next((r for r in overlay.inputs(only[0]) if name_of(r) != name), None)
        if bias is not None and cell.class_of(bias) == 0:
            added = _node(overlay, only[0].op, f"{name}/biased", [first, bias])
            added.attr["T"].CopyFrom(node.attr["T"])
            first, target = f"{added.name}:0", only[0]
    total = _node(overlay, "AddV2", target.name, [first, products["state"]])
    total.attr["T"].CopyFrom(node.attr["T"])


def _concat(cell: GraphCell, overlay: Graph, name: str, parts: list[str]) -> str:
    axis = cell.constant(f"{name}_axis", np.int32(1))
    made = _node(overlay, "ConcatV2", f"{name}_parts", [*parts, axis])
    made.attr["N"].i = len(parts)
    made.attr["T"].type = tf.float32.as_datatype_enum
    made.attr["Tidx"].type = tf.int32.as_datatype_enum
    return f"{made.name}:0"


def _node(overlay: Graph, op: str, name: str, inputs: list[str]) -> Any:
    node = tf.compat.v1.NodeDef(op=op, name=name, input=inputs)
    overlay.nodes[name] = node
    return node
