"""The operands of rules: tensors in any order of axes, vectors of sizes, constants.

What enters: tensors of the graph that is being built, and numbers. What leaves: `Value`s and
`Dims`, which give a rule the tensor in the order of axes that it wants.

A `Value` is a tensor whose axes may stand in another order than ONNX's. A Transpose only notes the
order; a convolution has channels last, as LiteRT has them; the order that the next op wants is made
when it asks. So transposes between convolutions cancel. `Dims` are small vectors of integers, of
which some are known, and others are tensors: shapes, and what is computed of them. A NumPy array is
a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.scan.tensors import Array, Tensor

Size = int | Any
"""A known number, or a scalar int32 tensor."""


@dataclass(eq=False)
class Value:
    """A tensor of the model.

    Attributes:
        base: the tensor as it was computed.
        axes: for each axis in ONNX's order the axis of `base`; None for a new axis of size 1.
        joined: `base` with its last two axes joined, if that exists.
        number: the value of all elements, where it is a size.
    """

    base: Tensor
    axes: tuple[int | None, ...] = ()
    joined: Tensor | None = None
    number: Size | None = None
    _plain: Tensor | None = field(default=None, repr=False)

    @classmethod
    def of(cls, tensor: Tensor) -> Value:
        """A tensor whose axes are in ONNX's order."""
        return cls(tensor, tuple(range(len(tensor.shape))))

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.axes)

    @property
    def dtype(self) -> Any:
        """The TensorFlow dtype."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The sizes in ONNX's order; None for an unknown one."""
        sizes = self.base.shape.as_list()
        return tuple(1 if a is None else sizes[a] for a in self.axes)

    @property
    def is_plain(self) -> bool:
        """Whether the axes stand in ONNX's order."""
        return self.axes == tuple(range(len(self.base.shape)))

    def plain(self) -> Tensor:
        """The tensor in ONNX's order."""
        if self._plain is None:
            self._plain = self.arranged(range(self.rank))
        return self._plain

    def arranged(self, order: Sequence[int]) -> Tensor:
        """The tensor with the axes of ONNX in this order; axes that are left out have size 1."""
        wanted = [self.axes[k] for k in order]
        kept = [a for a in wanted if a is not None]
        in_order = kept == sorted(kept)
        # An axis of size 1 may be moved by a reshape, which costs nothing.
        moved = in_order or self._is_order_of_others(kept)
        left_out = [a for a in range(len(self.base.shape)) if a not in kept]
        tensor = self.base if moved else tf.transpose(self.base, left_out + kept)
        if not left_out and len(kept) == len(wanted) and (in_order or not moved):
            return tensor
        sizes = [1 if a is None else self.size(k) for k, a in zip(order, wanted, strict=True)]
        return reshaped(tensor, sizes)

    def _is_order_of_others(self, kept: Sequence[int]) -> bool:
        """Whether the axes but those of size 1 are in order, with at most one unknown size."""
        sizes = self.base.shape.as_list()
        others = [a for a in kept if sizes[a] != 1]
        return others == sorted(others) and [sizes[a] for a in kept].count(None) <= 1

    def size(self, axis: int) -> Size:
        """The size of an axis of ONNX."""
        place = self.axes[axis]
        if place is None:
            return 1
        known = self.base.shape[place]
        return int(known) if known is not None else tf.shape(self.base)[place]

    def known_size(self, axis: int) -> int:
        """The size of an axis of ONNX that has to be known.

        Raises:
            ValueError: it is not known.
        """
        size = self.shape[axis]
        if size is None:
            raise ValueError(f"axis {axis} may be of any size")
        return size

    def sizes(self) -> list[Size]:
        """All sizes."""
        return [self.size(k) for k in range(self.rank)]

    def transposed(self, order: Sequence[int]) -> Value:
        """The value with the axes of ONNX in another order; nothing is computed."""
        return Value(self.base, tuple(self.axes[k] for k in order), self.joined)

    def like(self, base: Tensor) -> Value:
        """A value for another tensor of the same shape, with the same order of axes."""
        return Value(base, self.axes)


class Dims:
    """A scalar or vector of integers; each is a known number or a scalar int32 tensor.

    Args:
        entries: one entry, or an object array of rank 0 or 1.
    """

    def __init__(self, entries: Any) -> None:
        if isinstance(entries, np.ndarray):
            self.entries = entries.astype(object)
        else:
            self.entries = np.empty((), object)
            self.entries[()] = entries

    @classmethod
    def vector(cls, entries: Sequence[Size]) -> Dims:
        """A vector from a list of entries."""
        found = np.empty(len(entries), object)
        for k, entry in enumerate(entries):
            found[k] = entry
        return cls(found)

    @property
    def shape(self) -> tuple[int, ...]:
        """() or (N,)."""
        return tuple(self.entries.shape)

    def flat(self) -> list[Size]:
        """The entries as a list."""
        return list(self.entries.reshape(-1))

    def known(self) -> Array | None:
        """The integers as int64, in the shape of these Dims; None where one is not known."""
        if all(is_known(e) for e in self.flat()):
            return np.array([int(e) for e in self.flat()], np.int64).reshape(self.shape)
        return None

    def tensor(self, dtype: Any = tf.int64) -> Tensor:
        """The entries as a tensor."""
        stacked = stack(self.flat())
        stacked = stacked if self.entries.ndim else tf.reshape(stacked, [])
        return tf.cast(stacked, dtype)


Operand = Value | Dims | Array


def is_known(entry: object) -> bool:
    """Whether an entry of Dims is a known number."""
    return isinstance(entry, int | np.integer)


LARGEST = np.iinfo(np.int32).max
"""The largest size; larger numbers mean no limit."""


def stack(sizes: Sequence[Size]) -> Tensor:
    """Sizes as an int32 vector."""
    plain = [int(np.clip(int(s), -LARGEST, LARGEST)) if is_known(s) else s for s in sizes]
    if all(is_known(s) for s in sizes):
        return tf.constant(plain, tf.int32)
    return tf.stack([tf.constant(s, tf.int32) if is_known(s) else s for s in plain])


def with_last(tensor: Tensor, size: int) -> Tensor:
    """A tensor whose last axis has a known size, even if its shape is computed.

    A Reshape states the size, for `set_shape` is lost in conversion.
    """
    if tensor.shape[-1] is not None:
        return tensor
    return reshaped(tensor, [*Value.of(tensor).sizes()[:-1], size])


def reshaped(tensor: Tensor, sizes: Sequence[Size]) -> Tensor:
    """A tensor in another shape; known sizes stay known.

    If only one size is unknown, it is written as -1, so that no shape is computed.
    """
    unknown = [k for k, s in enumerate(sizes) if not is_known(s) or s == -1]
    plain = [-1 if k in unknown else int(s) for k, s in enumerate(sizes)]
    if len(unknown) <= 1 and 0 not in plain:
        result = tf.reshape(tensor, plain)
    else:
        result = tf.reshape(tensor, stack(sizes))
    result.set_shape([None if k in unknown else n for k, n in enumerate(plain)])
    return result
