"""From a Scan to plain TensorFlow ops that the official converter turns into builtin LiteRT ops.

What enters: a `Scan` and `Options`. What leaves: its results and its `Schedule`. The loop is a
`tf.while_loop` whose body gathers K projected rows and takes K steps. Where K does not divide the
length, rows that keep the initial state as it is are put in front, or single steps come last.
Output sequences are written into blocks, these into larger ones (`scan.blocks`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.lite.share import PART, SEGMENTS
from rnnlite.scan.blocks import (
    batch_of,
    filled,
    first_rows,
    last_rows,
    layout,
    rows_and_rest,
    write,
)
from rnnlite.scan.cells import GRU, LSTM, SimpleRNN
from rnnlite.scan.choice import choose
from rnnlite.scan.products import rows_apart
from rnnlite.scan.rows import Inputs, Source
from rnnlite.scan.scan import Cell, Scan, ScanResult, Tensor
from rnnlite.scan.schedule import Loop, Options, Schedule
from rnnlite.scan.tensors import (
    common,
    is_zero,
    length_of,
    select,
    zeros_of_known_shape,
)

Carry = tuple[Tensor, ...]
PLAIN = (LSTM, GRU, SimpleRNN)
"""Cells whose product with the state can be made in another way."""


def lower(scan: Scan, options: Options) -> tuple[ScanResult, Schedule]:
    """Lower one Scan in the current graph; gives the schedule that was chosen as well.

    Raises:
        UnsupportedError: the cell changes the shape or dtype of its state.
    """
    lowering = _Lowering(scan, options)
    return lowering.run(), lowering.schedule


class _Lowering:
    """One run of `lower`; its attributes are what the loop bodies share.

    Time steps are counted by w in the order of computation: the rows of the outer buffer. Step 0 is
    row 0, and the last block may stay unfilled; single steps for a remainder come last. With
    neutral steps in front the last step is the last row, and the first block may begin late.
    """

    def __init__(self, scan: Scan, options: Options) -> None:
        self.cell: Cell = scan.cell
        if scan.batched:
            batch = batch_of(scan.inputs[0])
            states = tuple(zeros_of_known_shape(s, batch) for s in scan.initial_states)
            scan = replace(scan, initial_states=states)
        self.scan = scan
        self.weights = self.cell.weights()
        self.rows: list[Tensor] = []
        # Known cells project anew what they are given; others may keep what they made.
        plain = isinstance(self.cell, PLAIN) and scan.batched
        projected = None if plain else self.cell.project(scan.inputs)
        self.outputs, self.new_states, self.output_state = self._probe(projected)
        # The output of the step before is needed for masked steps that repeat it, and at the end
        # where it is no state. A state can stand for it if both start from zero.
        self.carries_output = (scan.last_output and self.output_state is None) or (
            scan.mask is not None
            and not scan.zero_output_for_mask
            and (self.output_state is None or not is_zero(scan.initial_states[self.output_state]))
        )
        neutral = self._neutral()
        self.schedule = choose(
            Loop(
                recurrent_weights=self.cell.recurrent_weights,
                hoisted=self.cell.hoisted,
                length=scan.inputs[0].shape[0],
                row_bytes=self._row_bytes(),
                neutral=neutral is not None,
                plain=plain,
                batch=scan.inputs[0].shape[1],
                projected_bytes=sum(p.dtype.size * _elements(p.shape[2:]) for p in self.rows),
                features=_elements(scan.inputs[0].shape[2:]),
            ),
            options,
        )
        if plain and isinstance(self.cell, PLAIN):
            apart, place = self.schedule.apart, self.schedule.place
            product = rows_apart(apart) if apart else self.cell.product
            self.cell = replace(self.cell, product=product, place=place)
            self.weights = self.cell.weights()
            if not self.cell.hoisted:
                self.rows = list(scan.inputs)
        if projected is None and not self.schedule.striped:
            projected = self.cell.project(scan.inputs)
        blocks = scan.all_outputs or self.schedule.striped
        self.layout = layout(self.schedule, scan.inputs[0], blocks=blocks)
        self.inputs = Inputs(scan, self.cell, projected, self.schedule, self.layout, neutral)
        self.length = length_of(scan.inputs[0])
        self.at_start = self.schedule.remainder != "front"

    def _neutral(self) -> list[Any] | None:
        """Rows to put in front: any if they are masked; such as keep zero at zero else."""
        mask = self.scan.mask
        if mask is not None:
            shapes = [x.shape[2:] for x in (*self.rows, mask)]
            defined = all(shape.is_fully_defined() for shape in shapes)
            return [np.zeros(shape, np.float32) for shape in shapes[:-1]] if defined else None
        return self.cell.neutral() if all(map(is_zero, self.scan.initial_states)) else None

    def _row_bytes(self) -> int:
        """Bytes of one time step of all output sequences; a free axis counts as one."""
        if not self.scan.all_outputs:
            return 0
        return sum(y.dtype.size * _elements(y.shape) for y in self.outputs)

    def _probe(self, projected: list[Any] | None) -> tuple[list[Any], list[Any], int | None]:
        """Trace one step in a graph that is thrown away: shapes of outputs and new states."""
        graph = tf.__internal__.FuncGraph("probe")
        with graph.as_default():
            self.rows = projected or self.cell.project(self.scan.inputs)
            rows = [tf.zeros_like(p[0]) for p in self.rows]
            outputs, states = self.cell.step(rows, list(self.scan.initial_states), self.weights)
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
        return outputs, states, output_state

    def run(self) -> ScanResult:
        shapes = self._output_shapes() if self.carries_output or self.scan.all_outputs else []
        before: list[Tensor] = []
        if self.carries_output:
            before = [tf.zeros(s, y.dtype) for s, y in zip(shapes, self.outputs, strict=True)]
        # Blocks of every level, empty: written over block by block.
        self.empty = [
            [filled(rows, s, y) for s, y in zip(shapes, self.outputs, strict=True)]
            if self.scan.all_outputs
            else []
            for rows in self.layout.sizes
        ]
        origin = self.layout.origin
        begin, self.end = origin, origin + self.length - self.length % self.schedule.unroll
        if not self.at_start:
            steps = self.layout.steps
            self.end = origin + self.layout.rows
            begin = self.end - (steps if isinstance(steps, int) else steps[0])
        carry: Carry = (tf.convert_to_tensor(begin), *self.scan.initial_states, *before)
        carry, buffers = self._segments(carry)
        rest: list[Tensor] = []
        if self.schedule.remainder == "single":
            # Into rows of their own: a loop copies all rows that it carries.
            if self.scan.all_outputs:
                spare = self.schedule.unroll - 1
                rest = [filled(spare, s, y) for s, y in zip(shapes, self.outputs, strict=True)]
            first, end = tf.convert_to_tensor(self.end), origin + self.length
            carry, rest = self._steps(carry, rest, first, end, 1, self.inputs.all())
        _, states, previous = self._unpack(carry)
        last = previous
        if not self.carries_output and self.scan.last_output:
            last = [states[self._state_of_output()]]
        if self.scan.mask is not None and self.scan.zero_output_for_mask:
            mask: Tensor = self.scan.mask
            row = mask[0] if self.scan.reverse else mask[-1]
            last = [select(row, y, tf.zeros_like(y)) for y in last]
        return ScanResult(
            last=tuple(last),
            outputs=self._taken(buffers, rest) if self.scan.all_outputs else None,
            states=tuple(states),
        )

    def _segments(self, carry: Carry) -> tuple[Carry, list[Tensor]]:
        """All steps but single ones at the end: loops one after the other with the same body."""
        top = len(self.layout.sizes) - 1
        if self.layout.segments == 1:
            return self._level(top, carry, self.empty[-1], tf.constant(0), self.end)
        # Not the tensor that sizes and offsets are made of: the first body would use it for both.
        base = size = tf.shape(self.empty[-1][0])[0]
        parts: list[list[Tensor]] = []
        # By these names `lite.share` finds them.
        with tf.name_scope(SEGMENTS):
            for _ in range(self.layout.segments):
                end = tf.minimum(base + size, self.end) if self.at_start else base + size
                carry, buffers = self._level(top, carry, self.empty[-1], base, end, PART)
                parts.append(buffers)
                base = base + size
        return carry, [tf.concat(column, 0) for column in zip(*parts, strict=True)]

    def _taken(self, buffers: list[Tensor], rest: list[Tensor]) -> tuple[Tensor, ...]:
        """The rows of buffers that are time steps."""
        if not self.at_start:
            return tuple(last_rows(b, self.layout) for b in buffers)
        if not rest:
            return tuple(first_rows(b, self.layout) for b in buffers)
        done = self.end - self.layout.origin
        return tuple(
            rows_and_rest(b, r, self.layout, done) for b, r in zip(buffers, rest, strict=True)
        )

    def _state_of_output(self) -> int:
        if self.output_state is None:
            raise AssertionError("an output that is no state is carried")
        return self.output_state

    def _unpack(self, carry: Carry) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        n = 1 + len(self.scan.initial_states)
        m = n + (len(self.outputs) if self.carries_output else 0)
        return carry[0], list(carry[1:n]), list(carry[n:m])

    def _output_shapes(self) -> list[Tensor]:
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
        rows = [p[0] for p in self.rows]
        outputs, _ = self.cell.step(rows, list(self.scan.initial_states), self.weights)
        return [tf.shape(y) for y in outputs]

    def _invariants(self, carry: Carry, buffers: list[Tensor]) -> Carry:
        """Shapes that hold before and after a step, axis by axis."""
        t, states, previous = self._unpack(carry)
        merged = [common(a.shape, b.shape) for a, b in zip(states, self.new_states, strict=True)]
        kept = [y.shape for y in self.outputs] if previous else []
        return (t.shape, *merged, *kept, *[b.shape for b in buffers])

    def _level(
        self,
        level: int,
        carry: Carry,
        buffers: list[Tensor],
        base: Tensor,
        end: Any,
        name: str | None = None,
    ) -> tuple[Carry, list[Tensor]]:
        """Run up to `end`; the outputs go into buffers whose first row is row `base` of all."""
        if level == 0:
            source = self.inputs.block(carry[0])
            return self._steps(carry, buffers, base, end, self.schedule.unroll, source, name)
        size = self.layout.count(level - 1)

        def body(*loop_carry: Tensor) -> Carry:
            inner = tuple(loop_carry[: len(carry)])
            start = inner[0] // size * size
            end = tf.minimum(start + size, self.end) if self.at_start else start + size
            inner, blocks = self._level(level - 1, inner, self.empty[level - 1], start, end)
            outer = loop_carry[len(carry) :]
            written = [write(b, x, start - base) for b, x in zip(outer, blocks, strict=True)]
            return (*inner, *written)

        return self._while(carry, buffers, end, body, name or f"blocks_{level}")

    def _steps(
        self,
        carry: Carry,
        buffers: list[Tensor],
        base: Tensor,
        end: Any,
        unroll: int,
        source: Source,
        name: str | None = None,
    ) -> tuple[Carry, list[Tensor]]:
        """The innermost loop: `unroll` steps an iteration."""
        read = self.inputs.reader(source, unroll)

        def body(*loop_carry: Tensor) -> Carry:
            w, states, previous = self._unpack(loop_carry)
            rows, keeps = read(w)
            sequence: list[list[Tensor]] = []
            for k in range(unroll):
                # Calibration knows the tensors of all steps by these names.
                with tf.name_scope(f"step_{k}"):
                    states, previous = self._step(rows[k], keeps[k], states, previous)
                    sequence.append(self._written(previous, states, keeps[k]))
            written = [
                write(buffer, tf.stack([ys[n] for ys in sequence], 0), w - base)
                for n, buffer in enumerate(loop_carry[len(carry) :])
            ]
            return (w + unroll, *states, *(previous if self.carries_output else []), *written)

        return self._while(carry, buffers, end, body, name or f"scan_{unroll}")

    def _while(
        self, carry: Carry, buffers: list[Tensor], end: Any, body: Any, name: str
    ) -> tuple[Carry, list[Tensor]]:
        end = tf.convert_to_tensor(end, tf.int32)
        result = tf.while_loop(
            lambda w, *_: w < end,
            body,
            (*carry, *buffers),
            shape_invariants=self._invariants(carry, buffers),
            name=name,
        )
        return tuple(result[: len(carry)]), list(result[len(carry) :])

    def _step(
        self, row: list[Tensor], keep: Tensor, states: list[Tensor], previous: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step with its mask: new states and, where it is carried, the output."""
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

    def _written(self, outputs: list[Tensor], states: list[Tensor], keep: Tensor) -> list[Tensor]:
        """What a step writes into the output buffers."""
        if not self.scan.all_outputs:
            return []
        ys = outputs
        if keep is not None and not self.scan.zero_output_for_mask and not self.carries_output:
            ys = [states[self._state_of_output()]]
        if keep is not None and self.scan.zero_output_for_mask:
            ys = [select(keep, y, tf.zeros_like(y)) for y in ys]
        return ys


def _elements(shape: Any) -> int:
    """Elements of a shape; a free axis counts as one."""
    return int(np.prod([d or 1 for d in shape.as_list()]))
