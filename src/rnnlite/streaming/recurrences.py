"""Recurrences, lowered again: their states come from the chunk before and go to the next one.

What enters: the emitter, and a recurrence of the whole sequence's function (`Lowered`). What
leaves: what its results are for a chunk.
"""

from __future__ import annotations

from dataclasses import replace

import tensorflow as tf

from rnnlite.lowering.lower import lower
from rnnlite.lowering.tensors import is_zero
from rnnlite.scan.scan import Lowered, Scan, ScanResult, Tensor
from rnnlite.streaming.emit import Emitter, scope_of
from rnnlite.streaming.reductions import last_row
from rnnlite.streaming.replay import ReplayedCell
from rnnlite.streaming.timed import aligned, batch_axis_of, count_of
from rnnlite.streaming.values import SoFar, Static, Timed, Value, refused

BIDIRECTIONAL = "(Bidirectional)"
"""In the words for a layer that is wrapped: a refusal names the wrapper, which the user made."""

NAMES = {"LSTM": ("h", "c"), "ConvLSTM": ("h", "c"), "GRU": ("h",), "SimpleRNN": ("h",)}


def emit_scan(emitter: Emitter, lowered: Lowered) -> list[Value]:
    """The results of a recurrence, in the order of `ScanResult.tensors`.

    Raises:
        StreamingError: it runs backwards, or needs more of the sequence than has come.
    """
    scan = lowered.scan
    where = f"recurrence '{scan.name}' ({scan.cell.kind})"
    if scan.reverse:
        within = emitter.around(lowered.result.states[0].op)
        where += f" of {within}" if BIDIRECTIONAL in within else ""
        raise refused(where, "it runs backwards, from the end of the sequence")
    scan = _replayable(emitter, lowered, where)
    inputs, keep = _inputs(emitter, scan, where)
    rows = inputs[0].rows
    there = None
    if not emitter.clock.all_there(rows):
        there = emitter.clock.there(rows, count_of(inputs[0]))
    with tf.name_scope(scope_of(lowered.result.states[0].op.name)):
        states = _States(emitter, scan, where)
        # A step that is not there is masked, and its output zero. Where such steps may come last,
        # the last output is looked for among all of them, below.
        zeroed = scan.zero_output_for_mask and there is not None and scan.last_output
        again = replace(
            scan,
            inputs=tuple(v.tensor for v in inputs),
            initial_states=tuple(states.tensors),
            mask=_mask(keep, there, inputs[0].tensor, scan),
            all_outputs=scan.all_outputs or zeroed,
            last_output=scan.last_output and not zeroed,
            previous=states.previous(),
        )
        result, _ = lower(again, emitter.options)
        emitter.note_lowered(lowered.result, result)
        states.give(result)
        found = list(result.outputs or ())
        last = [SoFar(y, rows) for y in result.last] if scan.last_output else []
        if zeroed:
            op = scan.inputs[0].op
            last = [last_row(emitter, op, Timed(y, rows), single=True) for y in found]
    outputs = [Timed(y, rows) for y in found] if scan.all_outputs else []
    return [*last, *outputs, *(SoFar(y, rows) for y in result.states)]


def _replayable(emitter: Emitter, lowered: Lowered, where: str) -> Scan:
    """The Scan with a cell that can be lowered in another graph."""
    scan, traced = lowered.scan, lowered.result.step
    if traced is None:
        return scan
    cell = ReplayedCell(emitter, traced, scan.cell.kind, scan.cell.units, where)
    return replace(scan, cell=cell, inputs=traced.projected)


def _inputs(emitter: Emitter, scan: Scan, where: str) -> tuple[list[Timed], Tensor | None]:
    """What it reads at each step, rows of one lateness; and its mask, or None."""
    read = [*scan.inputs, *([] if scan.mask is None else [scan.mask])]
    values = [emitter.value(x) for x in read]
    timed = [v for v in values if isinstance(v, Timed)]
    if len(timed) < len(values) or any(v.rows.axis for v in timed):
        raise refused(where, "it runs over something else than the steps of the inputs")
    late, rows = aligned(emitter, scan.inputs[0].op, timed)
    late = [replace(v, rows=rows) for v in late]
    return late[: len(scan.inputs)], None if scan.mask is None else late[-1].tensor


def _mask(keep: Tensor | None, there: Tensor | None, x: Tensor, scan: Scan) -> Tensor | None:
    """The mask (T, B, ...) of the steps that are taken, or (T,); None where all are."""
    if there is None:
        return keep
    if keep is None and isinstance(scan.cell, ReplayedCell):
        # Its states may have any shape.
        return there
    flags = tf.reshape(there, [-1, 1, 1])
    if keep is not None:
        rank = len(keep.shape)
        return tf.logical_and(keep, tf.reshape(there, [-1, *[1] * (rank - 1)]))
    batch = x.shape[1]
    size = tf.shape(x)[1] if batch is None else int(batch)
    mask = flags if batch == 1 else tf.tile(flags, [1, size, 1])
    mask.set_shape([x.shape[0], batch, 1])
    return mask


class _States:
    """The states of one recurrence between chunks.

    Attributes:
        tensors: as this chunk finds them.
    """

    def __init__(self, emitter: Emitter, scan: Scan, where: str) -> None:
        self._emitter, self._scan, self._where = emitter, scan, where
        self._names: list[str] = []
        self.tensors: list[Tensor] = []
        known = NAMES.get(scan.cell.kind, ())
        for k, first in enumerate(scan.initial_states):
            name = known[k] if k < len(known) else f"state_{k}"
            self.tensors.append(self._state(name, first))
        self._remembered: list[tuple[str, Tensor]] = []

    def _state(self, name: str, first: Tensor) -> Tensor:
        value = self._emitter.value(first)
        if not isinstance(value, Static):
            raise refused(self._where, "the state that it starts from is known at the end alone")
        shape = tf.TensorShape(first.shape).merge_with(value.tensor.shape)
        value.tensor.set_shape(shape)
        batch = batch_axis_of(value.tensor, None, self._where)
        full, state = self._emitter.states.take(
            self._scan.name, name, shape.as_list(), first.dtype, batch_axis=batch
        )
        self._names.append(full)
        if is_zero(first):
            return state
        begins = tf.reshape(self._emitter.clock.begins(), [1] * len(shape))
        state = tf.where(begins, value.tensor, state)
        state.set_shape(shape)
        return state

    def previous(self) -> tuple[Tensor, ...] | None:
        """The output of the step before the chunk, which a masked step repeats."""
        scan = self._scan
        same = scan.cell.output_is_state
        kept = scan.mask is not None and not scan.zero_output_for_mask
        if same is not None and not (kept and not is_zero(scan.initial_states[same])):
            return (self.tensors[same],)
        if same is not None:
            shapes = [(self.tensors[same].shape, self.tensors[same].dtype)]
        elif (kept or scan.last_output) and isinstance(scan.cell, ReplayedCell):
            shapes = [(y.shape, y.dtype) for y in scan.cell.outputs]
        else:
            return None
        for shape, dtype in shapes:
            batch = next((k for k, d in enumerate(shape) if d is None), None)
            taken = self._emitter.states.take(
                scan.name, "output", shape.as_list(), dtype, batch_axis=batch
            )
            self._remembered.append(taken)
        return tuple(state for _, state in self._remembered)

    def give(self, result: ScanResult) -> None:
        """What the chunk leaves."""
        for name, state in zip(self._names, result.states, strict=True):
            self._emitter.states.give(name, state)
        for (name, _), y in zip(self._remembered, result.last, strict=False):
            self._emitter.states.give(name, y)
