"""Lower a loop that was read as a recurrence: as a Scan over its sequences.

What enters: a `Loop`. What leaves: the values behind the loop; or `NotAScan` with the reason.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.frontends.tensorflow.cell import GraphCell
from rnnlite.frontends.tensorflow.emit import Emitter
from rnnlite.frontends.tensorflow.kinds import describe, weight_names
from rnnlite.frontends.tensorflow.loop import Loop, Value
from rnnlite.frontends.tensorflow.nodes import name_of
from rnnlite.frontends.tensorflow.reading import Reading, read
from rnnlite.lowering.lower import lower
from rnnlite.scan.scan import Lowered, Recurrence, Scan


def run_scan(emitter: Emitter, loop: Loop) -> list[Value]:
    """Lower a loop as a Scan.

    Raises:
        NotAScan: with the reason.
    """
    reading = read(emitter, loop)
    given = dict(loop.constants)
    for k in reading.invariants:
        given[loop.arguments[k]] = loop.initial[k]
    outside = emitter if loop.graph is emitter.graph else None
    invariant = Emitter(emitter.session, loop.graph, given, outside)
    cell = GraphCell(
        invariant=invariant,
        states=[loop.arguments[k] for k in reading.states],
        rows={r: len(array.rows().shape) - 1 for r, array in reading.rows.items()},
        counters={loop.arguments[k]: start for k, start in reading.counters.items()},
        updates=[loop.updates[k] for k in reading.states],
        outputs=[row for k, row in reading.written.items() if loop.wanted[k]],
        name=loop.name,
    )
    sequences = [_rows(_first(a, reading.count)) for a in reading.rows.values()]
    time = tf.reshape(tf.range(reading.count), [-1, 1])
    static = tf.get_static_value(tf.convert_to_tensor(reading.count))
    if static is not None:
        time.set_shape([int(static), 1])
    last = _only_last(loop, reading)
    scan = Scan(
        cell=cell,
        inputs=(*sequences, time),
        initial_states=tuple(loop.initial[k] for k in reading.states),
        all_outputs=bool(cell.outputs) and not last,
        last_output=last,
        batched=False,
        name=loop.name,
    )
    weights = weight_names(emitter, loop, [*cell.updates, *cell.outputs])
    cell.prepare(scan.inputs, scan.initial_states)
    result, schedule = lower(scan, emitter.session.options)
    emitter.session.lowered.append(Lowered(scan, result, schedule.unroll, schedule.turns))
    kind, units = describe(cell)
    emitter.session.record(
        id(loop.graph.nodes[name_of(loop.arguments[0])]),
        Recurrence(
            name=label_of(loop.name),
            kind=kind,
            units=units,
            direction="backward" if any(map(_reversed, sequences)) else "forward",
            outputs="all" if scan.all_outputs else "last",
            masked=False,
            hoisted=cell.hoisted,
            unroll=schedule.unroll,
            turns=schedule.turns,
            schedule=str(schedule),
            weights=", ".join(weights),
        ),
    )
    return _behind(loop, reading, result)


def _only_last(loop: Loop, reading: Reading) -> bool:
    """Whether of all that the loop writes the last rows alone are read, and none is padding."""
    written = [k for k in reading.written if loop.wanted[k]]
    return bool(written) and all(
        loop.last[k]
        and (loop.initial[k].size is reading.count or _same(loop.initial[k], reading.count))
        for k in written
    )


def label_of(name: str) -> str:
    """The name of a loop without what tf.while_loop adds to it."""
    return name.removesuffix("/while_context").removesuffix("/while") or name


def _reversed(tensor: Any) -> bool:
    """Whether a sequence is turned round in front of the loop."""
    while tensor.op.type in ("Reshape", "Transpose", "Identity", "Cast", "Slice", "StridedSlice"):
        tensor = tensor.op.inputs[0]
    return tensor.op.type in ("ReverseV2", "ReverseSequence")


def _rows(sequence: Any) -> Any:
    """Numbers, one a time step, as rows of one."""
    return tf.reshape(sequence, [-1, 1]) if sequence.shape.rank == 1 else sequence


def _behind(loop: Loop, reading: Reading, result: Any) -> list[Value]:
    """The values of all variables behind the loop."""
    values: list[Value] = list(loop.initial)
    for k, state in zip(reading.states, result.states, strict=True):
        values[k] = state
    for k, start in reading.counters.items():
        values[k] = start + reading.count
    for k, same in reading.last.items():
        values[k] = loop.initial[k].with_content(tf.expand_dims(values[same], 0))
    if result.outputs is None:
        # The last row stands for all of them: nothing else is read.
        for k, row in zip((k for k in reading.written if loop.wanted[k]), result.last, strict=True):
            values[k] = loop.initial[k].with_content(tf.expand_dims(row, 0))
        return values
    outputs = iter(result.outputs)
    for k in reading.written:
        if loop.wanted[k]:
            values[k] = _padded(loop.initial[k], next(outputs), reading.count)
    return values


def _padded(array: Array, rows: Any, count: Any) -> Array:
    """The array with the rows that were written, and zeros up to its size."""
    if array.size is None or array.size is count:
        return array.with_content(rows)
    size, turns = tf.get_static_value(array.length()), tf.get_static_value(count)
    if size is not None and turns is not None and int(size) == int(turns):
        return array.with_content(rows)
    missing = tf.maximum(array.length() - tf.shape(rows)[0], 0)
    padding = tf.concat([[[0, missing]], tf.zeros([rows.shape.rank - 1, 2], tf.int32)], 0)
    padded = tf.pad(rows, padding)
    padded.set_shape([None if size is None else int(size), *rows.shape[1:]])
    return array.with_content(padded)


def _first(array: Array, count: Any) -> Any:
    """The rows that the loop reads."""
    rows = array.rows()
    if array.size is count or _same(array, count):
        return rows
    return rows[:count]


def _same(array: Array, count: Any) -> bool:
    size, turns = tf.get_static_value(array.length()), tf.get_static_value(count)
    return size is not None and turns is not None and int(size) == int(turns)
