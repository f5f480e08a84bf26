"""Resize and Upsample: along one axis after the other, by gathers and weights.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand of the same rank
with other sizes.

The equations are those of the ONNX operator documentation. Where sizes are known, rows and weights
are constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_value, constant, refuse, rule
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Dims, Operand, Size, Value, is_known, reshaped
from rnnlite.scan.tensors import Array, Tensor

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
MODES = ("nearest", "linear", "cubic")
Rows = Array | Any
"""Numbers: a known array, or a tensor."""

PROBED = 7
"""The size at which it is found whether a node only repeats rows."""


@dataclass(frozen=True, eq=False)
class _Sampling:
    """How a node resizes.

    Attributes:
        mode: one of `MODES`.
        coordinates: one of `COORDINATES`.
        rounding: one of `ROUNDINGS`.
        cubic: the coefficient of cubic weights.
    """

    mode: str
    coordinates: str
    rounding: str
    cubic: float

    def places(self, size: Size, new: Size, scale: Rows) -> Rows:
        """The position of each new row among the old ones: (new,), float32."""
        numbers = all(map(is_known, (size, new))) and not tf.is_tensor(scale)
        x = _rows(new, numbers)
        old, count = (_float(n, numbers) for n in (size, new))
        match self.coordinates:
            case "asymmetric":
                return x / scale
            case "align_corners":
                steps = np.maximum(count - 1, 1) if numbers else tf.maximum(count - 1, 1)
                return x * (old - 1) / steps
            case "tf_half_pixel_for_nn":
                return (x + 0.5) / scale
            case "half_pixel_symmetric":
                shift = old / 2 * (1 - count / (scale * old))
                return shift + (x + 0.5) / scale - 0.5
        found = (x + 0.5) / scale - 0.5
        if self.coordinates == "half_pixel":
            return found
        return found * np.float32(count > 1) if numbers else found * tf.cast(count > 1, tf.float32)

    def nearest(self, places: Rows) -> Rows:
        """The row that is taken at each position."""
        m = _module(places)
        match self.rounding:
            case "floor":
                return m.floor(places)
            case "ceil":
                return m.ceil(places) if m is np else tf.math.ceil(places)
            case "round_prefer_ceil":
                return m.floor(places + 0.5)
        return m.ceil(places - 0.5) if m is np else tf.math.ceil(places - 0.5)

    def taps(self, places: Rows, size: Size) -> list[tuple[Rows, Rows | None]]:
        """Pairs of rows and their weights; the weight is None where only one row is taken."""
        m = _module(places)
        if self.mode == "nearest":
            return [(_within(self.nearest(places), size), None)]
        if self.mode == "linear":
            places = _clipped(places, size)
        first = m.floor(places)
        part = places - first
        weights = [1 - part, part] if self.mode == "linear" else self._cubic(part)
        begin = 0 if self.mode == "linear" else -1
        return [(_within(first + (begin + k), size), w) for k, w in enumerate(weights)]

    def _cubic(self, part: Rows) -> list[Rows]:
        a = np.float32(self.cubic)

        def near(d: Rows) -> Rows:
            return ((a + 2) * d - (a + 3)) * d * d + 1

        def far(d: Rows) -> Rows:
            return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

        return [far(part + 1), near(part), near(1 - part), far(2 - part)]


def _module(x: Rows) -> ModuleType:
    return np if isinstance(x, np.ndarray) else tf


def _float(size: Size, numbers: bool) -> Rows:
    return np.float32(size) if numbers else tf.cast(size, tf.float32)


def _rows(count: Size, numbers: bool) -> Rows:
    return np.arange(count, dtype=np.float32) if numbers else tf.cast(tf.range(count), tf.float32)


def _clipped(x: Rows, size: Size) -> Rows:
    if isinstance(x, np.ndarray) and is_known(size):
        return np.clip(x, 0, np.float32(size - 1))
    return tf.clip_by_value(x, 0.0, tf.cast(size - 1, tf.float32))


def _within(x: Rows, size: Size) -> Rows:
    clipped = _clipped(x, size)
    return clipped.astype(np.int32) if _module(clipped) is np else tf.cast(clipped, tf.int32)


@rule("Resize", "Upsample")
def _resize(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    sampling = _sampling(node)
    for axis, new, scale in _targets(node, value, inputs):
        size = value.size(axis)
        if is_known(new) and is_known(size) and new == size and scale in (None, 1.0):
            continue
        factor = _factor(size, new, scale)
        if factor is not None and _repeats(sampling, factor):
            value = _repeated(value, axis, factor)
        else:
            _require_whole(node, sampling, size, scale)
            value = _along(sampling, value, axis, new, scale)
    return value


def _require_whole(node: Node, sampling: _Sampling, size: Size, scale: np.float32 | None) -> None:
    """Refuse align_corners where size times scale is not whole.

    The standard uses that product as it is, ONNX Runtime rounds it down.
    """
    if sampling.coordinates != "align_corners" or scale is None or scale == round(scale):
        return
    if not is_known(size) or np.float32(size) * scale % 1:
        refuse(
            node,
            f"align_corners with a scale of {scale:g}, for a size that may not be whole",
            "sizes, or scales by which the size is whole: runtimes differ in others",
        )


def _sampling(node: Node) -> _Sampling:
    """How a node resizes; older operator sets have only one way."""
    is_old = node.op == "Upsample" or node.version < 11
    sampling = _Sampling(
        node.get("mode", "nearest"),
        "asymmetric" if is_old else node.get("coordinate_transformation_mode", "half_pixel"),
        "floor" if is_old else node.get("nearest_mode", "round_prefer_floor"),
        float(node.get("cubic_coeff_a", -0.75)),
    )
    for name, found, known_ones in (
        ("mode", sampling.mode, MODES),
        ("coordinate_transformation_mode", sampling.coordinates, COORDINATES),
        ("nearest_mode", sampling.rounding, ROUNDINGS),
    ):
        if found not in known_ones:
            refuse(node, f"{name}='{found}'", ", ".join(known_ones))
    if node.get("antialias") or node.get("exclude_outside"):
        refuse(node, "antialias or exclude_outside", "neither")
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        refuse(node, "keep_aspect_ratio_policy", "sizes that are meant as they are ('stretch')")
    return sampling


def _targets(
    node: Node, value: Value, inputs: list[Argument]
) -> list[tuple[int, Size, np.float32 | None]]:
    """For each axis that the node names: the axis, its new size, and the scale if it is stated."""
    given = [*inputs, *[None] * 4]
    axes = [int(a) % value.rank for a in node.get("axes") or range(value.rank)]
    if node.op == "Upsample" or node.version < 11:
        operand: Argument = given[1] if given[1] is not None else np.asarray(node.get("scales"))
        wanted: Argument = None
    else:
        operand, wanted = given[2], given[3]
    if wanted is not None:
        sizes = wanted.flat() if isinstance(wanted, Dims) else None
        sizes = sizes or [int(n) for n in constant(node, wanted, "sizes").reshape(-1)]
        return [(a, n, None) for a, n in zip(axes, sizes, strict=True)]
    scales = [np.float32(s) for s in constant(node, operand, "scales").reshape(-1)]
    return [(a, _scaled(value.size(a), s), s) for a, s in zip(axes, scales, strict=True)]


def _scaled(size: Size, scale: np.float32) -> Size:
    if is_known(size):
        return int(np.floor(np.float32(size) * scale))
    if scale == round(scale):
        return size if scale == 1 else size * int(scale)
    return tf.cast(tf.floor(tf.cast(size, tf.float32) * scale), tf.int32)


def _factor(size: Size, new: Size, scale: np.float32 | None) -> int | None:
    """The whole number by which an axis grows; None where it is not whole."""
    if scale is not None:
        return int(scale) if scale == round(scale) and scale >= 1 else None
    return new // size if is_known(new) and is_known(size) and new % size == 0 else None


def _repeats(sampling: _Sampling, factor: int) -> bool:
    """Whether resizing by a factor only repeats each row."""
    if sampling.mode != "nearest" or sampling.coordinates in (
        "align_corners",
        "half_pixel_symmetric",
    ):
        return False
    places = sampling.places(PROBED, PROBED * factor, np.float32(factor))
    ((rows, _),) = sampling.taps(places, PROBED)
    return bool(np.array_equal(rows, np.repeat(np.arange(PROBED), factor)))


def _laid_out(value: Value, axis: int) -> tuple[Value, int]:
    """A value whose base has the axis, and the index of the axis in the base."""
    place = value.axes[axis]
    return (Value.of(value.plain()), axis) if place is None else (value, place)


def _repeated(value: Value, axis: int, factor: int) -> Value:
    if factor == 1:
        return value
    value, place = _laid_out(value, axis)
    sizes = Value.of(value.base).sizes()
    x = tf.expand_dims(value.base, place + 1)
    x = tf.tile(x, [factor if k == place + 1 else 1 for k in range(len(x.shape))])
    return value.like(reshaped(x, [*sizes[:place], sizes[place] * factor, *sizes[place + 1 :]]))


def _along(
    sampling: _Sampling, value: Value, axis: int, new: Size, scale: np.float32 | None
) -> Value:
    """A value resized along one axis."""
    value, place = _laid_out(value, axis)
    size = value.size(axis)
    numbers = is_known(new) and is_known(size)
    growth: Rows = scale if scale is not None else _float(new, numbers) / _float(size, numbers)
    x = value.base
    taps = sampling.taps(sampling.places(size, new, growth), size)
    parts = [_weighted(tf.gather(x, rows, axis=place), w, place) for rows, w in taps]
    return value.like(tf.add_n(parts) if len(parts) > 1 else parts[0])


def _weighted(rows: Tensor, weights: Rows | None, place: int) -> Tensor:
    if weights is None:
        return rows
    shape = [1] * len(rows.shape)
    shape[place] = -1
    return rows * tf.reshape(tf.cast(weights, rows.dtype), shape)
