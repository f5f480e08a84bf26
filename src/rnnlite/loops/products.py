"""Cut products of [x, h] with one kernel in two: the one of x is hoisted, the one of h is not.

What enters: a body whose nodes are sorted. What leaves: the body, in which

    MATMUL(CONCAT(x, h), W) + b     has become     (MATMUL(x, Wx) + b) + MATMUL(h, Wh)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.loops.loop import Region
from rnnlite.loops.nodes import Kind, Node, Ref
from rnnlite.loops.regions import Body, Class, Sorted, shape_of
from rnnlite.loops.walks import origin
from rnnlite.scan.tensors import Array

BIASES = (Kind.BIAS_ADD, Kind.ADD)


def cut_products(nodes: Sorted) -> Body:
    """The body with every product cut that mixes inputs and states."""
    region, shapes = nodes.body.region, dict(nodes.body.shapes)
    readers = _readers(nodes)
    for node in [n for n in nodes.order if _is_mixed(nodes, n)]:
        region, made = _cut(nodes, region, node, readers)
        for part in made:
            if part.kind is not Kind.CONCAT:
                whole = node if part.kind is Kind.MATMUL else made[-1]
                shapes[part.result] = shapes.get(whole.result)
    return replace(nodes.body, region=region, shapes=shapes)


def _readers(nodes: Sorted) -> dict[Ref, list[Node | None]]:
    """The nodes that read each value; None where the step gives it out."""
    found: dict[Ref, list[Node | None]] = {}
    for node in nodes.order:
        for ref in node.reads:
            found.setdefault(ref, []).append(node)
    for ref in nodes.body.results:
        found.setdefault(ref, []).append(None)
    return found


def _joined(nodes: Sorted, node: Node) -> Node | None:
    """What puts the left operand of a product together."""
    region = nodes.body.region
    source = region.node(origin(region, node.operands[0]))
    return source if source is not None and source.kind is Kind.CONCAT else None


def _is_mixed(nodes: Sorted, node: Node) -> bool:
    if node.kind is not Kind.MATMUL or nodes.of(node.operands[0]) is not Class.STATE:
        return False
    source = _joined(nodes, node)
    if source is None or nodes.known(node.operands[1]) is None:
        return False
    classes = {nodes.of(p) for p in source.operands}
    if nodes.axis(source) not in (1, -1) or Class.STATE not in classes or len(classes) == 1:
        return False
    return all(_width(nodes, p) is not None for p in source.operands)


def _width(nodes: Sorted, ref: Ref) -> int | None:
    """Columns of a matrix, where they are known."""
    shape = shape_of(nodes, ref)
    return shape[1] if shape is not None and len(shape) == 2 else None


@dataclass
class _Half:
    """The part of a product that multiplies the input, or the state.

    Attributes:
        label: where it goes.
        parts: what it multiplies.
        blocks: the kernel's rows for each.
    """

    label: str
    parts: list[Ref] = field(default_factory=list)
    blocks: list[Array] = field(default_factory=list)


def _cut(
    nodes: Sorted, region: Region, node: Node, readers: dict[Ref, list[Node | None]]
) -> tuple[Region, list[Node]]:
    """The region with one product cut, and the nodes that it has become."""
    source, kernel = _joined(nodes, node), nodes.known(node.operands[1])
    if source is None or kernel is None:
        raise InternalError(f"'{node.name}' is no product of parts")
    if node.transposed:
        kernel = kernel.T
    inputs, states = _Half("input"), _Half("state")
    row = 0
    for part in source.operands:
        width = _width(nodes, part) or 0
        half = states if nodes.of(part) is Class.STATE else inputs
        half.parts.append(part)
        half.blocks.append(kernel[row : row + width])
        row += width
    made: list[Node] = []
    constants: dict[Ref, Array] = {}
    first, second = (_product(node, half, made, constants) for half in (inputs, states))
    target = node
    only = readers.get(node.result, [])
    adder = only[0] if len(only) == 1 else None
    if adder is not None and adder.kind in BIASES:
        bias = next((r for r in adder.operands if r != node.result), None)
        if bias is not None and nodes.of(bias) is Class.INVARIANT:
            made.append(_made(f"{node.name}/biased", adder.kind, first, bias))
            first, target = made[-1].result, adder
    total = Node(target.name, "", Kind.ADD, (first, second), target.result, (first, second))
    made.append(total)
    return region.extend(made, constants, like=node), made


def _product(node: Node, half: _Half, made: list[Node], constants: dict[Ref, Array]) -> Ref:
    """Add the product of one half; gives the reference to it."""
    name = f"{node.name}/{half.label}"
    weights = f"{name}_kernel:0"
    constants[weights] = np.concatenate(half.blocks)
    source = half.parts[0]
    if len(half.parts) > 1:
        axis = f"{name}_axis:0"
        constants[axis] = np.array(1, np.int32)
        reads = (*half.parts, axis)
        joined = Node(
            f"{name}_parts", "", Kind.CONCAT, reads, f"{name}_parts:0", tuple(half.parts), axis=axis
        )
        made.append(joined)
        source = joined.result
    made.append(_made(f"{name}_product", Kind.MATMUL, source, weights))
    return made[-1].result


def _made(name: str, kind: Kind, *operands: Ref) -> Node:
    return Node(name, "", kind, operands, f"{name}:0", operands)
