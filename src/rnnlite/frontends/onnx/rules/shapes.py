"""Ops on shapes: known sizes stay known, beside unknown ones.

What enters: a node of ONNX, and its inputs as operands. What leaves: `Dims`, which keep the known
sizes; or a tensor of a shape that `Dims` give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
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
from rnnlite.frontends.onnx.values import Dims, Operand, Size, Value, is_known, reshaped, stack
from rnnlite.scan.tensors import Array, Tensor


@rule("Shape")
def _shape(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    sizes = value.sizes()
    return _numbers(sizes[node.get("start", 0) : node.get("end", len(sizes))])


def _numbers(sizes: list[Size]) -> Operand:
    """Sizes as an operand: an array where all are known, else `Dims`."""
    dims = Dims.vector(sizes)
    found = dims.known()
    return dims if found is None else found


@rule("Size")
def _size(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value = as_value(inputs[0])
    total: Size = 1
    for size in value.sizes():
        total = total * size
    return Dims(total)


@rule("Constant")
def _constant(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    for name, dtype in (
        ("value", None),
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            return np.asarray(node.attributes[name], dtype)
    raise ValueError("it holds no numbers")


@rule("Identity")
def _identity(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    (x,) = inputs
    return as_value(x) if x is None else x


@rule("Dropout")
def _dropout(emitter: Emitter, node: Node, inputs: list[Argument]) -> Sequence[Operand]:
    """Dropout is off at inference: its mask is all True."""
    training = known(inputs[2]) if len(inputs) > 2 else None
    ratio = known(inputs[1]) if len(inputs) > 1 else None
    if (training is not None and np.any(training)) and (ratio is None or np.any(ratio)):
        refuse(node, "training_mode", "evaluation mode", "Export it after model.eval()")
    value = as_value(inputs[0])
    if len(node.outputs) == 1:
        return [value]
    return [value, value.like(tf.ones_like(value.base, tf.bool))]


@rule("Reshape")
def _reshape(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    data, shape = inputs[0], inputs[1] if len(inputs) > 1 else np.asarray(node.get("shape"))
    if isinstance(data, Dims):
        wanted = constant(node, shape, "shape")
        return Dims(data.entries.reshape([int(n) for n in wanted]))
    value = as_value(data)
    entries = _entries(shape)
    if entries is None:
        return Value.of(tf.reshape(value.plain(), tf.cast(as_tensor(shape), tf.int32)))
    copied = [
        value.size(k) if is_known(e) and e == 0 and not node.get("allowzero") else e
        for k, e in enumerate(entries)
    ]
    joined = _joins(value, copied)
    if joined is not None:
        return Value.of(joined)
    return Value.of(reshaped(value.plain(), _completed(value, copied)))


def _entries(shape: Argument) -> list[Size] | None:
    if isinstance(shape, Dims):
        return shape.flat()
    numbers = known(shape)
    return None if numbers is None else [int(n) for n in numbers.reshape(-1)]


def _joins(value: Value, wanted: list[Size]) -> Any:
    """`Value.joined`, if a Reshape joins the last two axes again; else None."""
    if value.joined is None or not value.is_plain or len(wanted) != value.rank - 1:
        return None
    return value.joined if is_known(wanted[-1]) and wanted[-1] in (-1, _last(value)) else None


def _last(value: Value) -> int:
    return Value.of(cast(Tensor, value.joined)).known_size(-1)


def _completed(value: Value, wanted: list[Size]) -> list[Size]:
    """The sizes of a Reshape, with a number for -1 where the other sizes tell it."""
    places = [k for k, e in enumerate(wanted) if is_known(e) and e == -1]
    if not places:
        return wanted
    sizes, others = value.sizes(), [e for k, e in enumerate(wanted) if k not in places]
    # The unknown sizes are the same on both sides, and cancel.
    left = [s for s in sizes if not is_known(s)]
    right = [s for s in others if not is_known(s)]
    if len(left) == len(right) and all(is_same(a, b) for a, b in zip(left, right, strict=True)):
        total = int(np.prod([s for s in sizes if is_known(s)], initial=1))
        rest = int(np.prod([s for s in others if is_known(s)], initial=1))
        if rest and total % rest == 0:
            return [total // rest if k in places else e for k, e in enumerate(wanted)]
    if not right:
        # Only the -1 is unknown: it stays.
        return [-1 if k in places else e for k, e in enumerate(wanted)]
    total_size: Size = 1
    for size in sizes:
        total_size = total_size * size
    rest_size: Size = 1
    for size in others:
        rest_size = rest_size * size
    return [total_size // rest_size if k in places else e for k, e in enumerate(wanted)]


def is_size(size: Size | Array) -> bool:
    """Whether this is a size of a tensor, which is never below 0, or a number of 0 or more."""
    if isinstance(size, int | np.integer | np.ndarray):
        return bool(size >= 0)
    op = getattr(size, "op", None)
    return op is not None and op.type == "StridedSlice" and op.inputs[0].op.type == "Shape"


def _stated(size: Any) -> Any:
    """For a size of a result of Fill, the size that Fill was given; else the size itself."""
    if is_known(size) or not is_size(size):
        return size
    filled_one = size.op.inputs[0].op.inputs[0].op
    place = tf.get_static_value(size.op.inputs[1])
    if filled_one.type != "Fill" or filled_one.inputs[0].op.type != "Pack" or place is None:
        return size
    return filled_one.inputs[0].op.inputs[int(place[0])]


def is_same(a: Any, b: Any) -> bool:
    """Whether two sizes are the same: of the same axis of the same tensor."""
    a, b = _stated(a), _stated(b)
    if a is b:
        return True
    try:
        first, second = a.op, b.op
    except AttributeError:
        return False
    if first.type != "StridedSlice" or second.type != "StridedSlice":
        return False
    shapes = [op.inputs[0].op for op in (first, second)]
    places = [tf.get_static_value(op.inputs[1]) for op in (first, second)]
    return (
        all(s.type == "Shape" for s in shapes)
        and shapes[0].inputs[0] is shapes[1].inputs[0]
        and None not in [p if p is None else 0 for p in places]
        and np.array_equal(*places)
    )


@rule("Expand")
def _expand(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    value, entries = as_value(inputs[0]), _entries(inputs[1])
    if entries is None:
        shape = tf.cast(as_tensor(inputs[1]), tf.int32)
        shape = tf.broadcast_dynamic_shape(tf.shape(value.plain()), shape)
        return Value.of(tf.broadcast_to(value.plain(), shape))
    sizes: list[Size] = value.sizes()
    rank = max(len(sizes), len(entries))
    sizes = [1] * (rank - len(sizes)) + sizes
    entries = [1] * (rank - len(entries)) + entries
    wanted = [
        own if is_known(e) and e == 1 else e if is_known(e) or (is_known(own) and own == 1) else own
        for own, e in zip(sizes, entries, strict=True)
    ]
    alike = (
        a is b or (is_known(a) and is_known(b) and a == b)
        for a, b in zip(wanted, sizes, strict=True)
    )
    if all(alike):
        return value if rank == value.rank else Value.of(reshaped(value.plain(), wanted))
    numbers = known(inputs[0])
    if numbers is not None and numbers.size == 1:
        return filled(wanted, numbers.reshape(()))
    if isinstance(inputs[0], Dims) and len(inputs[0].flat()) == 1:
        (entry,) = inputs[0].flat()
        same = Value.of(tf.fill(stack(wanted), tf.cast(entry, tf.int64)))
        return Value(same.base, same.axes, number=entry)
    plain = reshaped(value.plain(), sizes) if rank > value.rank else value.plain()
    result = tf.broadcast_to(plain, stack(wanted))
    result.set_shape([int(s) if is_known(s) else None for s in wanted])
    return Value.of(result)


@rule("ConstantOfShape")
def _constant_of_shape(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    number = node.get("value")
    number = np.float32(0) if number is None else np.asarray(number).reshape(())
    entries = _entries(inputs[0])
    if entries is None:
        shape = tf.cast(as_tensor(inputs[0]), tf.int32)
        return Value.of(tf.fill(shape, tf.constant(number)))
    return filled(entries, number)


def filled(sizes: list[Size], number: Array | np.generic) -> Operand:
    """A tensor filled with one number; small ones of known shape stay known."""
    if all(is_known(s) for s in sizes):
        shape = [int(s) for s in sizes]
        if np.prod(shape, initial=1) <= SMALL:
            return np.full(shape, number)
        return Value.of(tf.constant(np.full(shape, number)))
    result = tf.zeros(stack(sizes), number.dtype) if not number else tf.fill(stack(sizes), number)
    result.set_shape([int(s) if is_known(s) else None for s in sizes])
    return Value.of(result)


SMALL = 1 << 16
"""The most elements of a constant that is kept as a NumPy array."""


@rule("Range")
def _range(emitter: Emitter, node: Node, inputs: list[Argument]) -> Operand:
    ends = [_one(i) for i in inputs]
    dtype = next((i.dtype for i in inputs if isinstance(i, Value | np.ndarray)), tf.int64)
    kind = tf.float32 if tf.as_dtype(dtype).is_floating else tf.int32
    start, limit, step = (tf.cast(e, kind) for e in ends)
    number = tf.get_static_value(step)
    first = known(inputs[0])
    counts = is_size(ends[1]) and first is not None and not first.any()
    if number is not None and not (counts and number > 0):
        # A range whose limit is before its start is empty; LiteRT refuses it.
        limit = tf.maximum(start, limit) if number > 0 else tf.minimum(start, limit)
    return Value.of(tf.cast(tf.range(start, limit, step), dtype))


def _one(operand: Argument) -> Any:
    if isinstance(operand, Dims):
        return operand.flat()[0]
    numbers = known(operand)
    if numbers is not None:
        return numbers.reshape(())
    return tf.reshape(as_tensor(operand), [])
