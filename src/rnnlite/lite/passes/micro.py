"""Ops that LiteRT for Microcontrollers lacks, in files whose shapes are all fixed.

What enters: a model. What leaves: the same, with other ops where the kernels of that runtime fall
short; a model with a free shape stays as it is, for that runtime cannot take it at all.

    GATHER of rows of int16, int32 or bool    a SLICE a row, and a CONCATENATION
    the same, and UNPACK of the rows          a SLICE and a RESHAPE a row
    REDUCE_ANY(x)                             REDUCE_MAX(x as int8) as int32 != 0
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import flatbuffer
from rnnlite.lite.build import Builder

GATHERED = ("float32", "int8")
"""Types that its GATHER takes."""


def suit_microcontrollers(model: Any) -> None:
    """Apply the list above, in place."""
    if not has_fixed_shapes(model):
        return
    for content in model.subgraphs:
        ops = list(content.operators or [])
        content.operators = []
        dropped: set[int] = set()
        for op in ops:
            if id(op) in dropped:
                continue
            builder = Builder(model, content)
            name = flatbuffer.op_name(model, op)
            if name == "REDUCE_ANY":
                _add_any(builder, op)
            elif name == "GATHER" and _is_of_rows(content, op):
                unpack = _only_unpack(model, ops, content, op)
                _add_rows(builder, op, unpack)
                dropped |= {id(unpack)} - {id(None)}
            else:
                builder.ops.append(op)
            content.operators += builder.ops


def has_fixed_shapes(model: Any) -> bool:
    """Whether no input of the model has a free axis."""
    main = model.subgraphs[0]
    signatures = [main.tensors[int(t)].shapeSignature for t in main.inputs]
    return all(s is None or all(int(d) >= 0 for d in s) for s in signatures)


def _shape(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(d) for d in tensor.shape]


def _is_of_rows(content: Any, op: Any) -> bool:
    """Whether a GATHER takes whole rows of axis 0, by a vector, of a type that is refused."""
    rows, places = (content.tensors[int(t)] for t in op.inputs)
    plain = op.builtinOptions.axis == 0 and op.builtinOptions.batchDims == 0
    return plain and len(_shape(places)) == 1 and flatbuffer.dtype_name(rows) not in GATHERED


def _only_unpack(model: Any, ops: list[Any], content: Any, gather: Any) -> Any:
    """The UNPACK of axis 0 that alone reads the rows, if that is so."""
    rows = int(gather.outputs[0])
    readers = [op for op in ops if rows in map(int, op.inputs)]
    if len(readers) != 1 or rows in map(int, content.outputs):
        return None
    (op,) = readers
    unpacks = flatbuffer.op_name(model, op) == "UNPACK" and op.builtinOptions.axis == 0
    return op if unpacks else None


def _add_rows(builder: Builder, gather: Any, unpack: Any) -> None:
    tensors = builder.content.tensors
    rows, places = map(int, gather.inputs)
    kind = {"dtype": flatbuffer.dtype_name(tensors[rows]), "grid": tensors[rows].quantization}
    shape = _shape(tensors[rows])
    count = _shape(tensors[places])[0]
    found = []
    for k in range(count):
        cut = [places, *(builder.constant([n]) for n in (k, k + 1, 1))]
        begin = places if count == 1 else builder.make("STRIDED_SLICE", cut, [1])
        if len(shape) > 1:
            rest = builder.constant([0] * (len(shape) - 1))
            begin = builder.make("CONCATENATION", [begin, rest], [len(shape)], axis=0)
        size = builder.constant([1, *shape[1:]])
        row = builder.make("SLICE", [rows, begin, size], [1, *shape[1:]], **kind)
        found.append(row)
    if unpack is None:
        builder.add("CONCATENATION", found, [int(gather.outputs[0])], axis=0)
        return
    for row, target in zip(found, map(int, unpack.outputs), strict=True):
        builder.add("RESHAPE", [row, builder.constant(shape[1:])], [target], newShape=shape[1:])


def _add_any(builder: Builder, op: Any) -> None:
    source, axes = map(int, op.inputs)
    result = int(op.outputs[0])
    before, after = (_shape(builder.content.tensors[t]) for t in (source, result))
    numbers = builder.make("CAST", [source], before, dtype="int8")
    keep = op.builtinOptions.keepDims
    largest = builder.make("REDUCE_MAX", [numbers, axes], after, dtype="int8", keepDims=keep)
    wide = builder.make("CAST", [largest], after)
    builder.add("NOT_EQUAL", [wide, builder.constant(0)], [result])
