"""Rules of ops that compute each time step on its own: elementwise, products, normalization.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`), or a refusal (StreamingError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnnlite.lengths.computes import BROADCASTING, SAME
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.timed import aligned, each_row, plain
from rnnlite.streaming.values import WHOLE, SoFar, Static, Timed, Value, refused

ACROSS = (
    "Softmax",
    "LogSoftmax",
    "Cumsum",
    "Cumprod",
    "CumulativeLogsumexp",
    "ReverseV2",
    "ReverseSequence",
    "Roll",
    "LRN",
    "MatrixBandPart",
    "TensorScatterUpdate",
    "TensorScatterAdd",
    "FFT",
    "IFFT",
    "BiasAdd",
)
"""Ops whose result is as large as their input, but that compute across its places."""

ELEMENTWISE = [
    *(op for op in SAME if op not in ACROSS),
    *BROADCASTING,
    "Add",
    "AddV2",
    "Sub",
    "Mul",
    "FloorDiv",
    "FloorMod",
    "Mod",
    "Maximum",
    "Minimum",
    "Neg",
    "AddN",
    "Select",
    "Identity",
    "StopGradient",
    "PreventGradient",
    "Snapshot",
    "CheckNumerics",
    "Cast",
]


@rule(*ELEMENTWISE)
def elementwise(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Compute each step on its own; the operands are broadcast."""
    ranks = [t.shape.rank for t in op.inputs]
    rank = max(ranks)
    tensors, like = combined(emitter, op, inputs, ranks, rank)
    return [replace(like, tensor=y) for y in emitter.copied(op, tensors)]


def combined(
    emitter: Emitter, op: Any, inputs: Sequence[Value], ranks: Sequence[int], rank: int
) -> tuple[list[Tensor], Timed]:
    """The operands of an op that broadcasts, aligned in time.

    Args:
        ranks: of the operands; axes are counted from the last.
        rank: of the result.

    Returns:
        the operands, all as late as the latest; a value with the `Rows` of the result.

    Raises:
        StreamingError: an operand holds a value for each step of the whole sequence, or its length.
    """
    places = [k for k, v in enumerate(inputs) if isinstance(v, Timed)]
    if not places:
        raise refused(emitter.place(op), "it computes with the length of the whole sequence")
    timed = [v for v in inputs if isinstance(v, Timed)]
    from_last = {v.rows.axis - ranks[k] for k, v in zip(places, timed, strict=True)}
    if len(from_last) > 1:
        raise refused(emitter.place(op), WHOLE, found="each step beside each other")
    (axis,) = from_last
    for value, n, tensor in zip(inputs, ranks, op.inputs, strict=True):
        if isinstance(value, Static) and n >= -axis and tensor.shape[axis + n] != 1:
            raise refused(
                emitter.place(op),
                "it has values of its own for each place of the sequence",
                found=f"a constant of {tensor.shape}",
            )
    first = timed[0]
    alike = first.fold is not None and all(
        (v.fold, v.rows) == (first.fold, first.rows.at(v.rows.axis)) for v in timed
    )
    late, rows = (timed, first.rows) if alike else aligned(emitter, op, timed)
    rest = {place: value.tensor for place, value in zip(places, late, strict=True)}
    found = [rest[k] if k in rest else emitter.tensor(v, op) for k, v in enumerate(inputs)]
    return found, Timed(late[0].tensor, rows.at(axis + rank), fold=late[0].fold)


@rule("BiasAdd")
def bias_add(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Add a constant to each channel. Padding gets rows of its own first: it has no bias."""
    value, bias = inputs
    if not isinstance(value, Timed) or isinstance(bias, Timed):
        raise refused(emitter.place(op), "its bias has a time axis")
    value = each_row(emitter, op, value)
    layout = op.get_attr("data_format").decode()
    if value.rows.axis == (1 if layout.startswith("NC") else len(op.inputs[0].shape) - 1):
        raise refused(emitter.place(op), "its channels are places of time")
    return [replace(value, tensor=emitter.copied(op, [value.tensor, emitter.tensor(bias, op)])[0])]


@rule("Softmax", "LogSoftmax")
def softmax(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Along the last axis, which may not be time."""
    value = each_row(emitter, op, as_timed(emitter, op, inputs[0]))
    if value.rows.axis == len(value.tensor.shape) - 1:
        raise refused(emitter.place(op), f"{op.type} over the whole of time")
    return [replace(value, tensor=emitter.copied(op, [value.tensor])[0])]


@rule("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Batch normalization with given statistics, or layer normalization.

    With given statistics (inference) each place is computed alone. With is_training the statistics
    are taken over all axes but the channels: then time has to be the axis of the channels, as
    Keras arranges it for layer normalization.
    """
    value, *others = inputs
    channel = 1 if op.get_attr("data_format").decode().startswith("NC") else -1
    if not isinstance(value, Timed):
        raise refused(emitter.place(op), "normalization over the whole of time")
    steps = op.get_attr("is_training") and value.rows.axis == channel
    value = each_row(emitter, op, value) if steps else plain(emitter, op, value)
    if op.get_attr("is_training") and not steps:
        raise refused(emitter.place(op), "normalization over the whole of time")
    if any(isinstance(v, Timed) and not steps for v in others):
        raise refused(emitter.place(op), WHOLE, found="statistics of each step")
    # Where steps are channels, scale and offset have a number a step: ones and zeros, so that those
    # of any rows will do.
    tensors = [value.tensor, *(emitter.tensor(v, op) for v in others)]
    first, *rest = emitter.copied(op, tensors)
    if steps:
        return [replace(value, tensor=first), *(value.at(0, y) for y in rest)]
    return [Timed(first, value.rows), *(Static(y) for y in rest)]


@rule("MatMul")
def mat_mul(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """(rows, k) (k, n): time may be the rows."""
    a, b = inputs
    if not isinstance(a, Timed) or not isinstance(b, Static):
        raise refused(emitter.place(op), WHOLE, found="a product of what changes with time")
    if a.rows.axis != (1 if op.get_attr("transpose_a") else 0):
        raise refused(emitter.place(op), "a product over the whole of time")
    a = each_row(emitter, op, a)
    return [a.at(0, emitter.copied(op, [a.tensor, b.tensor])[0])]


@rule("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_mat_mul(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """(..., rows, k) (..., k, n): time may be the rows of the first, or an axis in front."""
    ranks = [t.shape.rank for t in op.inputs]
    rank = max(ranks)
    adjoint = (op.get_attr("adj_x"), op.get_attr("adj_y"))
    for k, value in enumerate(inputs):
        if isinstance(value, Timed) and value.rows.axis - ranks[k] >= -2:
            rows = -1 if adjoint[k] else -2
            if k == 1 or value.rows.axis - ranks[k] != rows:
                raise refused(emitter.place(op), "attention, a product over the whole of time")
            if not isinstance(inputs[1], Static):
                raise refused(emitter.place(op), WHOLE, found="each step beside each other")
            value = plain(emitter, op, value)
            found = emitter.copied(op, [value.tensor, inputs[1].tensor])[0]
            return [Timed(found, value.rows.at(rank - 2))]
    tensors, like = combined(emitter, op, inputs, ranks, rank)
    return [replace(like, tensor=emitter.copied(op, tensors)[0])]


@rule("Einsum")
def einsum(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """An Einsum whose result has time, at the same letter as each input with time."""
    terms, result = op.get_attr("equation").decode().replace(" ", "").split("->")
    parts = terms.split(",")
    timed = [k for k, v in enumerate(inputs) if isinstance(v, Timed)]
    values = [plain(emitter, op, v) for v in inputs if isinstance(v, Timed)]
    if "." in terms or any(isinstance(v, SoFar) for v in inputs):
        raise refused(emitter.place(op), WHOLE, found=f"Einsum {terms}->{result}")
    letters = {parts[k][v.rows.axis] for k, v in zip(timed, values, strict=True)}
    (letter, *more) = letters
    others = [p for k, p in enumerate(parts) if k not in timed]
    if more or letter not in result or any(letter in p for p in others):
        raise refused(
            emitter.place(op),
            "attention, a product over the whole of time",
            found=f"Einsum {terms}->{result}",
        )
    late, rows = aligned(emitter, op, values)
    rest = {k: value.tensor for k, value in zip(timed, late, strict=True)}
    tensors = [rest[k] if k in rest else emitter.tensor(v, op) for k, v in enumerate(inputs)]
    return [Timed(emitter.copied(op, tensors)[0], rows.at(result.index(letter)))]


@rule("GatherV2", "Gather", "ResourceGather")
def gather(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Look up rows of a table by ids that change with time, or take places of another axis."""
    table, ids = inputs[:2]
    v2 = op.type == "GatherV2"
    axis = int(emitter.constant(op, 2)) if v2 else 0
    batch = int(op.get_attr("batch_dims")) if v2 else 0
    rest = [emitter.tensor(v, op) for v in inputs[2:]]
    if isinstance(ids, Timed) and isinstance(table, Static) and not batch:
        ids = plain(emitter, op, ids)
        # Of ids that are not there, any row will do, but one of the table.
        found = emitter.copied(op, [table.tensor, ids.tensor, *rest])[0]
        rank = 0 if op.type == "ResourceGather" else axis % op.inputs[0].shape.rank
        return [Timed(found, ids.rows.at(ids.rows.axis + rank))]
    if isinstance(table, Timed) and not isinstance(ids, Timed | SoFar) and not batch:
        table = plain(emitter, op, table)
        axis %= op.inputs[0].shape.rank
        if axis != table.rows.axis:
            found = emitter.copied(op, [table.tensor, emitter.tensor(ids, op), *rest])[0]
            more = op.inputs[1].shape.rank - 1 if table.rows.axis > axis else 0
            return [Timed(found, table.rows.at(table.rows.axis + more))]
    raise refused(emitter.place(op), "it picks places of the sequence")


@rule("GatherNd")
def gather_nd(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Refuse a GatherNd: its indices mostly pick places of time."""
    del inputs
    raise refused(emitter.place(op), "it picks places of the sequence")


@rule("OneHot")
def one_hot(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A new axis for the classes."""
    ids, *rest = inputs
    value = plain(emitter, op, as_timed(emitter, op, ids))
    axis = int(op.get_attr("axis"))
    place = axis if axis >= 0 else op.inputs[0].shape.rank
    moved = value.rows.axis + (1 if place <= value.rows.axis else 0)
    tensors = [value.tensor, *(emitter.tensor(v, op) for v in rest)]
    return [Timed(emitter.copied(op, tensors)[0], value.rows.at(moved))]


@rule("TopKV2")
def top(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Along the last axis, which may not be time."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    if value.rows.axis == len(value.tensor.shape) - 1:
        raise refused(emitter.place(op), "it picks places of the sequence")
    found = emitter.copied(op, [value.tensor, emitter.tensor(inputs[1], op)])
    return [Timed(y, value.rows) for y in found]


def as_timed(emitter: Emitter, op: Any, value: Value) -> Timed:
    """A value that has to have a time axis.

    Raises:
        StreamingError: it has none.
    """
    if not isinstance(value, Timed):
        raise refused(emitter.place(op), "it computes with the length of the whole sequence")
    return value
