"""Where an iteration finds its projected inputs and its mask: among those of all steps, or a chunk.

What enters: a Scan, its schedule and the layout of its steps. What leaves: for each iteration the
rows of its steps, in order of computation.

Projecting all steps at once is one large product, and gives one large tensor. Projected chunk by
chunk (`Schedule.chunked_projection`), the rows stay in the cache, and memory grows with the inputs
alone.

Two numbers count steps, both in the order of computation. w counts all steps, as in
`lowering.loops`. t counts the steps of the sequence: those before t = 0 are identity padding. A
sequence that is read backwards has step t in row T - 1 - t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rnnlite.errors import InternalError
from rnnlite.lowering.schedule import Schedule
from rnnlite.lowering.tensors import gathered, length_of
from rnnlite.scan.scan import Cell, Cuts, Scan
from rnnlite.scan.tensors import Array, Count, Tensor, fixed

Rows = tuple[list[list[Tensor]], list[Tensor | None]]
"""For each step its projected inputs; for each step its mask, or None."""


@dataclass(frozen=True, eq=False)
class Source:
    """Rows that a loop over steps reads.

    Attributes:
        projected: tensors (rows, B, ...).
        first: the row of step w = 0. The rows of later steps follow it, or come before it.
        backward: whether the rows of later steps come before.
    """

    projected: list[Tensor]
    first: Count
    backward: bool = False


class Inputs:
    """The projected inputs and the mask of one Scan.

    Args:
        scan: the recurrence.
        cell: the cell of the Scan, as it is lowered.
        projected: the projected inputs of all steps; None if they are made chunk by chunk.
        schedule: how its loops are laid out.
        end: steps that the loops compute, identity padding included.
        identity_padding: rows to put in front, where the schedule does.
    """

    def __init__(
        self,
        scan: Scan,
        cell: Cell,
        projected: list[Tensor] | None,
        schedule: Schedule,
        end: Count,
        identity_padding: list[Array] | None,
    ) -> None:
        self._scan, self._cell = scan, cell
        self._length = length_of(scan.inputs[0])
        self.front = schedule.unroll - 1 if schedule.remainder == "front" else 0
        self._identity_padding = identity_padding if self.front else None
        self._projected = projected
        self.mask = scan.mask
        # Where all steps are projected, step w is in row w - offset.
        self._offset = end - self._length - self.front if self.front else 0
        if self._identity_padding is not None:
            if projected is not None:
                self._projected = [
                    self._joined(p, row)
                    for p, row in zip(projected, self._identity_padding, strict=True)
                ]
            if self.mask is not None:
                sizes = [fixed(self.mask, axis) for axis in range(2, len(self.mask.shape))]
                self.mask = self._joined(self.mask, np.zeros(sizes, bool))

    def _joined(self, x: Tensor, row: Array, *, behind: bool | None = None) -> Tensor:
        """x with identity padding in front; behind it, if the sequence is read backwards."""
        row = row.astype(x.dtype.as_numpy_dtype)
        rows = np.broadcast_to(row, (self.front, 1, *row.shape))
        if x.shape[1] is None:
            shape = tf.concat([[self.front], tf.shape(x)[1:]], 0)
            added = tf.broadcast_to(tf.constant(rows), shape)
        else:
            added = tf.constant(np.repeat(rows, x.shape[1], axis=1))
        last = self._scan.reverse if behind is None else behind
        return tf.concat([x, added] if last else [added, x], 0)

    def all(self) -> Source:
        """The rows of all steps."""
        if self._projected is None:
            raise InternalError("the rows are projected chunk by chunk")
        if self._scan.reverse:
            return Source(self._projected, self._last_row(), backward=True)
        return Source(self._projected, -self._offset)

    def _last_row(self) -> Count:
        return self._length + self.front + self._offset - 1

    def chunk(self, w: Count, within: Tensor | Array) -> Source:
        """The rows of a chunk of steps, from step w on; of all steps where all are projected.

        Args:
            w: an int or a scalar.
            within: 0, 1, ..., rows of a chunk - 1, int32.
        """
        if self._projected is not None:
            return self.all()
        # Steps before t = 0 are identity padding, and stand in the first chunk alone.
        begin = tf.maximum(w - self._offset - self.front, 0)
        t = tf.minimum(begin + within, self._length - 1)
        places = self._length - 1 - t if self._scan.reverse else t
        inputs = [self._rows_of(x, places) for x in self._scan.inputs]
        projected = self._cell.project(inputs)
        if self._identity_padding is not None:
            projected = [
                self._joined(p, row, behind=False)
                for p, row in zip(projected, self._identity_padding, strict=True)
            ]
        return Source(projected, -self._offset - begin)

    def _rows_of(self, x: Tensor, places: Tensor) -> Tensor:
        rows = tf.gather(x, places)
        rows.set_shape([places.shape[0], *x.shape[1:]])
        return rows

    def reader(self, source: Source, base: Count, unroll: int) -> Reader:
        """The reader of a loop that takes `unroll` steps in an iteration, from step `base` on."""
        steps = np.arange(unroll) if unroll > 1 else 0
        # Once, outside of the loop: an iteration only adds to it.
        rows = _from(source.first, base, steps, backward=source.backward)
        masks = None
        if self.mask is not None:
            masks = rows
            if self._projected is None:
                backward = self._scan.reverse
                first = self._last_row() if backward else -self._offset
                masks = _from(first, base, steps, backward=backward)
        cuts = self._cell.cuts
        return Reader(source, self.mask, unroll, rows, masks, cuts, self._scan.reverse)


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads the rows of iteration after iteration.

    A loop carries `places` and advances them by constants of their own shape: an addition that
    broadcasts takes three times as long.

    Attributes:
        source: the projected rows.
        mask: the mask of all steps, or None.
        unroll: steps in an iteration.
        rows: the rows of the source that the first iteration reads.
        masks: the rows of the mask that it reads; the same tensor where they are the same rows;
            None without a mask.
        cuts: the cuts of the cell; see `Cell.cuts`.
        backward: whether the mask is read backwards.
    """

    source: Source
    mask: Tensor | None
    unroll: int
    rows: Tensor
    masks: Tensor | None
    cuts: Cuts | None
    backward: bool

    @property
    def places(self) -> list[Tensor]:
        """Where the first iteration reads."""
        if self.masks is None or self.masks is self.rows:
            return [self.rows]
        return [self.rows, self.masks]

    def advanced(self, places: Sequence[Tensor]) -> list[Tensor]:
        """Where the next iteration reads, after the one that reads at `places`."""
        backward = (self.source.backward, self.backward)
        shape = [self.unroll] if self.unroll > 1 else []
        return [
            place + np.full(shape, -self.unroll if back else self.unroll, np.int32)
            for place, back in zip(places, backward, strict=False)
        ]

    def read(self, places: Sequence[Tensor]) -> Rows:
        """The rows of an iteration."""
        columns = [gathered(p, places[0], self.unroll, self.cuts) for p in self.source.projected]
        rows = [[part for parts in row for part in parts] for row in zip(*columns, strict=True)]
        if self.mask is None:
            return rows, [None] * self.unroll
        return rows, [k for (k,) in gathered(self.mask, places[-1], self.unroll)]


def _from(first: Count, base: Count, steps: Array | int, *, backward: bool) -> Tensor:
    places = first - base - steps if backward else first + base + steps
    return tf.convert_to_tensor(places, tf.int32)
