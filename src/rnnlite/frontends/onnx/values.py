"""What an ONNX tensor is while a model is emitted: a tensor in any order of its axes, or numbers.

What enters: tensors of the graph that is being built, and numbers. What leaves: `Value` and `Dims`,
of which rules ask for the tensor in the order that they want.

`Value` is a tensor whose axes may stand in another order than ONNX's: a Transpose only notes the
order, a convolution takes channels last as LiteRT has them, and what the next op wants to see is
made when it asks. So transposes between convolutions cancel. `Dims` are small vectors of integers
of which some are known and some are tensors: shapes, and what is computed of them. A NumPy array is
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
"""A number that is known, or a scalar int32 tensor."""


@dataclass(eq=False)
class Value:
    """A tensor of the model.

    Attributes:
        base: the tensor as it was computed.
        axes: for each axis of ONNX the axis of `base`, or None for an axis of one that is new.
        number: what all elements are, where that is a size.
        joined: `base` with its last two axes as one, where that is at hand.
    """

    base: Tensor
    axes: tuple[int | None, ...] = ()
    joined: Tensor | None = None
    number: Size | None = None
    _plain: Tensor | None = field(default=None, repr=False)

    @classmethod
    def of(cls, tensor: Tensor) -> Value:
        """A tensor in ONNX's own order."""
        return cls(tensor, tuple(range(len(tensor.shape))))

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def dtype(self) -> Any:
        """The TensorFlow dtype."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes in ONNX's order; None where one is not known."""
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
        """The tensor with axes of ONNX in this order; those left out are of one."""
        wanted = [self.axes[k] for k in order]
        kept = [a for a in wanted if a is not None]
        in_order = kept == sorted(kept)
        # An axis of one may stand anywhere: a reshape costs nothing.
        moved = in_order or self._is_order_of_others(kept)
        left_out = [a for a in range(len(self.base.shape)) if a not in kept]
        tensor = self.base if moved else tf.transpose(self.base, left_out + kept)
        if not left_out and len(kept) == len(wanted) and (in_order or not moved):
            return tensor
        sizes = [1 if a is None else self.size(k) for k, a in zip(order, wanted, strict=True)]
        return reshaped(tensor, sizes)

    def _is_order_of_others(self, kept: Sequence[int]) -> bool:
        """Whether axes of `base` stand in its order but for those of one, and one size at most is
        not known."""
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
        """The size of an axis of ONNX that is known.

        Raises:
            ValueError: it is not.
        """
        size = self.shape[axis]
        if size is None:
            raise ValueError(f"axis {axis} may be of any size")
        return size

    def sizes(self) -> list[Size]:
        """All sizes."""
        return [self.size(k) for k in range(self.rank)]

    def transposed(self, order: Sequence[int]) -> Value:
        """With axes of ONNX in another order; nothing is computed."""
        return Value(self.base, tuple(self.axes[k] for k in order), self.joined)

    def like(self, base: Tensor) -> Value:
        """Another tensor of the same shape and order."""
        return Value(base, self.axes)


class Dims:
    """Integers of which each is known, or a scalar int32 tensor.

    Args:
        entries: one, or an object array of rank 0 or 1.
    """

    def __init__(self, entries: Any) -> None:
        if isinstance(entries, np.ndarray):
            self.entries = entries.astype(object)
        else:
            self.entries = np.empty((), object)
            self.entries[()] = entries

    @classmethod
    def vector(cls, entries: Sequence[Size]) -> Dims:
        """From a list."""
        found = np.empty(len(entries), object)
        for k, entry in enumerate(entries):
            found[k] = entry
        return cls(found)

    @property
    def shape(self) -> tuple[int, ...]:
        """() or (N,)."""
        return tuple(self.entries.shape)

    def flat(self) -> list[Size]:
        """The entries one after the other."""
        return list(self.entries.reshape(-1))

    def known(self) -> Array | None:
        """The integers as int64, in the shape of these Dims; None where one is not known."""
        if all(is_known(e) for e in self.flat()):
            return np.array([int(e) for e in self.flat()], np.int64).reshape(self.shape)
        return None

    def tensor(self, dtype: Any = tf.int64) -> Tensor:
        """As a tensor of data."""
        stacked = stack(self.flat())
        stacked = stacked if self.entries.ndim else tf.reshape(stacked, [])
        return tf.cast(stacked, dtype)


Operand = Value | Dims | Array


def is_known(entry: object) -> bool:
    """Whether an entry of Dims is a number."""
    return isinstance(entry, int | np.integer)


LARGEST = np.iinfo(np.int32).max
"""No size is above it: larger numbers stand for no limit."""


def stack(sizes: Sequence[Size]) -> Tensor:
    """Sizes as an int32 vector."""
    plain = [int(np.clip(int(s), -LARGEST, LARGEST)) if is_known(s) else s for s in sizes]
    if all(is_known(s) for s in sizes):
        return tf.constant(plain, tf.int32)
    return tf.stack([tf.constant(s, tf.int32) if is_known(s) else s for s in plain])


def with_last(tensor: Tensor, size: int) -> Tensor:
    """A tensor whose last axis is of a size, where a shape that is computed may not say so.

    The shape is stated by an op: what is known to TensorFlow alone is lost in conversion.
    """
    if tensor.shape[-1] is not None:
        return tensor
    return reshaped(tensor, [*Value.of(tensor).sizes()[:-1], size])


def reshaped(tensor: Tensor, sizes: Sequence[Size]) -> Tensor:
    """A tensor reshaped; sizes that are known stay known.

    Where one size alone is not known it is -1, which costs no computation of shapes.
    """
    unknown = [k for k, s in enumerate(sizes) if not is_known(s) or s == -1]
    plain = [-1 if k in unknown else int(s) for k, s in enumerate(sizes)]
    if len(unknown) <= 1 and 0 not in plain:
        result = tf.reshape(tensor, plain)
    else:
        result = tf.reshape(tensor, stack(sizes))
    result.set_shape([None if k in unknown else n for k, n in enumerate(plain)])
    return result
