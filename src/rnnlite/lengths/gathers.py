"""Rules of ops that pick elements or move blocks: gather, scatter, one-hot, space to batch.

What enters: a `Node`, with a `Fact` for each input. What leaves: a `Fact` for each result; demands
on sizes are noted in the node.
"""

from __future__ import annotations

import numpy as np

from rnnlite.lengths.facts import (
    Fact,
    Node,
    Untold,
    filled,
    rule,
    with_content,
)
from rnnlite.lengths.sizes import Size, divided, floor_div, unknown


@rule("Gather", "GatherV2", "ResourceGather")
def gather(node: Node) -> list[Fact]:
    """The axes of the indices take the place of the axis that is gathered along."""
    batch = 0
    axis = 0
    if node.op.type == "GatherV2":
        batch = int(node.attr("batch_dims"))
        axis = node.number(2)
    indexes = node.sizes(1)
    if node.op.type == "ResourceGather":
        whole = node.op.outputs[0].shape
        if whole.rank is None:
            raise Untold
        row = whole[len(indexes) :]
        return [Fact((*indexes, *(unknown() if d is None else int(d) for d in row)))]
    sizes = node.sizes(0)
    axis %= len(sizes)
    content, places = node.inputs[0].content, node.inputs[1].content
    if content is not None and places is not None and batch == 0:
        taken = np.take(content, np.array(node.numbers(1)).reshape(places.shape), axis)
        return [with_content(filled(np.shape(taken), taken))]
    return [Fact((*sizes[:axis], *indexes[batch:], *sizes[axis + 1 :]))]


@rule("GatherNd", "ResourceGatherNd")
def gather_nd(node: Node) -> list[Fact]:
    """The size of the last axis of the indices is the number of axes that they index."""
    sizes, indexes = node.sizes(0), node.sizes(1)
    depth = indexes[-1]
    if not isinstance(depth, int):
        raise Untold
    return [Fact((*indexes[:-1], *sizes[depth:]))]


@rule("ScatterNd")
def scatter_nd(node: Node) -> list[Fact]:
    """The third input holds the shape."""
    return [Fact(tuple(node.content(2)))]


@rule("OneHot")
def one_hot(node: Node) -> list[Fact]:
    """A new axis for the classes."""
    sizes, depth = node.sizes(0), node.only(1)
    axis = int(node.attr("axis"))
    place = axis if axis >= 0 else len(sizes)
    return [Fact((*sizes[:place], depth, *sizes[place:]))]


@rule("BatchToSpaceND")
def batch_to_space(node: Node) -> list[Fact]:
    """Blocks of the batch are laid along axes, then cropped."""
    sizes, crops = list(node.sizes(0)), node.content(2)
    blocks = node.numbers(1)
    whole, exact = divided(sizes[0], int(np.prod(blocks)))
    if not exact:
        raise Untold
    found: list[Size] = [whole]
    for size, block, (front, behind) in zip(sizes[1:], blocks, crops, strict=False):
        found.append(size * block - front - behind)
    return [Fact((*found, *sizes[len(found) :]))]


@rule("SpaceToBatchND")
def space_to_batch(node: Node) -> list[Fact]:
    """Axes are padded, then cut into blocks, whose elements go to the batch."""
    sizes, padding = list(node.sizes(0)), node.content(2)
    blocks = node.numbers(1)
    found: list[Size] = [sizes[0] * int(np.prod(blocks))]
    for size, block, (front, behind) in zip(sizes[1:], blocks, padding, strict=False):
        quotient, exact = divided(size + front + behind, block)
        if not exact:
            node.demand_multiple(size + front + behind, block)
        found.append(quotient)
    return [Fact((*found, *sizes[len(found) :]))]


@rule("SpaceToDepth", "DepthToSpace")
def space_to_depth(node: Node) -> list[Fact]:
    """Blocks of height and width as channels, or back."""
    if node.text("data_format") != "NHWC":
        raise Untold
    batch, height, width, channels = node.sizes(0)
    block = int(node.attr("block_size"))
    if node.op.type == "DepthToSpace":
        return [Fact((batch, height * block, width * block, floor_div(channels, block * block)))]
    for size in (height, width):
        node.demand_multiple(size, block)
    parts = (floor_div(height, block), floor_div(width, block))
    return [Fact((batch, *parts, channels * block * block))]
