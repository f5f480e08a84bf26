"""Palettize the small rows of a lookup table, at 6 bits a number; keep the others at 15 bits.

What enters: the table of a lookup. What leaves: a `PalettizedTable` and the ops that decode it,
while all is still float; or None, where palettes save nothing.

Rows of words that training never met keep their small initial values. They may be most of a table.
With one scale for all rows, most of the 8 bits of a number in a small row are wasted. With a scale
for each row, the small rows have a precision that no result needs, and the large rows stay as
coarse as before. So

    slot  = GATHER(slots, ids)                    where the row is: in `large`, or behind it
    row   = GATHER(large, min(slot, n)) + GATHER(rest, min(slot, n))
          + decoded(max(slot - n, 0))

    decoded(k) = codebooks[GATHER(indices, k)] + residual_codebooks[GATHER(residual_indices, k)]

A small row is stored as two rows of bytes, which index codebooks. A byte of the first row stands
for 2 columns, with 16 levels each. A byte of the second row (the residual) divides a level by 4 in
each of 4 columns, or by 3 in each of 5 columns. The columns of one byte stand w/2 apart (residual:
w/4 or w/5). So the bytes are looked up once in each codebook, which gives a group of neighbouring
columns, and the groups are concatenated. A large row is stored in two int8 rows: the one of `large`
is its int8 value, the one of `rest` is the error of this value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.params import WEIGHT_LIMIT, Array
from rnnlite.quantization.prepare.parts import Parts
from rnnlite.report.quantization import WeightRecord

SMALLEST_TABLE = 1 << 16
"""A table with fewer numbers is not palettized: the ops that decode it take bytes too."""

COARSE = 16
FINE = {4: 4, 5: 3}
"""Columns that one byte of the residual palette stands for -> the levels of each column."""

NEAR = 1.1
"""Rows up to so many times the size of the small rows count as small, too."""

INDICES = "palette_indices"
"""The end of the names of constants that hold indices into codebooks."""


@dataclass(frozen=True, eq=False)
class Palette:
    """Rows in bytes, each an index for several columns.

    Attributes:
        indices: (rows, columns / d) bytes.
        codebooks: d vectors of 256 numbers: what an index means for each group of columns.
    """

    indices: Array
    codebooks: tuple[Array, ...]

    @property
    def values(self) -> Array:
        """(rows, columns) numbers."""
        return np.concatenate([codebook[self.indices] for codebook in self.codebooks], axis=1)


@dataclass(frozen=True, eq=False)
class PalettizedTable:
    """A table (N, w) whose small rows are palettized.

    Attributes:
        slots: (N,) the place of each row: s < n is row s of `large`, s > n is row s - n of the
            palettes.
        large: (n + 1, w): the int8 values of the n large rows, and a row of zeros for small rows.
        rest: (n + 1, w): the errors of `large`.
        palette: the small rows, behind row 0, which is added to every large row.
        residual: the errors of `palette`.
    """

    slots: Array
    large: Array
    rest: Array
    palette: Palette
    residual: Palette


def palettized(table: Array) -> PalettizedTable | None:
    """Palettize the small rows of a table; None where int8 is smaller, or finer.

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
    palette = _palette(within, 2, COARSE, reach)
    residual = _palette(within - palette.values, group, FINE[group], reach / COARSE)
    decoded = palette.values[:1] + residual.values[:1]
    exact = np.concatenate([table[~small] - decoded, np.zeros((1, width), np.float32)])
    scale = max(float(np.max(np.abs(exact))), 1e-30) / WEIGHT_LIMIT
    held = (np.rint(exact / scale) * scale).astype(np.float32)
    slots = np.empty(rows, np.int16 if slot_bytes == 2 else np.int32)
    slots[~small] = np.arange(np.count_nonzero(~small))
    slots[small] = len(held) + np.arange(np.count_nonzero(small))
    return PalettizedTable(slots, held, (exact - held).astype(np.float32), palette, residual)


def _palette(values: Array, group: int, levels: int, reach: float) -> Palette:
    """The nearest of `levels` numbers within +-reach for each column, `group` of them a byte."""
    steps = (2 * np.arange(levels) + 1 - levels) / (levels - 1)
    # Exact in int8, whose largest number is the largest level.
    level = np.rint(steps * WEIGHT_LIMIT) / WEIGHT_LIMIT * reach * (levels - 1) / levels
    nearest = np.searchsorted((level[1:] + level[:-1]) / 2, values)
    digits = np.split(nearest, group, axis=1)
    indices = sum(d * levels**k for k, d in enumerate(digits))
    meaning = np.arange(256) % levels**group
    codebooks = [level[meaning // levels**k % levels].astype(np.float32) for k in range(group)]
    return Palette(np.asarray(indices, np.uint8), tuple(codebooks))


def look_up(parts: Parts, op: Op, table: PalettizedTable) -> None:
    """Replace a lookup by the ops that decode the rows.

    Args:
        parts: takes the ops.
        op: the lookup, a GATHER of a constant table.
        table: the table, palettized.
    """
    emit = _Emitter(parts, op)
    last = len(table.large) - 1
    slot = emit.gather(table.slots, emit.ids, "slots")
    if table.slots.dtype != np.int32:
        slot = emit.cast(slot)
    large = emit.whole("MINIMUM", slot, last)
    # The first row of the palettes is the one beside large rows.
    small = emit.whole("MAXIMUM", emit.whole("SUB", slot, last), 0)
    found = [emit.gather(table.large, large, "large"), emit.gather(table.rest, large, "rest")]
    for palette, label in ((table.palette, ""), (table.residual, "residual_")):
        index = emit.cast(emit.gather(palette.indices, small, f"{label}{INDICES}"))
        groups = [
            emit.gather(codebook, index, f"{label}codebook_{k}")
            for k, codebook in enumerate(palette.codebooks)
        ]
        joined = parts.graph.like(op.output, "float32")
        found.append(parts.add("CONCATENATION", groups, joined, axis=joined.rank - 1))
    total = found[0]
    for k, part in enumerate(found[1:], 2):
        target = op.output if k == len(found) else None
        total = parts.add("ADD", [total, part], target)


def palette_records(model: Model) -> list[WeightRecord]:
    """A record for each palette in a model."""
    return [
        WeightRecord(value.name, value.shape, "uint8", "palette indices of the table's small rows")
        for graph in model.graphs
        for value in graph.values
        if value.is_constant and value.name.endswith(INDICES) and value.type == "uint8"
    ]


class _Emitter:
    """Ops on whole numbers and lookups, of the shape of the ids."""

    def __init__(self, parts: Parts, op: Op) -> None:
        self.parts, self.graph = parts, parts.graph
        self.name = op.input(0).name
        self.ids, self.result = op.input(1), op.output

    def gather(self, table: Array, ids: Value, label: str) -> Value:
        """Look up rows of a table (or elements of a vector) by ids."""
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
        """Cast integers of any type to int32."""
        made = self.graph.like(whole, "int32")
        self.parts.insert(self.graph.op("CAST", [whole], [made], version=4))
        return made

    def whole(self, kind: str, value: Value, number: int) -> Value:
        """An op of int32 numbers and a constant one."""
        made = self.graph.like(value, "int32")
        bound = self.graph.constant(np.array(number, np.int32))
        self.parts.insert(self.graph.op(kind, [value, bound], [made], options={}))
        return made
