"""Rules of windows that move along time: convolutions and pooling.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`).

The rows that a window reaches back to are a state: the last rows of the chunks before. At the start
of a sequence this state holds the padding in front. Padding behind the sequence takes the place of
the rows that are fed beyond its end. A window that reaches n rows ahead gives its results n rows
later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.scan.tensors import Tensor, fixed
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.rows import Window, same
from rnnlite.streaming.timed import (
    along,
    count_of,
    each_row,
    filled,
    later,
    plain,
    spread,
    unbounded,
    with_kept,
)
from rnnlite.streaming.values import Static, Timed, Value, refused

CONVOLUTIONS = {
    "Conv2D": tf.raw_ops.Conv2D,
    "Conv3D": tf.raw_ops.Conv3D,
    "DepthwiseConv2dNative": tf.raw_ops.DepthwiseConv2dNative,
}


@dataclass(frozen=True)
class Along:
    """An op's window along time.

    Attributes:
        width: rows that the window sees, the gaps of a dilation not counted.
        stride: rows by which the window moves.
        dilation: distance of neighbouring rows of the window.
        explicit: padding that the op states itself, in front and behind.
    """

    width: int
    stride: int
    dilation: int = 1
    explicit: tuple[int, int] = (0, 0)


@rule(*CONVOLUTIONS)
def convolve(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A convolution, along time or along other axes, whose kernel does not change with time."""
    value, kernel = as_timed(emitter, op, inputs[0]), inputs[1]
    layout = op.get_attr("data_format").decode()
    axis = value.rows.axis
    if axis == layout.index("N"):
        return _each_step(emitter, op, value, inputs)
    if axis == layout.index("C") or not isinstance(kernel, Static):
        raise refused(emitter.place(op), "a product over the whole of time")
    value = value if value.fold is None else plain(emitter, op, value)
    strides, dilations = list(op.get_attr("strides")), list(op.get_attr("dilations"))
    padding = op.get_attr("padding").decode()
    explicit = list(op.get_attr("explicit_paddings")) if padding == "EXPLICIT" else []
    place = [k for k, letter in enumerate(layout) if letter in "DHW"].index(axis)
    found = Along(
        width=fixed(op.inputs[1], place),
        stride=int(strides[axis]),
        dilation=int(dilations[axis]) * value.dilation,
        explicit=(explicit[2 * axis], explicit[2 * axis + 1]) if explicit else (0, 0),
    )
    value, window = _padded(emitter, op, value, found, same_=padding == "SAME")
    rows = _seen(emitter, op, filled_at_ends(emitter, value, window, value.pad), window, value.pad)
    dilations[axis] = found.dilation
    x, pads = _other_axes(op, rows, axis, padding, explicit, strides, dilations)
    y = _convolved(op, x, kernel.tensor, strides, pads, dilations)
    after = window.over(value.rows)
    return [Timed(y, after, dilation=value.dilation)]


def _each_step(emitter: Emitter, op: Any, value: Timed, inputs: list[Value]) -> list[Value]:
    """Time is the batch: each step on its own."""
    value = each_row(emitter, op, value)
    tensors = [value.tensor, *(emitter.tensor(v, op) for v in inputs[1:])]
    return [replace(value, tensor=emitter.copied(op, tensors)[0])]


def _padded(
    emitter: Emitter, op: Any, value: Timed, found: Along, *, same_: bool
) -> tuple[Timed, Window]:
    """The input and its window, padding that stands in front of the op taken in."""
    width = (found.width - 1) * found.dilation + 1
    unbounded(emitter, op, value)
    if value.dilation != 1 and (same_ or found.stride != 1):
        raise refused(emitter.place(op), "it pads places that are spread over the batch")
    own = any(found.explicit) or same_
    if own and (value.before or value.behind) and value.dilation == 1:
        value = plain(emitter, op, value)
    before, behind = (value.before, value.behind) if not own else found.explicit
    if same_:
        before, behind = same(width, found.stride, value.rows)
    window = Window(width, found.stride, before, behind)
    return later(emitter, op, value, window.waits(value.rows), value.pad), window


def filled_at_ends(emitter: Emitter, value: Timed, window: Window, pad: float) -> Timed:
    """Put padding in the place of rows that are not there, where the window has padding."""
    front = bool(window.before) and value.rows.delay > 0
    return filled(emitter, value, pad) if front or window.behind else value


def _seen(emitter: Emitter, op: Any, value: Timed, window: Window, initial: float) -> Tensor:
    """All rows that the windows of a chunk see."""
    kept = window.kept(value.rows)
    rows = with_kept(emitter, op, "rows", value, max(kept, 0), initial)
    return rows[along(value.rows.axis, -kept, None)] if kept < 0 else rows


def _other_axes(
    op: Any,
    x: Tensor,
    axis: int,
    padding: str,
    explicit: list[int],
    strides: list[int],
    dilations: list[int],
) -> tuple[Tensor, str]:
    """The input padded along the other axes of space, for an op that pads none."""
    if padding == "VALID":
        return x, "VALID"
    layout = op.get_attr("data_format").decode()
    pads = [[0, 0] for _ in layout]
    spatial = [k for k, letter in enumerate(layout) if letter in "DHW"]
    for place, k in enumerate(spatial):
        if k == axis:
            continue
        if explicit:
            pads[k] = [explicit[2 * k], explicit[2 * k + 1]]
            continue
        size = fixed(x, k)
        width = (fixed(op.inputs[1], place) - 1) * dilations[k] + 1
        total = max((-(-size // strides[k]) - 1) * strides[k] + width - size, 0)
        pads[k] = [total // 2, total - total // 2]
    return (tf.pad(x, pads) if any(map(any, pads)) else x), "VALID"


def _convolved(
    op: Any, x: Tensor, kernel: Tensor, strides: list[int], padding: str, dilations: list[int]
) -> Tensor:
    return CONVOLUTIONS[op.type](
        input=x,
        filter=kernel,
        strides=strides,
        padding=padding,
        data_format=op.get_attr("data_format").decode(),
        dilations=dilations,
    )


@rule("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")
def pool(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """The largest, or the mean, of the rows that a window sees."""
    value = as_timed(emitter, op, inputs[0])
    axis = value.rows.axis
    widths, strides = list(op.get_attr("ksize")), list(op.get_attr("strides"))
    padding = op.get_attr("padding").decode()
    if widths[axis] == strides[axis] == 1:
        value = each_row(emitter, op, value)
        return [replace(value, tensor=emitter.copied(op, [value.tensor])[0])]
    value = plain(emitter, op, value)
    found = Along(int(widths[axis]), int(strides[axis]))
    value, window = _padded(emitter, op, value, found, same_=padding == "SAME")
    others = [k for k, w in enumerate(widths) if k != axis and (w, strides[k]) != (1, 1)]
    if others and padding == "SAME":
        raise refused(emitter.place(op), "it pads time and other axes at once")
    largest = op.type.startswith("MaxPool")
    pad = float(value.tensor.dtype.min) if largest else 0.0
    x = _seen(emitter, op, filled_at_ends(emitter, value, window, pad), window, pad)
    y = _pooled(op, x)
    after = window.over(value.rows)
    if not largest and (window.before or window.behind):
        y = y / _share(emitter, value, window, count_of(Timed(y, after)), len(y.shape))
    return [Timed(y, after)]


def _pooled(op: Any, x: Tensor) -> Tensor:
    call = getattr(tf.raw_ops, op.type)
    name = "value" if op.type == "AvgPool" else "input"
    return call(
        **{name: x},
        ksize=op.get_attr("ksize"),
        strides=op.get_attr("strides"),
        padding="VALID",
        data_format=op.get_attr("data_format").decode(),
    )


def _share(emitter: Emitter, value: Timed, window: Window, count: Any, rank: int) -> Tensor:
    """Of each window of a chunk, the share of its rows that are no padding."""
    rows = value.rows
    after = window.over(rows)
    index = emitter.clock.index(after, count)
    first = index * window.stride - window.before
    last = first + window.width
    seen = tf.minimum(last, emitter.clock.length(rows)) - tf.maximum(first, 0)
    seen = tf.clip_by_value(seen, 1, window.width)
    share = tf.cast(seen, value.tensor.dtype) / tf.constant(window.width, value.tensor.dtype)
    return spread(share, rows.axis, rank)
