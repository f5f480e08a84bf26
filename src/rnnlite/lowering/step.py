"""One time step as the loops of a Scan take it: what it carries, what it makes, its mask.

What enters: a `Scan`. What leaves: the new values of one step in the current graph, the shapes that
hold in every step, and what the cost model asks. `lowering.loops` makes the loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import tensorflow as tf

from rnnlite.errors import InternalError, UnsupportedError
from rnnlite.lowering.buffers import batch_of
from rnnlite.lowering.schedule import Loop, Schedule
from rnnlite.lowering.tensors import common, cut, is_zero, select, zeros_of_known_shape
from rnnlite.scan.cells import GRU, LSTM, SimpleRNN
from rnnlite.scan.products import by_remainder_rows
from rnnlite.scan.scan import Cell, Scan, TracedStep
from rnnlite.scan.tensors import Array, Tensor, TensorShape

Carry = tuple[Tensor, ...]
PLAIN = (LSTM, GRU, SimpleRNN)
"""Cells whose product with the state can be laid out in several ways."""

NO_OPS = frozenset(
    ("Const", "Identity", "NoOp", "Placeholder", "PlaceholderWithDefault", "ReadVariableOp")
)
"""Kinds of ops that leave no op in a file."""


class Step:
    """One time step of a Scan.

    Args:
        scan: the recurrence.

    Attributes:
        ops: how many ops a step takes.
        traced: one step as a graph; None for known cells, LSTM, GRU and SimpleRNN.

    Raises:
        UnsupportedError: the cell changes the shape or dtype of its state.
    """

    def __init__(self, scan: Scan) -> None:
        self.cell: Cell = scan.cell
        if scan.batched:
            batch = batch_of(scan.inputs[0])
            states = tuple(zeros_of_known_shape(s, batch) for s in scan.initial_states)
            scan = replace(scan, initial_states=states)
        self.scan = scan
        self.weights = self.cell.weights()
        self.rows: list[Tensor] = []
        # Known cells can project inputs again; others may keep tensors of their first projection.
        self.plain = isinstance(self.cell, PLAIN) and scan.batched
        self._projected = None if self.plain else self.cell.project(scan.inputs)
        self.traced: TracedStep | None = None
        self.outputs, self.new_states, self.output_state = self._probe()
        # The output of the step before is needed by masked steps, which repeat it; and at the end,
        # where it is no state. A state can stand for it if both start from the same values.
        self.carries_output = (scan.last_output and self.output_state is None) or (
            scan.mask is not None
            and not scan.zero_output_for_mask
            and (self.output_state is None or not self._starts_as_output(self.output_state))
        )
        self.identity_padding = self._identity_padding()

    def _starts_as_output(self, place: int) -> bool:
        """Whether a state begins as the output that masked steps in front of all others repeat."""
        state, previous = self.scan.initial_states[place], self.scan.previous
        return is_zero(state) if previous is None else previous[0] is state

    def costs(self) -> Loop:
        """What the cost model is to know of the loop."""
        x = self.scan.inputs[0]
        return Loop(
            recurrent_weights=self.cell.recurrent_weights,
            hoisted=self.cell.hoisted,
            length=x.shape[0],
            row_bytes=self._row_bytes(),
            identity_padding=self.identity_padding is not None,
            roughly=any(np.any(row) for row in self.identity_padding or ()),
            fixed_rows=all(y.shape.is_fully_defined() for y in self.outputs),
            plain=self.plain,
            batch=x.shape[1],
            projected_bytes=sum(p.dtype.size * _elements(p.shape[2:]) for p in self.rows),
            features=_elements(x.shape[2:]),
        )

    def projected(self, schedule: Schedule) -> list[Tensor] | None:
        """The projected inputs of all time steps; None if they are made chunk by chunk.

        From this call on, the cell makes its products as the schedule says.
        """
        if self.plain and isinstance(self.cell, PLAIN):
            remainder_rows, projection = schedule.remainder_rows, schedule.projection
            product = by_remainder_rows(remainder_rows) if remainder_rows else self.cell.product
            self.cell = replace(self.cell, product=product, projection=projection)
            self.weights = self.cell.weights()
            if not self.cell.hoisted:
                self.rows = list(self.scan.inputs)
        if self._projected is None and not schedule.chunked_projection:
            self._projected = self.cell.project(self.scan.inputs)
        return self._projected

    @contextmanager
    def own_weights(self) -> Iterator[None]:
        """A context in which the weights of known cells are constants of the current graph."""
        outer = self.weights
        if self.plain:
            self.weights = self.cell.weights()
        yield
        self.weights = outer

    def _identity_padding(self) -> list[Array] | None:
        """Identity padding: any rows if they are masked, else rows that keep zero states zero."""
        mask = self.scan.mask
        if mask is not None:
            shapes = [x.shape[2:] for x in (*self.rows, mask)]
            defined = all(shape.is_fully_defined() for shape in shapes)
            if not defined:
                return None
            return [np.zeros(_sizes(shape), np.float32) for shape in shapes[:-1]]
        return self.cell.identity_padding() if all(map(is_zero, self.scan.initial_states)) else None

    def _row_bytes(self) -> int:
        """Bytes of one time step of all output sequences; a free axis counts as one."""
        if not self.scan.all_outputs:
            return 0
        return sum(y.dtype.size * _elements(y.shape) for y in self.outputs)

    def _probe(self) -> tuple[list[Tensor], list[Tensor], int | None]:
        """Trace one step in a graph that is thrown away: shapes of outputs and new states."""
        graph = tf.__internal__.FuncGraph("probe")
        with graph.as_default():
            self.rows = self._projected or self.cell.project(self.scan.inputs)
            # Rows of their own as well, and no constants, which a graph's step would fold.
            given = [p[0] for p in self.rows]
            # A state is a tensor of its own: two may begin as one.
            before = [tf.identity(s) for s in self.scan.initial_states]
            rows = self._parts(given)
            made = len(graph.get_operations())
            outputs, states = self.cell.step(rows, list(before), self.weights)
        self.ops = sum(op.type not in NO_OPS for op in graph.get_operations()[made:])
        old = self.scan.initial_states
        if len(states) != len(old):
            raise UnsupportedError(
                f"the cell of '{self.scan.name}' ({self.cell.kind}) returns another number of "
                "states than it takes",
                expected=str(len(old)),
                found=str(len(states)),
                remedy="Return one new state for each state",
            )
        for k, (a, b) in enumerate(zip(old, states, strict=True)):
            if a.dtype != b.dtype or not a.shape.is_compatible_with(b.shape):
                raise UnsupportedError(
                    f"state {k} of '{self.scan.name}' ({self.cell.kind}) changes its type",
                    expected=f"{a.dtype.name}{a.shape}",
                    found=f"{b.dtype.name}{b.shape}",
                    remedy="Give the initial state the shape and dtype of the new state",
                )
        output_state = self.cell.output_is_state
        if output_state is None and len(outputs) == 1:
            matches = [k for k, s in enumerate(states) if s is outputs[0]]
            output_state = matches[0] if matches else None
        if self._projected is not None:
            self.traced = TracedStep(
                projected=tuple(self._projected),
                rows=tuple(given),
                states=tuple(before),
                outputs=tuple(outputs),
                new_states=tuple(states),
                output_state=output_state,
            )
        return outputs, states, output_state

    def _parts(self, rows: list[Tensor]) -> list[Tensor]:
        return [part for row in rows for part in cut(row, self.cell.cuts)]

    def state_of_output(self) -> int:
        """Index of the state that equals the output."""
        if self.output_state is None:
            raise InternalError("an output that is no state is carried")
        return self.output_state

    def unpack(self, values: Carry) -> tuple[list[Tensor], list[Tensor]]:
        """The states, and the output of the step before, from the values that a loop carries."""
        n = len(self.scan.initial_states)
        m = n + (len(self.outputs) if self.carries_output else 0)
        return list(values[:n]), list(values[n:m])

    def output_shapes(self) -> list[Tensor]:
        """The shape (B, ...) of each output, as a tensor where it is not static."""
        if all(y.shape.is_fully_defined() for y in self.outputs):
            return [tf.constant(y.shape.as_list(), tf.int32) for y in self.outputs]
        if self.output_state is not None:
            return [tf.shape(self.scan.initial_states[self.output_state])]
        rows_known = all(y.shape[1:].is_fully_defined() for y in self.outputs)
        if self.scan.batched and rows_known:
            batch = batch_of(self.scan.inputs[0])
            rests = [tf.constant(y.shape[1:].as_list(), tf.int32) for y in self.outputs]
            return [tf.concat([batch, rest], 0) for rest in rests]
        rows = self._parts([p[0] for p in self.rows])
        outputs, _ = self.cell.step(rows, list(self.scan.initial_states), self.weights)
        return [tf.shape(y) for y in outputs]

    def invariants(self, values: Carry, buffers: list[Tensor]) -> tuple[TensorShape, ...]:
        """Shapes that hold before and after a step, axis by axis."""
        states, previous = self.unpack(values)
        merged = [common(a.shape, b.shape) for a, b in zip(states, self.new_states, strict=True)]
        kept = [y.shape for y in self.outputs] if previous else []
        return (*merged, *kept, *[b.shape for b in buffers])

    def take(
        self, row: list[Tensor], keep: Tensor | None, states: list[Tensor], previous: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step with its mask: the new states and the output."""
        outputs, new_states = self.cell.step(row, states, self.weights)
        for state, invariant in zip(new_states, self.new_states, strict=True):
            state.set_shape(invariant.shape)
        if keep is not None:
            new_states = [
                select(keep, new, old) for new, old in zip(new_states, states, strict=True)
            ]
            if self.carries_output and not self.scan.zero_output_for_mask:
                outputs = [select(keep, y, old) for y, old in zip(outputs, previous, strict=True)]
        return new_states, list(outputs)

    def written(
        self, outputs: list[Tensor], states: list[Tensor], keep: Tensor | None
    ) -> list[Tensor]:
        """What a step writes into the output buffers."""
        if not self.scan.all_outputs:
            return []
        ys = outputs
        if keep is not None and not self.scan.zero_output_for_mask and not self.carries_output:
            ys = [states[self.state_of_output()]]
        if keep is not None and self.scan.zero_output_for_mask:
            ys = [select(keep, y, tf.zeros_like(y)) for y in ys]
        return ys


def _elements(shape: TensorShape) -> int:
    """Elements of a shape; a free axis counts as one."""
    return int(np.prod(_sizes(shape)))


def _sizes(shape: TensorShape) -> list[int]:
    """The sizes of the axes of a shape; a free axis counts as one."""
    return [1 if d is None else d for d in shape.as_list()]
