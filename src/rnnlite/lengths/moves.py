"""Rules of ops that move data: reshape, transpose, slice, pad, concatenate, gather, repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

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
from rnnlite.lengths.sizes import Size, ceil_div, divided, floor_div, maximum, minimum, unknown


def product(sizes: Sequence[Size]) -> Size:
    """All of them multiplied."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def followed(node: Node, place: int, sizes: Sizes, content: Content | None) -> list[Fact]:
    """A result whose numbers are those of an input, arranged anew."""
    return [Fact(sizes, content if node.inputs[place].content is not None else None)]


@rule("Reshape")
def reshape(node: Node) -> list[Fact]:
    """One size may be -1: what the others leave."""
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
            node.multiple(total, rest)
            _regrouped(node, given.sizes, target, place)
        target[place] = quotient
    else:
        node.equal(total, product(target))
    whole = [t for t in target if isinstance(t, int)]
    if content is not None and len(whole) == len(target):
        return [with_content(content.reshape(whole))]
    return [Fact(tuple(target))]


def _regrouped(node: Node, sizes: Sizes, target: Sequence[Size], place: int) -> None:
    """Which free axis the sizes behind the -1 are meant to take in, where several could be.

    (width, height, channels) -> (-1, k) takes in what stands last: height * channels = k.
    """
    behind, taken = product(target[place + 1 :]), 1
    free = [s for s in sizes[place:] if not isinstance(s, int)]
    for size in reversed(sizes):
        if not isinstance(size, int):
            if len(free) > 1 and isinstance(behind, int) and taken < behind:
                node.meant(size * taken, behind)
            return
        taken *= size


@rule("ExpandDims")
def expand_dims(node: Node) -> list[Fact]:
    """An axis of 1 is put in."""
    sizes, axis = node.sizes(0), node.number(1)
    place = axis if axis >= 0 else len(sizes) + 1 + axis
    content = node.inputs[0].content
    found = (*sizes[:place], 1, *sizes[place:])
    return followed(node, 0, found, None if content is None else np.expand_dims(content, place))


@rule("Squeeze")
def squeeze(node: Node) -> list[Fact]:
    """Axes of 1 are taken out."""
    sizes = node.sizes(0)
    axes = [int(a) % len(sizes) for a in node.attr("squeeze_dims")]
    if not axes:
        if not all(isinstance(s, int) for s in sizes):
            raise Untold
        axes = [k for k, s in enumerate(sizes) if s == 1]
    for axis in axes:
        node.equal(sizes[axis], 1)
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


def _bounds(size: Size, begin: Size | None, end: Size | None, step: int) -> Size:
    """Length of a slice begin:end:step of an axis; None where it is left out."""

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
    """Slices, single places, new axes and an ellipsis, as NumPy has them."""
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
                node.least(sizes[axis], place + 1 if place >= 0 else -place)
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
            node.least(whole, first + wanted)
    content = node.inputs[0].content
    if content is not None and all(isinstance(x, int) for x in (*begin, *found)):
        ranges = tuple(slice(b, b + n) for b, n in zip(begin, found, strict=True))
        return [with_content(content[ranges])]
    return [Fact(tuple(found))]


@rule("Pad", "PadV2", "MirrorPad")
def pad(node: Node) -> list[Fact]:
    """Rows in front and behind; a mirror needs as many to show."""
    sizes, padding = node.sizes(0), node.content(1)
    if node.op.type == "MirrorPad":
        more = 1 if node.text("mode") == "REFLECT" else 0
        for size, (front, behind) in zip(sizes, padding, strict=True):
            for count in (front, behind):
                if isinstance(count, int) and count:
                    node.least(size, count + more)
    pairs = zip(sizes, padding, strict=True)
    return [Fact(tuple(size + front + behind for size, (front, behind) in pairs))]


@rule("Tile")
def tile(node: Node) -> list[Fact]:
    """Each axis so many times."""
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
    """As large as its second input says."""
    return [Fact(tuple(node.content(1)))]


@rule("Concat", "ConcatV2")
def concat(node: Node) -> list[Fact]:
    """The axis of concatenation is the sum; all others agree."""
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
                sizes[axis_] = node.equal(sizes[axis_], other)
    return [Fact(tuple(sizes))]


@rule("Pack")
def pack(node: Node) -> list[Fact]:
    """A new axis, as long as there are inputs."""
    axis = int(node.attr("axis"))
    contents = [i.content for i in node.inputs]
    if all(c is not None for c in contents):
        return [with_content(np.stack([c for c in contents if c is not None], axis))]
    sizes = list(node.sizes(0))
    for k in range(1, len(node.inputs)):
        sizes = [node.equal(a, b) for a, b in zip(sizes, node.sizes(k), strict=True)]
    place = axis if axis >= 0 else len(sizes) + 1 + axis
    sizes.insert(place, len(node.inputs))
    return [Fact(tuple(sizes))]


@rule("Unpack")
def unpack(node: Node) -> list[Fact]:
    """One result for each place of an axis."""
    sizes, axis = node.sizes(0), int(node.attr("axis"))
    axis %= len(sizes)
    count = int(node.attr("num"))
    node.equal(sizes[axis], count)
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
    """Equal parts."""
    sizes, count = list(node.sizes(1)), int(node.attr("num_split"))
    axis = node.number(0) % len(sizes)
    node.multiple(sizes[axis], count)
    content = node.inputs[1].content
    if content is not None:
        return [with_content(part) for part in np.split(content, count, axis)]
    sizes[axis] = floor_div(sizes[axis], count)
    return [Fact(tuple(sizes))] * count


@rule("SplitV")
def split_v(node: Node) -> list[Fact]:
    """Parts of given sizes; one may be -1."""
    sizes, parts = list(node.sizes(0)), list(node.content(1))
    axis = node.number(2) % len(sizes)
    known = [p for p in parts if not (isinstance(p, int) and p == -1)]
    rest = sizes[axis] - sum(known, 0)
    if len(known) == len(parts):
        node.equal(rest, 0)
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


@rule("Gather", "GatherV2", "ResourceGather")
def gather(node: Node) -> list[Fact]:
    """Rows by indexes, whose axes stand in the place of the axis of rows."""
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
    """The last axis of the indexes says how many axes they choose along."""
    sizes, indexes = node.sizes(0), node.sizes(1)
    depth = indexes[-1]
    if not isinstance(depth, int):
        raise Untold
    return [Fact((*indexes[:-1], *sizes[depth:]))]


@rule("ScatterNd")
def scatter_nd(node: Node) -> list[Fact]:
    """As large as its third input says."""
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
    """Blocks of the batch laid along axes, then cropped."""
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
    """Axes padded, then every block-th place of them put into the batch."""
    sizes, padding = list(node.sizes(0)), node.content(2)
    blocks = node.numbers(1)
    found: list[Size] = [sizes[0] * int(np.prod(blocks))]
    for size, block, (front, behind) in zip(sizes[1:], blocks, padding, strict=False):
        quotient, exact = divided(size + front + behind, block)
        if not exact:
            node.multiple(size + front + behind, block)
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
        node.multiple(size, block)
    parts = (floor_div(height, block), floor_div(width, block))
    return [Fact((batch, *parts, channels * block * block))]
