"""From a Scan to plain TensorFlow ops that the official converter turns into builtin LiteRT ops.

What enters: a `Scan`. What leaves: its result tensors and the schedule that was used. The loop is a
`tf.while_loop` whose body reads K projected rows in one slice and takes K steps; a shorter loop of
single steps comes first where K does not divide the length. Output sequences are written into a
buffer with DYNAMIC_UPDATE_SLICE, in blocks of K rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from rnnlite.errors import UnsupportedError
from rnnlite.scan.scan import Scan, ScanResult, Tensor
from rnnlite.scan.schedule import MAX_UNROLL, Schedule, choose

Carry = tuple[Tensor, ...]


def schedule_for(scan: Scan, max_unroll: int = MAX_UNROLL) -> Schedule:
    """The schedule of a Scan, with at most so many time steps an iteration."""
    first = scan.inputs[0]
    return choose(
        recurrent_weights=scan.cell.recurrent_weights,
        hoisted=scan.cell.hoisted,
        static_batch=first.shape[1] is not None,
        length=first.shape[0],
        max_unroll=max_unroll,
    )


def lower(scan: Scan, schedule: Schedule) -> ScanResult:
    """Lower one Scan in the current graph.

    Raises:
        UnsupportedError: the cell changes the shape or dtype of its state.
    """
    return _Lowering(scan, schedule).run()


def is_zero(tensor: Tensor) -> bool:
    """Whether a symbolic tensor is surely zero: a constant, or a Fill with a constant."""
    value = tf.get_static_value(tensor)
    if value is not None:
        return not value.any()
    op = getattr(tensor, "op", None)
    if op is None:
        return False
    while op.type in ("Identity", "Cast", "Reshape", "ExpandDims", "Tile", "BroadcastTo"):
        op = op.inputs[0].op
    if op.type == "ZerosLike":
        return True
    if op.type == "Fill":
        return is_zero(op.inputs[1])
    if op.type == "Const":
        return not tf.get_static_value(op.outputs[0]).any()
    return False


class _Lowering:
    """One run of `lower`; its attributes are what the loop bodies share."""

    def __init__(self, scan: Scan, schedule: Schedule) -> None:
        self.scan = scan
        self.cell = scan.cell
        self.projected = self.cell.project(scan.inputs)
        self.weights = self.cell.weights()
        self.unroll = schedule.unroll
        length = scan.inputs[0].shape[0]
        self.static_length = length
        self.length = tf.shape(scan.inputs[0])[0] if length is None else tf.constant(length)
        self.mask = scan.mask
        self.outputs, self.new_states, self.output_state = self._probe()
        # The output of the step before is needed for masked steps that repeat it, and at the end
        # where it is no state. A state can stand for it if both start from zero.
        self.carries_output = (scan.last_output and self.output_state is None) or (
            self.mask is not None
            and not scan.zero_output_for_mask
            and (self.output_state is None or not is_zero(scan.initial_states[self.output_state]))
        )

    def _probe(self) -> tuple[list[Any], list[Any], int | None]:
        """Trace one step in a graph that is thrown away: shapes of outputs and new states."""
        graph = tf.__internal__.FuncGraph("probe")
        with graph.as_default():
            rows = [tf.zeros_like(p[0]) for p in self.projected]
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
        carry = self._initial_carry()
        start = 0
        if self.unroll > 1:
            remainder = (
                self.length % self.unroll
                if self.static_length is None
                else self.static_length % self.unroll
            )
            if self.static_length is None or remainder:
                carry = self._loop(carry, remainder, 1)
            start = remainder
        if self.static_length is None or start < self.static_length:
            carry = self._loop(carry, self.length, self.unroll)
        _, states, previous, buffers = self._unpack(carry)
        last = previous
        if not self.carries_output and self.scan.last_output:
            last = [states[self._state_of_output()]]
        if self.mask is not None and self.scan.zero_output_for_mask:
            row = self.mask[0] if self.scan.reverse else self.mask[-1]
            last = [_select(row, y, tf.zeros_like(y)) for y in last]
        if self.static_length is None and self.unroll > 1:
            buffers = [buffer[: self.length] for buffer in buffers]
        return ScanResult(
            last=tuple(last),
            outputs=tuple(buffers) if self.scan.all_outputs else None,
            states=tuple(states),
        )

    def _state_of_output(self) -> int:
        if self.output_state is None:
            raise AssertionError("an output that is no state is carried")
        return self.output_state

    def _unpack(self, carry: Carry) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        n, m = len(self.scan.initial_states), len(self.outputs) if self.carries_output else 0
        return (
            carry[0],
            list(carry[1 : 1 + n]),
            list(carry[1 + n : 1 + n + m]),
            list(carry[1 + n + m :]),
        )

    def _initial_carry(self) -> Carry:
        zeros: list[Tensor] = []
        if self.carries_output or self.scan.all_outputs:
            shapes = self._output_shapes()
        if self.carries_output:
            zeros += [tf.zeros(s, y.dtype) for s, y in zip(shapes, self.outputs, strict=True)]
        if self.scan.all_outputs:
            # The runtime prepares a body whether or not it runs: a block must fit the buffer.
            rows = self.static_length or tf.maximum(self.length, self.unroll)
            for shape, y in zip(shapes, self.outputs, strict=True):
                buffer = tf.zeros(tf.concat([[rows], shape], 0), y.dtype)
                zeros.append(tf.ensure_shape(buffer, [self.static_length, *y.shape]))
        return (tf.constant(0), *self.scan.initial_states, *zeros)

    def _output_shapes(self) -> list[Tensor]:
        """The shape (B, ...) of each output, as a tensor where it is not static."""
        if all(y.shape.is_fully_defined() for y in self.outputs):
            return [tf.constant(y.shape.as_list(), tf.int32) for y in self.outputs]
        if self.output_state is not None:
            return [tf.shape(self.scan.initial_states[self.output_state])]
        batch = tf.shape(self.projected[0])[1]
        if all(y.shape[1:].is_fully_defined() for y in self.outputs):
            return [tf.stack([batch, *y.shape[1:]]) for y in self.outputs]
        rows = [p[0] for p in self.projected]
        outputs, _ = self.cell.step(rows, list(self.scan.initial_states), self.weights)
        return [tf.shape(y) for y in outputs]

    def _invariants(self, carry: Carry) -> Carry:
        """Shapes that hold before and after a step, axis by axis."""
        t, states, previous, buffers = self._unpack(carry)
        merged = [_common(a.shape, b.shape) for a, b in zip(states, self.new_states, strict=True)]
        kept = [y.shape for y in self.outputs] if previous else []
        return (t.shape, *merged, *kept, *[b.shape for b in buffers])

    def _loop(self, carry: Carry, end: Any, unroll: int) -> Carry:
        end = tf.convert_to_tensor(end, tf.int32)

        def body(*loop_carry: Tensor) -> Carry:
            t, states, previous, buffers = self._unpack(loop_carry)
            rows = self._rows(t, unroll)
            sequence: list[list[Tensor]] = []
            for k in range(unroll):
                # Calibration knows the tensors of all steps by these names.
                with tf.name_scope(f"step_{k}"):
                    states, previous = self._step(t + k if k else t, rows[k], states, previous)
                    sequence.append(self._written(previous, states, t + k if k else t))
            if buffers:
                buffers = [
                    _write(buffer, [ys[n] for ys in sequence], t)
                    for n, buffer in enumerate(buffers)
                ]
            if not self.carries_output:
                previous = []
            return (t + unroll, *states, *previous, *buffers)

        result = tf.while_loop(
            lambda t, *_: t < end,
            body,
            carry,
            shape_invariants=self._invariants(carry),
            name=f"scan_{unroll}",
        )
        return tuple(result)

    def _rows(self, t: Tensor, unroll: int) -> list[list[Tensor]]:
        """The projected inputs of `unroll` steps, in order of computation."""
        begin = self.length - unroll - t if self.scan.reverse else t
        columns = []
        for p in self.projected:
            block = _slice_rows(p, begin, unroll)
            rows = _split_rows(block, p.shape[1:], unroll)
            columns.append(rows[::-1] if self.scan.reverse else rows)
        return [list(row) for row in zip(*columns, strict=True)]

    def _step(
        self, t: Tensor, row: list[Tensor], states: list[Tensor], previous: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step with its mask: new states and, where it is carried, the output."""
        outputs, new_states = self.cell.step(row, states, self.weights)
        for state, invariant in zip(new_states, self.new_states, strict=True):
            state.set_shape(invariant.shape)
        if self.mask is not None:
            keep = self._mask_row(t)
            new_states = [
                _select(keep, new, old) for new, old in zip(new_states, states, strict=True)
            ]
            if self.carries_output and not self.scan.zero_output_for_mask:
                outputs = [_select(keep, y, old) for y, old in zip(outputs, previous, strict=True)]
        return new_states, list(outputs)

    def _written(self, outputs: list[Tensor], states: list[Tensor], t: Tensor) -> list[Tensor]:
        """What a step writes into the output buffers."""
        if not self.scan.all_outputs:
            return []
        ys = outputs
        repeats = self.mask is not None and not self.scan.zero_output_for_mask
        if repeats and not self.carries_output:
            ys = [states[self._state_of_output()]]
        if self.mask is not None and self.scan.zero_output_for_mask:
            keep = self._mask_row(t)
            ys = [_select(keep, y, tf.zeros_like(y)) for y in ys]
        return ys

    def _mask_row(self, t: Tensor) -> Tensor:
        mask: Tensor = self.mask
        index = self.length - 1 - t if self.scan.reverse else t
        row = _slice_rows(mask, index, 1)
        return tf.reshape(row, [-1 if d is None else d for d in mask.shape[1:]])


def _common(a: Any, b: Any) -> Any:
    if a.rank != b.rank or a.rank is None:
        return tf.TensorShape(None)
    return tf.TensorShape([x if x == y else None for x, y in zip(a, b, strict=True)])


def _slice_rows(x: Tensor, begin: Tensor, count: int) -> Tensor:
    """x[begin : begin + count] along the first axis, with every static size kept static."""
    rank = x.shape.rank
    sizes = [count] + [-1 if d is None else d for d in x.shape[1:]]
    block = tf.slice(x, tf.stack([begin] + [0] * (rank - 1)), sizes)
    block.set_shape([count, *x.shape[1:]])
    return block


def _split_rows(block: Tensor, row_shape: Any, count: int) -> list[Tensor]:
    if count == 1:
        return [tf.squeeze(block, 0)]
    # SPLIT takes no booleans.
    if row_shape.rank == 2 and row_shape.is_fully_defined() and block.dtype != tf.bool:
        batch, width = row_shape
        return list(tf.split(tf.reshape(block, [count * batch, width]), count, axis=0))
    return list(tf.unstack(block, count, axis=0))


def _select(keep: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """new where keep holds, else old; keep (B,) or (B, ...) is broadcast over trailing axes."""
    for _ in range(new.shape.rank - keep.shape.rank):
        keep = tf.expand_dims(keep, -1)
    result = tf.where(keep, new, old)
    result.set_shape(_common(new.shape, old.shape))
    return result


def _write(buffer: Tensor, rows: Sequence[Tensor], t: Tensor) -> Tensor:
    """Write rows (B, ...) into buffer (T, B, ...) from index t on."""
    block = tf.stack(list(rows), 0) if len(rows) > 1 else tf.expand_dims(rows[0], 0)
    begin = tf.stack([t] + [0] * (buffer.shape.rank - 1))
    updated = gen_xla_ops.xla_dynamic_update_slice(input=buffer, update=block, indices=begin)
    updated.set_shape(buffer.shape)
    return updated
