"""Lower a loop that was read as a Scan.

What enters: the `Raised` Scan that `rnnlite.loops` gives. What leaves: the values of the loop's
variables behind the loop.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, cast

import tensorflow as tf

from rnnlite.errors import InternalError
from rnnlite.frontends.tensorflow.arrays import Array, Value
from rnnlite.frontends.tensorflow.emit import Emission
from rnnlite.loops import Loop, Raised, Reading, Variable
from rnnlite.lowering.lower import lower
from rnnlite.scan.scan import Lowered, Recurrence, Scan, ScanResult
from rnnlite.scan.tensors import Count, Tensor


def run_scan(emission: Emission, loop: Loop, raised: Raised, place: Hashable) -> list[Value]:
    """Lower a Scan and report it.

    Args:
        emission: takes the record of the recurrence.
        loop: the loop in the graph.
        raised: the Scan that was read from the loop.
        place: the place of the loop in the source; the report has one recurrence for each place.

    Returns:
        the values of the loop's variables behind it, in their order.
    """
    scan = raised.scan
    kind, units = raised.cell.describe()
    *sequences, _ = scan.inputs
    about = Recurrence(
        name=label_of(loop.name),
        kind=kind,
        units=units,
        direction="backward" if any(map(_reversed, sequences)) else "forward",
        outputs="all" if scan.all_outputs else "last",
        masked=False,
        hoisted=raised.cell.hoisted,
        weights=", ".join(raised.weights),
    )
    return _behind(loop, raised, lower_named(emission, scan, place, about))


def lower_named(emission: Emission, scan: Scan, place: Hashable, about: Recurrence) -> ScanResult:
    """Lower a Scan under its name, and report it.

    Args:
        emission: takes the record of the recurrence.
        scan: the Scan. Its ops are put into a name scope with the name of the record, because no
            scope is open where the nodes of a graph are emitted.
        place: the place of the loop in the source, as in `Emission.record`.
        about: the record of the recurrence, without its schedule.
    """
    outer = tf.compat.v1.get_default_graph().get_name_scope()
    # With the slash at its end the scope is this one, whether or not there are ops in it already.
    with tf.name_scope("/".join(filter(None, (outer, about.name))) + "/"):
        result, schedule = lower(scan, emission.options)
    record = replace(
        about,
        unroll=schedule.unroll,
        thresholds=schedule.thresholds,
        schedule=str(schedule),
    )
    emission.lowered.append(Lowered(scan, result, schedule.unroll, schedule.thresholds, record))
    emission.record(place, record)
    return result


def label_of(name: str) -> str:
    """The name of a loop without what tf.while_loop adds to it."""
    return name.removesuffix("/while_context").removesuffix("/while") or name


def _reversed(tensor: Tensor) -> bool:
    """Whether a sequence is turned round in front of the loop."""
    while tensor.op.type in ("Reshape", "Transpose", "Identity", "Cast", "Slice", "StridedSlice"):
        tensor = tensor.op.inputs[0]
    return tensor.op.type in ("ReverseV2", "ReverseSequence")


def _behind(loop: Loop, raised: Raised, result: ScanResult) -> list[Value]:
    """The values of all variables behind the loop."""
    reading = raised.reading
    values: dict[Variable, Value] = {v: cast(Value, v.initial) for v in loop.variables}
    values.update(zip(reading.states, result.states, strict=True))
    for variable, start in reading.counters.items():
        values[variable] = tf.cast(reading.count, start.dtype) + start
    for variable, same in reading.last.items():
        values[variable] = _array(variable).with_content(tf.expand_dims(values[same], 0))
    if result.outputs is None:
        # The last row stands for all of them: nothing else is read.
        for variable, row in zip(raised.outputs, result.last, strict=True):
            values[variable] = _array(variable).with_content(tf.expand_dims(row, 0))
    else:
        for variable, rows in zip(raised.outputs, result.outputs, strict=True):
            values[variable] = _padded(_array(variable), rows, reading)
    return [values[v] for v in loop.variables]


def _array(variable: Variable) -> Array:
    if not isinstance(variable.initial, Array):
        raise InternalError(f"'{variable.argument}' is no array")
    return variable.initial


def _padded(array: Array, rows: Tensor, reading: Reading) -> Array:
    """The array with the rows that were written, and zeros up to its size."""
    count: Count = reading.count
    if array.size is None or array.size is count:
        return array.with_content(rows)
    size: Any = tf.get_static_value(array.length())
    known = tf.get_static_value(count)
    if size is not None and known is not None and int(size) == int(known):
        return array.with_content(rows)
    missing = tf.maximum(array.length() - tf.shape(rows)[0], 0)
    padding = tf.concat([[[0, missing]], tf.zeros([len(rows.shape) - 1, 2], tf.int32)], 0)
    padded = tf.pad(rows, padding)
    padded.set_shape([None if size is None else int(size), *rows.shape[1:]])
    return array.with_content(padded)
