"""Ops that LiteRT for Microcontrollers lacks, in files whose shapes are all fixed.

    GATHER of rows of int16, int32 or bool    a SLICE a row, and a CONCATENATION
    the same, and UNPACK of the rows          a SLICE and a RESHAPE a row
    REDUCE_ANY(x)                             REDUCE_MAX(x as int8) as int32 != 0

A model with a free shape stays as it is, for that runtime cannot take it at all.
"""

from __future__ import annotations

from rnnlite.lite.ir import Builder, Model, Op

GATHERED = ("float32", "int8")
"""Types that its GATHER takes."""


def suit_microcontrollers(model: Model) -> None:
    """Apply the list above, in place."""
    if not model.has_fixed_shapes:
        return
    for graph in model.graphs:
        for op in graph.ops:
            if op.kind == "REDUCE_ANY":
                _add_any(Builder(graph, op), op)
                graph.remove(op)
            elif op.kind == "GATHER" and _is_of_rows(op):
                unpack = _only_unpack(op)
                _add_rows(Builder(graph, op), op, unpack)
                graph.remove(op, *([] if unpack is None else [unpack]))


def _is_of_rows(op: Op) -> bool:
    """Whether a GATHER takes whole rows of axis 0, by a vector, of a type that is refused."""
    plain = op.integer("axis") == 0 and op.integer("batchDims") == 0
    return plain and op.input(1).rank == 1 and op.input(0).type not in GATHERED


def _only_unpack(gather: Op) -> Op | None:
    """The UNPACK of axis 0 that alone reads the rows, if that is so."""
    rows = gather.output
    if len(rows.readers) != 1 or rows.is_result:
        return None
    (op,) = rows.readers
    return op if op.kind == "UNPACK" and op.integer("axis") == 0 else None


def _add_rows(builder: Builder, gather: Op, unpack: Op | None) -> None:
    rows, places = gather.input(0), gather.input(1)
    shape, count = rows.shape, places.shape[0]
    found = []
    for k in range(count):
        cut = [places, *(builder.constant([n]) for n in (k, k + 1, 1))]
        begin = places if count == 1 else builder.make("STRIDED_SLICE", cut, [1])
        if len(shape) > 1:
            rest = builder.constant([0] * (len(shape) - 1))
            begin = builder.make("CONCATENATION", [begin, rest], [len(shape)], axis=0)
        size = builder.constant([1, *shape[1:]])
        kind = rows.type, rows.quantization
        found.append(builder.make("SLICE", [rows, begin, size], [1, *shape[1:]], *kind))
    if unpack is None:
        builder.add("CONCATENATION", found, [gather.output], axis=0)
        return
    for row, target in zip(found, unpack.outputs, strict=True):
        builder.add(
            "RESHAPE", [row, builder.constant(shape[1:])], [target], newShape=list(shape[1:])
        )


def _add_any(builder: Builder, op: Op) -> None:
    source, axes, result = op.input(0), op.input(1), op.output
    numbers = builder.make("CAST", [source], source.shape, "int8")
    keep = op.flag("keepDims")
    largest = builder.make("REDUCE_MAX", [numbers, axes], result.shape, "int8", keepDims=keep)
    wide = builder.make("CAST", [largest], result.shape)
    builder.add("NOT_EQUAL", [wide, builder.constant(0)], [result])
