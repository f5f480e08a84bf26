"""Slices.

What enters: a node of ONNX, and its inputs as operands. What leaves: a part of the first input,
also of `Dims`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_tensor,
    as_value,
    known,
    numbers_of,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Dims, Operand, Size, is_known

LAST = np.iinfo(np.int32).max


@rule("Slice")
def _slice(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data = inputs[0]
    value = data if isinstance(data, Dims) else as_value(data)
    rank = value.entries.ndim if isinstance(value, Dims) else value.rank
    starts, ends = (_ends(node, inputs, k, n) for k, n in ((1, "starts"), (2, "ends")))
    axes = numbers_of(node, inputs, 3, "axes") or list(range(len(starts)))
    steps = numbers_of(node, inputs, 4, "steps") or [1] * len(starts)
    if isinstance(value, Dims):
        (start,), (end,), (step,) = starts, ends, steps
        begin = _begin(start, len(value.entries), step)
        return Dims(value.entries[begin : _end(end) : step])
    base = value.base
    index: list[Any] = [slice(None)] * len(base.shape)
    backward = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        place = value.axes[axis % rank]
        if place is None:
            if is_known(start) and is_known(end) and range(1)[slice(start, end, step)]:
                continue
            return refuse(node, "a slice of an axis of one that holds nothing", "one element")
        if step < 0 and _is_whole(start, end):
            backward.append(place)
            step = -step
            if step > 1:
                index[place] = slice(None, None, step)
            continue
        size = base.shape[place]
        index[place] = slice(_begin(start, size, step), _end(end), step)
    if backward:
        base = tf.reverse(base, backward)
    return value.like(base if all(i == slice(None) for i in index) else base[tuple(index)])


def _ends(node: Node, inputs: list[Argument], place: int, name: str) -> list[Size]:
    operand = inputs[place] if place < len(inputs) else None
    if isinstance(operand, Dims):
        return operand.flat()
    numbers = known(operand) if operand is not None else np.asarray(node.get(name))
    if numbers is not None:
        return [int(n) for n in numbers.reshape(-1)]
    tensor = tf.cast(as_tensor(operand), tf.int32)
    count = tensor.shape[0]
    if count is None:
        return refuse(node, f"{name} of an unknown number", f"{name} of known number")
    return [tensor[k] for k in range(count)]


def _clamped(entry: Size) -> int:
    return int(np.clip(int(entry), -LAST, LAST))


def _is_whole(start: Size, end: Size) -> bool:
    return is_known(start) and is_known(end) and start == -1 and end <= -LAST


def _begin(start: Size, size: int | None, step: int) -> Any:
    """The begin of a slice, clamped as the standard demands, also for negative steps."""
    if not is_known(start):
        return start
    if start < 0 and size is not None:
        start = max(start + size, 0)
    return None if start == 0 and step > 0 else _clamped(start)


def _end(end: Size) -> Any:
    if not is_known(end):
        return end
    return None if end >= LAST else _clamped(end)
