"""Rewrite convolutions so that the runtime knows the size of the result before a run.

What enters: a frozen FuncGraph. What leaves: name of an op -> what to compute instead, for the
convolutions to rewrite.

    before                                                    after
    SpaceToBatchND(x, d, p) -> Conv2D -> BatchToSpaceND(.., c)   Pad(x, p - c) -> Conv2D, dilated
    Conv2DBackpropInput(size, w, x), stride s                    Pad(x) -> Conv2D, s times as wide
                                                                    -> Reshape -> a slice

TensorFlow splits a dilated convolution into phases, pads each to a multiple of the dilation, and
crops the result: this padding depends on the length. LiteRT computes such sizes while the model
runs, but CompiledModel makes the buffers of results before.

A transposed convolution takes the size of its result as an operand, which LiteRT reads before a run
only from constants. In its new form, row s q + p of the result, with stride s, is the product of
the input rows around q with every s-th tap of the kernel: these are the same products, as one
convolution.

Where all sizes are fixed, both stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import tensorflow as tf

from rnnlite.lengths.analysis import Analysis
from rnnlite.scan.tensors import Graph, Operation, Tensor


@dataclass(frozen=True, eq=False)
class Instead:
    """What to compute in the place of an op.

    Attributes:
        inputs: tensors of the graph.
        compute: makes the result of the op from the inputs.
    """

    inputs: tuple[Tensor, ...]
    compute: Callable[..., Tensor]


def convolutions(graph: Graph, *, fixed: bool = False) -> dict[str, Instead]:
    """Name of an op -> what to compute instead.

    Args:
        fixed: whether to rewrite where all sizes are fixed, too. The function of a chunk needs
            this: its integers have to be those of the whole sequence's function.
    """
    return dict(_found(graph, fixed=fixed))


def _found(graph: Graph, *, fixed: bool) -> Iterator[tuple[str, Instead]]:
    analysis: Analysis | None = None
    for op in graph.get_operations():
        rule = RULES.get(op.type)
        if rule is None or (op.outputs[0].shape.is_fully_defined() and not fixed):
            continue
        analysis = analysis or Analysis(graph, [])
        instead = rule(op, analysis)
        if instead is not None:
            yield op.name, instead


# Dilated


def _dilated(op: Operation, analysis: Analysis) -> Instead | None:
    """A BatchToSpaceND that ends a dilated convolution."""
    behind = op.inputs[0].op
    line = behind.type == "Squeeze"
    conv = behind.inputs[0].op if line else behind
    if conv.type != "Conv2D" or not _is_plain(conv) or conv.get_attr("padding") != b"VALID":
        return None
    front = conv.inputs[0].op
    if line:
        entered = front.type == "ExpandDims" and tf.get_static_value(front.inputs[1])
        if entered not in (1, -3) or list(behind.get_attr("squeeze_dims")) not in ([1], [-3]):
            return None
        front = front.inputs[0].op
    if front.type != "SpaceToBatchND":
        return None
    blocks = [tf.get_static_value(o.inputs[1]) for o in (front, op)]
    pads, crops = (analysis.content(o.inputs[2]) for o in (front, op))
    if any(b is None for b in blocks) or pads is None or crops is None:
        return None
    if list(blocks[0]) != list(blocks[1]) or len(blocks[0]) > (1 if line else 2):
        return None
    padding = [[p[0] - c[0], p[1] - c[1]] for p, c in zip(pads, crops, strict=True)]
    if not all(isinstance(n, int | np.integer) and n >= 0 for pair in padding for n in pair):
        return None
    compute = partial(dilated, [int(b) for b in blocks[0]], padding)
    return Instead((front.inputs[0], conv.inputs[1]), compute)


def _is_plain(conv: Operation) -> bool:
    """Whether channels are last, dilations are 1, and so are strides, unless it is transposed."""
    ones = [1, 1, 1, 1]
    strides = list(conv.get_attr("strides"))
    transposed = conv.type == "Conv2DBackpropInput"
    return (
        conv.get_attr("data_format") == b"NHWC"
        and list(conv.get_attr("dilations")) == ones
        and (transposed or strides == ones)
    )


def dilated(
    dilations: Sequence[int], padding: Sequence[Sequence[int]], x: Tensor, kernel: Tensor
) -> Tensor:
    """A dilated convolution.

    Args:
        dilations, padding: those of the axes behind the batch.
        x: (B, T, C) or (B, H, W, C).
        kernel: (KH, KW, C, U), where KH is 1 if there is only one axis.
    """
    if np.any(padding):
        rest = [[0, 0]] * (len(x.shape.as_list()) - 1 - len(padding))
        x = tf.pad(x, [[0, 0], *padding, *rest])
    if x.shape.rank == 3:
        rates = [1, dilations[0]]
        y = tf.nn.conv2d(tf.expand_dims(x, 1), kernel, 1, "VALID", dilations=rates)
        y = tf.squeeze(y, [1])
    else:
        y = tf.nn.conv2d(x, kernel, 1, "VALID", dilations=[*dilations, 1][:2])
    return cast(Tensor, y)


# Transposed


@dataclass(frozen=True)
class Phases:
    """One axis of a transposed convolution with kernel K and stride s, as `taps` of a plain one.

    Attributes:
        taps: ceil(K / s).
        stride: s.
        padding: zeros in front of the input and behind it.
        crop: rows to cut off the result, in front and behind.
    """

    taps: int
    stride: int
    padding: tuple[int, int]
    crop: tuple[int, int]

    @classmethod
    def of(cls, kernel: int, stride: int, more: int, *, same: bool) -> Phases:
        """The phases for a result of size stride * T + more, where T is the size of the input.

        TensorFlow crops the whole result, of stride (T - 1) + K rows: half at each end with padding
        "SAME", at the end with "VALID".
        """
        taps = -(-kernel // stride)
        surplus = max(kernel - stride - more, 0) if same else 0
        before = surplus // 2
        whole, crop = divmod(before, stride)
        front = max(taps - 1 - whole, 0)
        places = -(-(crop + more) // stride)
        back = max(places - front + taps - 1, 0)
        behind = (front + back - (taps - 1)) * stride - crop - more
        return cls(taps, stride, (front, back), (crop, behind))


def _transposed(op: Operation, analysis: Analysis) -> Instead | None:
    """A transposed convolution over an axis of free size."""
    _, weights, x = op.inputs
    content, sizes = analysis.content(op.inputs[0]), analysis.sizes(x)
    if not _is_plain(op) or content is None or sizes is None:
        return None
    if not weights.shape.is_fully_defined() or op.get_attr("padding") not in (b"SAME", b"VALID"):
        return None
    strides, shape = list(op.get_attr("strides")), weights.shape.as_list()
    axes: list[Phases] = []
    for axis in (1, 2):
        more = content[axis] - sizes[axis] * strides[axis]
        if not isinstance(more, int | np.integer):
            return None
        kernel, stride = int(shape[axis - 1] or 0), int(strides[axis])
        axes.append(Phases.of(kernel, stride, int(more), same=op.get_attr("padding") == b"SAME"))
    return Instead((x, weights), partial(transposed, axes[0], axes[1]))


def transposed(rows: Phases, columns: Phases, x: Tensor, kernel: Tensor) -> Tensor:
    """A transposed convolution as a plain one.

    Args:
        rows, columns: the phases of its two axes.
        x: (B, H, W, C).
        kernel: (KH, KW, U, C), the layout of TensorFlow's transposed convolutions.
    """
    units = int(kernel.shape.as_list()[2] or 0)
    y = tf.pad(x, [[0, 0], rows.padding, columns.padding, [0, 0]])
    y = tf.nn.conv2d(y, _in_phases(rows, columns, kernel), 1, "VALID")
    batch, height, width = (size(y, k) for k in range(3))
    # Channels are (columns' phase, rows' phase, unit).
    width = width * columns.stride
    y = reshaped(y, [batch, height, width, rows.stride * units])
    if rows.stride > 1:
        y = reshaped(y, [batch, height, width, rows.stride, units])
        y = tf.transpose(y, [0, 1, 3, 2, 4])
        y = reshaped(y, [batch, height * rows.stride, width, units])
    first, last = ([c[k] for c in (rows.crop, columns.crop)] for k in (0, 1))
    return y[:, first[0] : -last[0] or None, first[1] : -last[1] or None, :]


def size(x: Tensor, axis: int) -> int | Tensor:
    """The size of an axis: an int, or a tensor (1,) where it is free."""
    known = x.shape[axis]
    return cast(Tensor, tf.shape(x)[axis : axis + 1]) if known is None else int(known)


def reshaped(x: Tensor, sizes: Sequence[int | Tensor]) -> Tensor:
    """x in another shape; if one size is a tensor, it is written as -1."""
    if sum(not isinstance(s, int) for s in sizes) <= 1:
        return cast(Tensor, tf.reshape(x, [s if isinstance(s, int) else -1 for s in sizes]))
    parts = [[s] if isinstance(s, int) else s for s in sizes]
    return cast(Tensor, tf.reshape(x, tf.concat(parts, 0)))


def _in_phases(rows: Phases, columns: Phases, kernel: Tensor) -> Tensor:
    """The kernel (KH, KW, U, C) as (taps, taps, C, column phases * row phases * U)."""
    missing = [
        [0, axis.taps * axis.stride - int(size or 0)]
        for axis, size in zip((rows, columns), kernel.shape.as_list()[:2], strict=True)
    ]
    units, features = kernel.shape.as_list()[2:]
    w = tf.pad(kernel, [*missing, [0, 0], [0, 0]])
    shape = [rows.taps, rows.stride, columns.taps, columns.stride, units, features]
    # The tap for the latest input comes last.
    w = tf.reverse(tf.reshape(w, shape), [0, 2])
    w = tf.transpose(w, [0, 2, 5, 3, 1, 4])
    return cast(Tensor, tf.reshape(w, [rows.taps, columns.taps, features, -1]))


RULES: dict[str, Callable[[Operation, Analysis], Instead | None]] = {
    "BatchToSpaceND": _dilated,
    "Conv2DBackpropInput": _transposed,
}
