"""Rules of ops that cut or join along an axis: slice, pad, concatenate, split.

What enters: a `Node`, with a `Fact` for each input. What leaves: a `Fact` for each result; demands
on sizes are noted in the node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlite.lengths.facts import (
    Fact,
    Node,
    filled,
    rule,
    with_content,
)
from rnnlite.lengths.sizes import Size, ceil_div, floor_div, maximum, minimum, unknown


def _bounds(size: Size, begin: Size | None, end: Size | None, step: int) -> Size:
    """The length of a slice begin:end:step; a bound of None is left out, as in NumPy."""

    def place(bound: Size) -> Size:
        if not isinstance(bound, int):
            return minimum(bound, size)
        return maximum(size + bound, 0) if bound < 0 else minimum(bound, size)

    if step < 0:
        if begin is not None or end is not None:
            if (
                isinstance(size, int)
                and isinstance(begin, int | None)
                and isinstance(end, int | None)
            ):
                return len(range(size)[begin:end:step])
            return unknown()
        return ceil_div(size, -step)
    first = 0 if begin is None else place(begin)
    last = size if end is None else place(end)
    return maximum(ceil_div(last - first, step), 0)


@rule("StridedSlice")
def strided_slice(node: Node) -> list[Fact]:
    """Slices, single indices, new axes and an ellipsis, as in NumPy."""
    sizes = node.sizes(0)
    begin, end = list(node.content(1)), list(node.content(2))
    strides = node.numbers(3)
    masks = {
        name: int(node.attr(f"{name}_mask"))
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }

    def has(name: str, k: int) -> bool:
        return bool(masks[name] >> k & 1)

    wanted = sum(not (has("ellipsis", k) or has("new_axis", k)) for k in range(len(strides)))
    found: list[Size] = []
    index: list[Any] = []
    axis = 0
    for k, step in enumerate(strides):
        if has("ellipsis", k):
            skipped = len(sizes) - wanted
            found += sizes[axis : axis + skipped]
            index.append(Ellipsis)
            axis += skipped
        elif has("new_axis", k):
            found.append(1)
            index.append(None)
        elif has("shrink_axis", k):
            place = begin[k]
            if isinstance(place, int):
                node.demand_least(sizes[axis], place + 1 if place >= 0 else -place)
            index.append(place)
            axis += 1
        else:
            first = None if has("begin", k) else begin[k]
            last = None if has("end", k) else end[k]
            found.append(_bounds(sizes[axis], first, last, step))
            index.append(slice(first, last, step))
            axis += 1
    found += sizes[axis:]
    content = node.inputs[0].content
    if content is None or any(not _plain(i) for i in index):
        return [Fact(tuple(found))]
    taken = content[tuple(index)]
    return [with_content(filled(np.shape(taken), taken))]


def _plain(index: object) -> bool:
    if isinstance(index, slice):
        return all(isinstance(b, int | None) for b in (index.start, index.stop))
    return index is None or index is Ellipsis or isinstance(index, int)


@rule("Slice")
def slice_(node: Node) -> list[Fact]:
    """A size of -1 reaches to the end."""
    sizes = node.sizes(0)
    begin, size = list(node.content(1)), list(node.content(2))
    found = []
    for whole, first, wanted in zip(sizes, begin, size, strict=True):
        rest = isinstance(wanted, int) and wanted == -1
        found.append(whole - first if rest else wanted)
        if not rest:
            node.demand_least(whole, first + wanted)
    content = node.inputs[0].content
    if content is not None and all(isinstance(x, int) for x in (*begin, *found)):
        ranges = tuple(slice(b, b + n) for b, n in zip(begin, found, strict=True))
        return [with_content(content[ranges])]
    return [Fact(tuple(found))]


@rule("Pad", "PadV2", "MirrorPad")
def pad(node: Node) -> list[Fact]:
    """Rows are added in front and behind; MirrorPad needs as many rows to mirror."""
    sizes, padding = node.sizes(0), node.content(1)
    if node.op.type == "MirrorPad":
        more = 1 if node.text("mode") == "REFLECT" else 0
        for size, (front, behind) in zip(sizes, padding, strict=True):
            for count in (front, behind):
                if isinstance(count, int) and count:
                    node.demand_least(size, count + more)
    pairs = zip(sizes, padding, strict=True)
    return [Fact(tuple(size + front + behind for size, (front, behind) in pairs))]


@rule("Concat", "ConcatV2")
def concat(node: Node) -> list[Fact]:
    """The axis of concatenation has the sum of the sizes; all other axes are equal."""
    count = int(node.attr("N"))
    parts, axis = (range(count), count) if node.op.type == "ConcatV2" else (range(1, count + 1), 0)
    place = node.number(axis)
    contents = [node.inputs[k].content for k in parts]
    if all(c is not None for c in contents):
        return [with_content(np.concatenate([c for c in contents if c is not None], place))]
    sizes = list(node.sizes(parts[0]))
    place %= len(sizes)
    for k in parts[1:]:
        for axis_, other in enumerate(node.sizes(k)):
            if axis_ == place:
                sizes[axis_] = sizes[axis_] + other
            else:
                sizes[axis_] = node.demand_equal(sizes[axis_], other)
    return [Fact(tuple(sizes))]


@rule("Pack")
def pack(node: Node) -> list[Fact]:
    """A new axis, of the number of inputs."""
    axis = int(node.attr("axis"))
    contents = [i.content for i in node.inputs]
    if all(c is not None for c in contents):
        return [with_content(np.stack([c for c in contents if c is not None], axis))]
    sizes = list(node.sizes(0))
    for k in range(1, len(node.inputs)):
        sizes = [node.demand_equal(a, b) for a, b in zip(sizes, node.sizes(k), strict=True)]
    place = axis if axis >= 0 else len(sizes) + 1 + axis
    sizes.insert(place, len(node.inputs))
    return [Fact(tuple(sizes))]


@rule("Unpack")
def unpack(node: Node) -> list[Fact]:
    """A result for each index of an axis."""
    sizes, axis = node.sizes(0), int(node.attr("axis"))
    axis %= len(sizes)
    count = int(node.attr("num"))
    node.demand_equal(sizes[axis], count)
    found = (*sizes[:axis], *sizes[axis + 1 :])
    content = node.inputs[0].content
    if content is None:
        return [Fact(found)] * count
    results = []
    for k in range(count):
        part = np.take(content, k, axis)
        results.append(with_content(filled(np.shape(part), part)))
    return results


@rule("Split")
def split(node: Node) -> list[Fact]:
    """Parts of equal size."""
    sizes, count = list(node.sizes(1)), int(node.attr("num_split"))
    axis = node.number(0) % len(sizes)
    node.demand_multiple(sizes[axis], count)
    content = node.inputs[1].content
    if content is not None:
        return [with_content(part) for part in np.split(content, count, axis)]
    sizes[axis] = floor_div(sizes[axis], count)
    return [Fact(tuple(sizes))] * count


@rule("SplitV")
def split_v(node: Node) -> list[Fact]:
    """Parts of given sizes; one may be -1, and gets the rest."""
    sizes, parts = list(node.sizes(0)), list(node.content(1))
    axis = node.number(2) % len(sizes)
    known = [p for p in parts if not (isinstance(p, int) and p == -1)]
    rest = sizes[axis] - sum(known, 0)
    if len(known) == len(parts):
        node.demand_equal(rest, 0)
    content = node.inputs[0].content
    whole = [p if isinstance(p, int) and p != -1 else rest for p in parts]
    ends = np.cumsum([p for p in whole if isinstance(p, int)])
    if content is not None and len(ends) == len(parts):
        return [with_content(part) for part in np.split(content, ends[:-1], axis)]
    found = []
    for part in parts:
        sizes[axis] = rest if isinstance(part, int) and part == -1 else part
        found.append(Fact(tuple(sizes)))
    return found
