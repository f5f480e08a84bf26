"""Tables of lookups with many small rows: those in codes of 6 bits a number, the others in 15.

What enters: a lookup's table. What leaves: `Codes`, or None where they bring nothing, and the ops
that decode it, while all is still float.

Rows of words that training never met keep their small initial values, and may be most of a table.
One scale for all wastes the 8 bits of a number on them; a scale a row gives them a precision that
no result feels, and leaves the large rows as coarse as they were. So

    slot  = GATHER(slots, ids)                    where the row is: in `large`, or behind it
    row   = GATHER(large, min(slot, n)) + GATHER(rest, min(slot, n))
          + fine(GATHER(codes, max(slot - n, 0)))

A row of codes has two planes of bytes: one with 16 levels for each of 2 columns a byte, one that
divides a level in 4 or 3, for 4 or 5 columns a byte. The columns of a byte stand w/2 apart (w/4,
w/5), so that each column of bytes is looked up once in a book for each group of columns, and the
groups are joined. `large` and `rest` are what int8 holds of the large rows, and what that leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.params import WEIGHT_LIMIT, Array
from rnnlite.quantization.prepare.parts import Parts
from rnnlite.report.quantization import WeightRecord

SMALLEST_TABLE = 1 << 16
"""Numbers in a table below which it stays whole: the ops to decode it take bytes too."""

COARSE = 16
FINE = {4: 4, 5: 3}
"""Columns that one byte of the second plane stands for, and the levels of each."""

NEAR = 1.1
"""Rows up to so many times larger than the small ones need to be are taken with them."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One byte for several columns.

    Attributes:
        codes: (rows, columns / d) bytes.
        books: d vectors of 256 numbers: what a byte means for each group of columns.
    """

    codes: Array
    books: tuple[Array, ...]

    @property
    def values(self) -> Array:
        """(rows, columns) numbers."""
        return np.concatenate([book[self.codes] for book in self.books], axis=1)


@dataclass(frozen=True, eq=False)
class Codes:
    """A table (N, w) apart.

    Attributes:
        slots: (N,) where each row stands: below `len(large) - 1` in the large ones.
        large: (n + 1, w), the last one zero: all that int8 holds of them.
        rest: (n + 1, w): what that leaves over.
        planes: rows of which the first stands beside large rows.
    """

    slots: Array
    large: Array
    rest: Array
    planes: tuple[Plane, Plane]


def codes_of(table: Array) -> Codes | None:
    """The table in codes, if that is no larger than one byte a number and no coarser than int8.

    Args:
        table: (N, w) in float32.
    """
    rows, width = table.shape
    group = next((d for d in FINE if width % 2 == width % d == 0), None)
    if table.size < SMALLEST_TABLE or group is None:
        return None
    sizes = np.max(np.abs(table), axis=1)
    taken = np.sort(sizes)
    bytes_small, bytes_large = width / 2 + width / group, 2 * width
    slot_bytes = 2 if rows < np.iinfo(np.int16).max - 2 else 4
    spare = rows * (bytes_large + slot_bytes) - rows * (width + 1)
    count = int(np.ceil(spare / (bytes_large - bytes_small)))
    if count >= rows:
        return None
    reach = float(taken[count - 1]) * NEAR
    # A level of the small rows is no larger than one of the largest row in int8.
    if 2 * reach / (COARSE * FINE[group]) > float(taken[-1]) / WEIGHT_LIMIT:
        return None
    small = sizes <= reach
    within = np.concatenate([np.zeros((1, width), np.float32), table[small]])
    coarse = _plane(within, 2, COARSE, reach)
    fine = _plane(within - coarse.values, group, FINE[group], reach / COARSE)
    decoded = coarse.values[:1] + fine.values[:1]
    exact = np.concatenate([table[~small] - decoded, np.zeros((1, width), np.float32)])
    scale = max(float(np.max(np.abs(exact))), 1e-30) / WEIGHT_LIMIT
    held = (np.rint(exact / scale) * scale).astype(np.float32)
    slots = np.empty(rows, np.int16 if slot_bytes == 2 else np.int32)
    slots[~small] = np.arange(np.count_nonzero(~small))
    slots[small] = len(held) + np.arange(np.count_nonzero(small))
    return Codes(slots, held, (exact - held).astype(np.float32), (coarse, fine))


def _plane(values: Array, group: int, levels: int, reach: float) -> Plane:
    """The nearest of `levels` numbers within +-reach for each column, `group` of them a byte."""
    steps = (2 * np.arange(levels) + 1 - levels) / (levels - 1)
    # Exact in int8, whose largest number is the largest level.
    level = np.rint(steps * WEIGHT_LIMIT) / WEIGHT_LIMIT * reach * (levels - 1) / levels
    nearest = np.searchsorted((level[1:] + level[:-1]) / 2, values)
    digits = np.split(nearest, group, axis=1)
    byte = sum(d * levels**k for k, d in enumerate(digits))
    meaning = np.arange(256) % levels**group
    books = tuple(level[meaning // levels**k % levels].astype(np.float32) for k in range(group))
    return Plane(np.asarray(byte, np.uint8), books)


def look_up(parts: Parts, op: Op, codes: Codes) -> None:
    """Put the ops that decode the rows in the place of a lookup.

    Args:
        parts: where.
        op: GATHER of a table.
        codes: the table.
    """
    emit = _Emitter(parts, op)
    last = len(codes.large) - 1
    slot = emit.gather(codes.slots, emit.ids, "slots")
    if codes.slots.dtype != np.int32:
        slot = emit.cast(slot)
    large = emit.whole("MINIMUM", slot, last)
    # The first row of the planes is the one beside large rows.
    small = emit.whole("MAXIMUM", emit.whole("SUB", slot, last), 0)
    found = [emit.gather(codes.large, large, "large"), emit.gather(codes.rest, large, "rest")]
    for plane, label in zip(codes.planes, ("coarse", "fine"), strict=True):
        byte = emit.cast(emit.gather(plane.codes, small, f"{label}/codes"))
        groups = [
            emit.gather(book, byte, f"{label}/book_{k}") for k, book in enumerate(plane.books)
        ]
        joined = parts.graph.like(op.output, "float32")
        found.append(parts.add("CONCATENATION", groups, joined, axis=joined.rank - 1))
    total = found[0]
    for k, part in enumerate(found[1:], 2):
        target = op.output if k == len(found) else None
        total = parts.add("ADD", [total, part], target)


def code_records(model: Model) -> list[WeightRecord]:
    """A record for each plane of codes in a model."""
    return [
        WeightRecord(value.name, value.shape, "uint8", "codes of the table's small rows")
        for graph in model.graphs
        for value in graph.values
        if value.is_constant and value.name.endswith("/codes") and value.type == "uint8"
    ]


class _Emitter:
    """Ops on whole numbers and lookups, of the shape of the ids."""

    def __init__(self, parts: Parts, op: Op) -> None:
        self.parts, self.graph = parts, parts.graph
        self.name = op.input(0).name
        self.ids, self.result = op.input(1), op.output

    def gather(self, table: Array, ids: Value, label: str) -> Value:
        """Rows of a table, or its numbers where it is a vector."""
        values = self.graph.constant(table, name=f"{self.name}/{label}")
        found = self.graph.like(ids if table.ndim == 1 else self.result, values.type)
        if table.ndim > 1:
            found.shape = [*found.shape[:-1], table.shape[1]]
            if found.signature is not None:
                found.signature = [*found.signature[:-1], table.shape[1]]
        version = 4 if values.type == "int16" else 1
        self.parts.insert(
            self.graph.op("GATHER", [values, ids], [found], version=version, options={})
        )
        return found

    def cast(self, whole: Value) -> Value:
        """Any whole numbers as int32."""
        made = self.graph.like(whole, "int32")
        self.parts.insert(self.graph.op("CAST", [whole], [made], version=4))
        return made

    def whole(self, kind: str, value: Value, number: int) -> Value:
        """An op of int32 numbers and a constant one."""
        made = self.graph.like(value, "int32")
        bound = self.graph.constant(np.array(number, np.int32))
        self.parts.insert(self.graph.op(kind, [value, bound], [made], options={}))
        return made
