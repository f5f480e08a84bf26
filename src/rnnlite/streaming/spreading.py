"""Rules of ops that make several rows of one: transposed convolutions, and images made larger.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`), or a refusal (StreamingError).

    rows a, b of a chunk, behind K kept of the one before; stride 2, a kernel of 3

        K K K
            a a a
                b b b
            ^^^^^^^^^    to these nothing comes that is not known; later rows add to the last one
        - - | given | -

A whole sequence's result is cropped in front: the rows come so many later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from rnnlite.lengths.sizes import divided
from rnnlite.scan.tensors import Count, Operation, Tensor, fixed
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.timed import count_of, filled, final, plain, steady, unbounded, with_kept
from rnnlite.streaming.values import Static, Timed, Value, refused

TRANSPOSED = {
    "Conv2DBackpropInput": tf.raw_ops.Conv2DBackpropInput,
    "Conv3DBackpropInputV2": tf.raw_ops.Conv3DBackpropInputV2,
}


@dataclass(frozen=True)
class Spread:
    """One axis of a transposed convolution.

    Attributes:
        width: of the kernel.
        stride: places of the result for each of the input.
        more: places of the result beyond those.
        crop: places in front of the result that are cut off, as padding "SAME" wants it.
    """

    width: int
    stride: int
    more: int
    crop: int

    @property
    def kept(self) -> int:
        """Places of the input that add to the first one of the next."""
        return -(-(self.width - 1) // self.stride)

    def whole(self, places: Count) -> Count:
        """Places of the uncropped result of so many of the input, at least `stride` for each."""
        return (places - 1) * self.stride + max(self.width, self.stride)


@rule(*TRANSPOSED)
def spread(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A transposed convolution: each row adds to as many rows as the kernel is wide."""
    kernel, layout = inputs[1], op.get_attr("data_format").decode()
    value = unbounded(emitter, op, plain(emitter, op, as_timed(emitter, op, inputs[2])))
    axis = value.rows.axis
    spatial = [k for k, letter in enumerate(layout) if letter in "DHW"]
    if axis not in spatial or not isinstance(kernel, Static):
        raise refused(emitter.place(op), "a product over the whole of time")
    axes = {k: _spread(emitter, op, place, k) for place, k in enumerate(spatial)}
    time = axes[axis]
    if time.width > time.stride or time.more:
        value = filled(emitter, value)
    x = with_kept(emitter, op, "rows", value, time.kept)
    sizes = emitter.sizes(op.outputs[0])
    shape: list[Any] = [None if k == axis else emitter.number(s, op) for k, s in enumerate(sizes)]
    static = [d if isinstance(d, int) else None for d in shape]
    index = [slice(None)] * len(shape)
    for k, one in axes.items():
        places = count_of(Timed(x, value.rows.at(k)))
        begin = time.kept * time.stride if k == axis else one.crop
        end = places * one.stride if k == axis else begin + shape[k]
        shape[k], index[k] = one.whole(places), slice(begin, end)
    y = _transposed(op, shape, kernel.tensor, x)[tuple(index)]
    count = count_of(value)
    static[axis] = count * time.stride if isinstance(count, int) else None
    y.set_shape(static)
    rows = value.rows.spread(time.stride).longer(time.more)
    return [final(emitter, op, Timed(y, replace(rows, delay=rows.delay + time.crop)))]


def _spread(emitter: Emitter, op: Operation, place: int, axis: int) -> Spread:
    """An axis of space.

    Args:
        place: of the kernel's axes.
        axis: of the input's.

    Raises:
        StreamingError: the kernel has holes, or the result's size is no multiple of the input's.
    """
    if int(op.get_attr("dilations")[axis]) != 1:
        raise refused(emitter.place(op), "its kernel has holes")
    width, stride = fixed(op.inputs[1], place), int(op.get_attr("strides")[axis])
    size = emitter.sizes(op.outputs[0])[axis] - emitter.sizes(op.inputs[2])[axis] * stride
    more = steady(size)
    if more is None:
        raise refused(emitter.place(op), "its result has a length of its own", found=str(size))
    same = op.get_attr("padding") == b"SAME"
    # Half of what is too much goes in front.
    crop = max(width - stride - more, 0) // 2 if same else 0
    return Spread(width, stride, more, crop)


def _transposed(op: Operation, shape: Sequence[Count], kernel: Tensor, x: Tensor) -> Tensor:
    known = all(isinstance(d, int) for d in shape)
    found: Tensor = TRANSPOSED[op.type](
        input_sizes=tf.constant(shape) if known else tf.stack(shape),
        filter=kernel,
        out_backprop=x,
        strides=op.get_attr("strides"),
        padding="VALID",
        data_format=op.get_attr("data_format"),
    )
    return found


@rule("ResizeNearestNeighbor")
def enlarge(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Each place of height and width so many times."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    old, new = (emitter.sizes(t) for t in (op.inputs[0], op.outputs[0]))
    factors = [divided(new[k], old[k]) for k in (1, 2)]
    times = [factor for factor, exact in factors if exact and isinstance(factor, int)]
    if len(times) < 2 or op.get_attr("align_corners") or value.rows.axis not in (1, 2):
        raise refused(emitter.place(op), "it does not make the sequence a whole number longer")
    y = value.tensor
    for axis, many in enumerate(times, 1):
        y = tf.repeat(y, many, axis) if many > 1 else y
    along_time = times[value.rows.axis - 1]
    return [Timed(y, unbounded(emitter, op, value).rows.spread(along_time))]
