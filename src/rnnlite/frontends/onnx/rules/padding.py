"""Padding.

What enters: a node of ONNX, and its inputs as operands. What leaves: an operand with rows in front
of and behind its axes, or with rows cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnnlite.frontends.onnx.emit import (
    Argument,
    Emitter,
    as_tensor,
    as_value,
    constant,
    known,
    refuse,
    rule,
)
from rnnlite.frontends.onnx.nodes import Node
from rnnlite.frontends.onnx.values import Dims, Operand, Size, Value, is_known, stack


@rule("Pad")
def _pad(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    mode = node.get("mode", "constant")
    if mode in ("edge", "wrap") and value.rank:
        return _repeated(node, value, inputs, wrap=mode == "wrap")
    if mode not in ("constant", "reflect"):
        return refuse(node, f"mode='{mode}'", "constant, reflect, edge or wrap")
    amounts = _amounts(node, value, inputs)
    number = inputs[2] if len(inputs) > 2 and inputs[2] is not None else None
    filler: Any = node.get("value", 0.0)
    if number is not None:
        numbers = known(number)
        # One number, of any rank.
        filler = tf.reshape(as_tensor(number), ()) if numbers is None else numbers.reshape(())
    return padded(value, amounts, filler, reflect=mode == "reflect")


def padded(
    value: Value, amounts: Sequence[tuple[Size, Size]], filler: Any = 0.0, *, reflect: bool = False
) -> Value:
    """A value with rows added in front of and behind each axis; negative amounts cut rows off."""
    base = value.base
    index: list[Any] = [slice(None)] * len(base.shape)
    pads: list[list[Size]] = [[0, 0] for _ in base.shape]
    for place, (front, behind) in zip(value.axes, amounts, strict=True):
        if place is None:
            if is_known(front) and is_known(behind) and front == behind == 0:
                continue
            return padded(Value.of(value.plain()), amounts, filler, reflect=reflect)
        begin, end = (s if is_known(s) and s < 0 else 0 for s in (front, behind))
        index[place] = slice(-begin or None, end or None)
        pads[place] = [0 if begin else front, 0 if end else behind]
    if any(i != slice(None) for i in index):
        base = base[tuple(index)]
    if all(is_known(s) and s == 0 for pair in pads for s in pair):
        return value.like(base)
    plain = all(is_known(s) for pair in pads for s in pair)
    table = pads if plain else tf.stack([stack(pair) for pair in pads])
    if reflect:
        return value.like(tf.pad(base, table, "REFLECT"))
    return value.like(tf.pad(base, table, constant_values=tf.cast(filler, base.dtype)))


def _amounts(node: Node, value: Value, inputs: list[Argument]) -> list[tuple[Size, Size]]:
    operand = inputs[1] if len(inputs) > 1 else None
    if operand is None:
        entries: list[Size] = [int(n) for n in node.get("pads")]
    elif isinstance(operand, Dims):
        entries = operand.flat()
    else:
        entries = [int(n) for n in constant(node, operand, "pads").reshape(-1)]
    chosen = inputs[3] if len(inputs) > 3 and inputs[3] is not None else None
    axes = (
        list(range(value.rank))
        if chosen is None
        else [int(a) % value.rank for a in constant(node, chosen, "axes").reshape(-1)]
    )
    half = len(entries) // 2
    found: list[tuple[Size, Size]] = [(0, 0)] * value.rank
    for k, axis in enumerate(axes):
        found[axis] = (entries[k], entries[half + k])
    return found


def _repeated(node: Node, value: Value, inputs: list[Argument], *, wrap: bool) -> Value:
    """With the outermost elements repeated, or with those of the other end: as a ring."""
    pairs = [
        [
            int(s) if is_known(s) else refuse(node, "pads computed from the inputs", "numbers")
            for s in pair
        ]
        for pair in _amounts(node, value, inputs)
    ]
    x = padded(value, [(min(front, 0), min(behind, 0)) for front, behind in pairs]).plain()
    for axis, (front, behind) in enumerate(pairs):
        if wrap:
            size = Value.of(x).sizes()[axis]
            places = tf.range(-max(front, 0), size + max(behind, 0)) % size
            x = tf.gather(x, places, axis=axis) if max(front, behind) > 0 else x
            continue
        first = tf.gather(x, [0], axis=axis)
        last = tf.gather(x, tf.reshape(tf.shape(x)[axis] - 1, [1]), axis=axis)
        x = tf.concat([first] * front + [x] + [last] * behind, axis) if front or behind else x
    return Value.of(x)
