"""Rules of ops that arrange data anew: reshape, transpose, repeat, fill.

What enters: a `Node`, with a `Fact` for each input. What leaves: a `Fact` for each result; demands
on sizes are noted in the node.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnnlite.lengths.facts import (
    LARGEST_CONTENT,
    Content,
    Fact,
    Node,
    Sizes,
    Untold,
    filled,
    rule,
    with_content,
)
from rnnlite.lengths.sizes import Size, divided, unknown


def product(sizes: Sequence[Size]) -> Size:
    """The product of sizes."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def followed(node: Node, place: int, sizes: Sizes, content: Content | None) -> list[Fact]:
    """The Fact of a result; it has content where the input has."""
    return [Fact(sizes, content if node.inputs[place].content is not None else None)]


@rule("Reshape")
def reshape(node: Node) -> list[Fact]:
    """One size of the target may be -1, and follows from the others."""
    target = list(node.content(1).reshape(-1))
    given = node.inputs[0]
    content = given.content
    if given.sizes is None:
        return [Fact(tuple(unknown() if t == -1 else t for t in target))]
    total = product(given.sizes)
    if any(isinstance(t, int) and t == -1 for t in target):
        place = target.index(-1)
        rest = product([t for k, t in enumerate(target) if k != place])
        quotient, exact = divided(total, rest)
        if not exact:
            node.demand_multiple(total, rest)
            _note_regrouped(node, given.sizes, target, place)
        target[place] = quotient
    else:
        node.demand_equal(total, product(target))
    whole = [t for t in target if isinstance(t, int)]
    if content is not None and len(whole) == len(target):
        return [with_content(content.reshape(whole))]
    return [Fact(tuple(target))]


def _note_regrouped(node: Node, sizes: Sizes, target: Sequence[Size], place: int) -> None:
    """Note which free axis the sizes behind the -1 are meant to hold, where several may be.

    (width, height, channels) -> (-1, k) is meant to hold the last axes: height * channels = k.
    """
    behind, taken = product(target[place + 1 :]), 1
    free = [s for s in sizes[place:] if not isinstance(s, int)]
    for size in reversed(sizes):
        if not isinstance(size, int):
            if len(free) > 1 and isinstance(behind, int) and taken < behind:
                node.note_meant(size * taken, behind)
            return
        taken *= size


@rule("ExpandDims")
def expand_dims(node: Node) -> list[Fact]:
    """An axis of 1 is inserted."""
    sizes, axis = node.sizes(0), node.number(1)
    place = axis if axis >= 0 else len(sizes) + 1 + axis
    content = node.inputs[0].content
    found = (*sizes[:place], 1, *sizes[place:])
    return followed(node, 0, found, None if content is None else np.expand_dims(content, place))


@rule("Squeeze")
def squeeze(node: Node) -> list[Fact]:
    """Axes of 1 are removed."""
    sizes = node.sizes(0)
    axes = [int(a) % len(sizes) for a in node.attr("squeeze_dims")]
    if not axes:
        if not all(isinstance(s, int) for s in sizes):
            raise Untold
        axes = [k for k, s in enumerate(sizes) if s == 1]
    for axis in axes:
        node.demand_equal(sizes[axis], 1)
    found = tuple(s for k, s in enumerate(sizes) if k not in axes)
    content = node.inputs[0].content
    return followed(node, 0, found, None if content is None else np.squeeze(content, tuple(axes)))


@rule("Transpose")
def transpose(node: Node) -> list[Fact]:
    """Axes in another order."""
    sizes, order = node.sizes(0), node.numbers(1)
    content = node.inputs[0].content
    found = tuple(sizes[k] for k in order)
    return followed(node, 0, found, None if content is None else content.transpose(order))


@rule("Tile")
def tile(node: Node) -> list[Fact]:
    """Each axis is repeated."""
    sizes, times = node.sizes(0), list(node.content(1))
    content = node.inputs[0].content
    if content is not None and all(isinstance(t, int) for t in times):
        return [with_content(np.tile(content, times))]
    return [Fact(tuple(s * t for s, t in zip(sizes, times, strict=True)))]


@rule("Fill")
def fill(node: Node) -> list[Fact]:
    """As large as its first input says."""
    sizes = tuple(node.content(0))
    value = node.inputs[1].content
    whole = [s for s in sizes if isinstance(s, int)]
    if value is not None and len(whole) == len(sizes) and math.prod(whole) <= LARGEST_CONTENT:
        return [with_content(filled(whole, value[()]))]
    return [Fact(sizes)]


@rule("RandomUniform", "RandomStandardNormal", "TruncatedNormal", "RandomUniformInt", "Empty")
def made(node: Node) -> list[Fact]:
    """As large as its first input says."""
    return [Fact(tuple(node.content(0)))]


@rule("StatelessRandomUniformV2", "StatelessRandomNormalV2")
def stateless(node: Node) -> list[Fact]:
    """As large as its first input says."""
    return [Fact(tuple(node.content(0)))]


@rule("BroadcastTo")
def broadcast_to(node: Node) -> list[Fact]:
    """The second input holds the shape."""
    return [Fact(tuple(node.content(1)))]
