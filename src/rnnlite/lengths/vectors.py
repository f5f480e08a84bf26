"""Rules of ops that compute shapes: the numbers in their results are followed too.

What enters: a `Node`, with a `Fact` for each input. What leaves: a `Fact` for each result, with its
content where that is known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlite.lengths.computes import broadcast
from rnnlite.lengths.facts import (
    LARGEST_CONTENT,
    Content,
    Fact,
    Node,
    Untold,
    rule,
    scalar,
    vector,
    with_content,
)
from rnnlite.lengths.moves import product
from rnnlite.lengths.sizes import Size, ceil_div, floor_div, maximum, minimum, unknown


@rule("Identity", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "EnsureShape")
def passing(node: Node) -> list[Fact]:
    """The input itself."""
    return [node.inputs[0]]


@rule("IdentityN")
def passing_all(node: Node) -> list[Fact]:
    """The inputs themselves."""
    return list(node.inputs)


@rule("Cast")
def cast(node: Node) -> list[Fact]:
    """The numbers are followed if the result is of integers."""
    given = node.inputs[0]
    return [given if node.op.outputs[0].dtype.is_integer else Fact(given.sizes)]


@rule("Shape")
def shape(node: Node) -> list[Fact]:
    """The sizes as a vector."""
    return [with_content(vector(node.sizes(0)))]


@rule("ShapeN")
def shapes(node: Node) -> list[Fact]:
    """The sizes of each input as a vector."""
    return [with_content(vector(node.sizes(k))) for k in range(len(node.inputs))]


@rule("Size")
def size(node: Node) -> list[Fact]:
    """The number of elements."""
    return [with_content(scalar(product(node.sizes(0))))]


@rule("Rank")
def rank(node: Node) -> list[Fact]:
    """The number of axes."""
    return [with_content(scalar(len(node.sizes(0))))]


@rule("Range")
def range_(node: Node) -> list[Fact]:
    """The numbers from a start to a limit, in steps."""
    start, limit, step = (node.only(k) for k in range(3))
    if not isinstance(step, int) or step == 0:
        raise Untold
    if isinstance(start, int) and isinstance(limit, int):
        found = list(range(start, limit, step))
        return [with_content(vector(found))]
    length = ceil_div(limit - start, step) if step > 0 else ceil_div(start - limit, -step)
    return [Fact((maximum(length, 0),))]


@rule("Prod")
def prod(node: Node) -> list[Fact]:
    """The product of a vector."""
    content = node.inputs[0].content
    sizes = node.sizes(0)
    if content is None:
        axes = {a % len(sizes) for a in node.numbers(1)} if sizes else set()
        keep = bool(node.attr("keep_dims"))
        return [
            Fact(tuple(1 if k in axes else s for k, s in enumerate(sizes) if keep or k not in axes))
        ]
    if content.ndim > 1 or node.attr("keep_dims"):
        raise Untold
    if content.ndim == 0 or not node.numbers(1):
        return [with_content(content)]
    return [with_content(scalar(product(list(content))))]


def _floor_mod(one: Size, other: Size) -> Size:
    return one - floor_div(one, other) * other


NUMBERS: dict[str, Callable[[Size, Size], Size]] = {
    "Add": lambda a, b: a + b,
    "AddV2": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "FloorDiv": floor_div,
    "FloorMod": _floor_mod,
    "Mod": _floor_mod,
    "Maximum": maximum,
    "Minimum": minimum,
}
"""Kind of op -> what it computes of two numbers."""


@rule(*NUMBERS)
def arithmetic(node: Node) -> list[Fact]:
    """Inputs are broadcast; the numbers are computed where both inputs have theirs."""
    one, other = node.inputs[0].content, node.inputs[1].content
    if one is None or other is None:
        return [Fact(broadcast(node, [node.sizes(0), node.sizes(1)]))]
    a, b = np.broadcast_arrays(one, other)
    if a.size > LARGEST_CONTENT:
        return [Fact(a.shape)]
    compute = NUMBERS[node.op.type]
    pairs = zip(a.reshape(-1), b.reshape(-1), strict=True)
    found = vector([compute(x, y) for x, y in pairs])
    return [with_content(found.reshape(a.shape))]


@rule("Neg")
def negative(node: Node) -> list[Fact]:
    """Numbers are negated."""
    content = node.inputs[0].content
    if content is None:
        return [Fact(node.sizes(0))]
    return [with_content(vector([-x for x in content.reshape(-1)]).reshape(content.shape))]


@rule("BroadcastArgs")
def broadcast_args(node: Node) -> list[Fact]:
    """The shape to which two shapes are broadcast."""
    parts = [tuple(node.content(0)), tuple(node.content(1))]
    return [with_content(vector(broadcast(node, parts)))]


@rule("InvertPermutation")
def invert(node: Node) -> list[Fact]:
    """The index of each number."""
    order = node.numbers(0)
    return [with_content(vector([order.index(k) for k in range(len(order))]))]


@rule("ListDiff")
def difference(node: Node) -> list[Fact]:
    """The numbers of the first input that are not in the second, and their indices."""
    one, other = node.numbers(0), set(node.numbers(1))
    left = [(k, x) for k, x in enumerate(one) if x not in other]
    found: list[Content] = [vector([x for _, x in left]), vector([k for k, _ in left])]
    return [with_content(f) for f in found]


@rule("Where")
def where(node: Node) -> list[Fact]:
    """A row for each true element: their number is unknown."""
    return [Fact((unknown(), len(node.sizes(0))))]
