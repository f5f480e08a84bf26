"""Replace ops that LiteRT for Microcontrollers lacks, in files whose shapes are all fixed.

What enters: a model of fixed shapes, changed in place, and the target. What leaves: an equal model
of ops that the target has. The first list is applied for every target.

    GATHER of rows of int16, int32 or bool    a SLICE a row, and a CONCATENATION
    the same, and UNPACK of the rows          a SLICE and a RESHAPE a row
    GATHER of one, by a scalar                a SLICE and a RESHAPE
    REDUCE_ANY(x)                             REDUCE_MAX(x as int8) as int32 != 0

    for the target LiteRT for Microcontrollers, besides:
    SELECT(c, a, b) of equal shapes           SELECT_V2(c, a, b)
    the same of int32                         (a - b) * (c as int32) + b
    TILE along axes of size 1                 BROADCAST_TO

A model with a free shape stays as it is: LiteRT for Microcontrollers refuses free shapes.
"""

from __future__ import annotations

from rnnlite.lite.ir import Builder, Model, Op
from rnnlite.target import LITERT, Target

GATHERED = ("float32", "int8")
"""Types that the GATHER of LiteRT for Microcontrollers takes."""


def suit_microcontrollers(model: Model, target: Target = LITERT) -> None:
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
            elif op.kind == "SELECT" and not target.runs(op.kind, op.input(1).type):
                if len({v.shape for v in (*op.operands, op.output)}) == 1:
                    _add_choice(Builder(graph, op), op)
                    graph.remove(op)
            elif op.kind == "TILE" and not target.runs(op.kind, op.input(0).type):
                pairs = zip(op.input(0).shape, op.output.shape, strict=True)
                if all(size in (1, wanted) for size, wanted in pairs):
                    builder = Builder(graph, op)
                    shape = builder.constant(op.output.shape)
                    builder.add("BROADCAST_TO", [op.input(0), shape], [op.output])
                    graph.remove(op)


def _is_of_rows(op: Op) -> bool:
    """Whether a GATHER takes one row of axis 0, or some by a vector, of a type that is refused."""
    plain = op.integer("axis") == 0 and op.integer("batchDims") == 0
    return plain and op.input(1).rank <= 1 and op.input(0).type not in GATHERED


def _only_unpack(gather: Op) -> Op | None:
    """The UNPACK of axis 0 that alone reads the rows of a vector, if that is so."""
    rows = gather.output
    if gather.input(1).rank == 0 or len(rows.readers) != 1 or rows.is_result:
        return None
    (op,) = rows.readers
    return op if op.kind == "UNPACK" and op.integer("axis") == 0 else None


def _add_rows(builder: Builder, gather: Op, unpack: Op | None) -> None:
    rows, places = gather.input(0), gather.input(1)
    alone = places.rank == 0
    if alone:
        one = builder.constant([1])
        places = builder.make("RESHAPE", [places, one], [1], places.type, newShape=[1])
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
    if unpack is None and not alone:
        builder.add("CONCATENATION", found, [gather.output], axis=0)
        return
    targets = [gather.output] if unpack is None else unpack.outputs
    for row, target in zip(found, targets, strict=True):
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


def _add_choice(builder: Builder, op: Op) -> None:
    condition, a, b = op.operands
    if a.type != "int32":
        builder.add("SELECT_V2", [condition, a, b], [op.output])
        return
    # Integers wrap around, so that this is exact.
    number = builder.make("CAST", [condition], condition.shape)
    distance = builder.make("SUB", [a, b], a.shape)
    part = builder.make("MUL", [distance, number], a.shape)
    builder.add("ADD", [part, b], [op.output])
