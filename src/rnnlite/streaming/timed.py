"""What can be done to the rows of a chunk: kept for the next one, given later, blotted out.

What enters and leaves: `Timed` values in the function of a chunk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.lengths.sizes import Size
from rnnlite.lengths.values import evaluate
from rnnlite.scan.scan import Tensor
from rnnlite.streaming.emit import FAR, TIME, Emitter, key_of
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.values import Fold, Timed, refused

FOLDS = "it reshapes time and other axes into one"
"""Why a RESHAPE is refused that folds time into one axis with others, where a reader of the result
needs time as an axis of its own."""


def count_of(value: Timed) -> Any:
    """How many rows a chunk gives: an int, or a scalar."""
    axis = value.rows.axis
    size = value.tensor.shape[axis]
    return tf.shape(value.tensor)[axis] if size is None else int(size)


def along(axis: int, begin: int | None, end: int | None, step: int | None = None) -> Any:
    """An index that slices one axis."""
    return (*[slice(None)] * axis, slice(begin, end, step))


def batch_axis_of(tensor: Tensor, time: int | None, where: str) -> int | None:
    """The free axis of a state's tensor.

    Raises:
        StreamingError: there are several.
    """
    free = [k for k, d in enumerate(tensor.shape) if d is None and k != time]
    if len(free) > 1:
        raise refused(
            where,
            "what it keeps has more than one axis of free size",
            found=str(tensor.shape),
        )
    return free[0] if free else None


def with_kept(
    emitter: Emitter, op: Any, name: str, value: Timed, count: int, initial: float = 0.0
) -> Tensor:
    """The rows of a chunk with the last `count` rows of the chunks before in front of them.

    Those rows are kept as a state.

    Args:
        name: of the state.
        initial: value of what stands before the first row.
    """
    x, axis = value.tensor, value.rows.axis
    if not count:
        return x
    shape = x.shape.as_list()
    shape[axis] = count
    batch = batch_axis_of(x, axis, emitter.place(op))
    full, before = emitter.states.take(
        emitter.layer(op), name, shape, x.dtype, initial=initial, batch_axis=batch
    )
    rows = tf.concat([before, x], axis)
    emitter.states.give(full, rows[along(axis, -count, None)])
    return rows


def later(emitter: Emitter, op: Any, value: Timed, count: int, initial: float = 0.0) -> Timed:
    """The same rows, `count` rows later."""
    if not count:
        return value
    key = ("later", key_of(value.tensor), value.rows, count, initial)
    delayed = emitter.made_once.get(key)
    if delayed is None:
        rows = with_kept(emitter, op, "delay", value, count, initial)
        delayed = rows[along(value.rows.axis, None, -count)]
        delayed.set_shape(value.tensor.shape)
        emitter.made_once[key] = delayed
    return replace(value, tensor=delayed, rows=replace(value.rows, delay=value.rows.delay + count))


def final(emitter: Emitter, op: Any, value: Timed) -> Timed:
    """The same rows, late enough that none is given which the end of the sequence takes away."""
    rows = value.rows
    return later(emitter, op, value, max(-(rows.add // rows.stride) - rows.delay, 0))


def steady(size: Size) -> int | None:
    """A size that is the same for all long sequences of whole chunks; None of any other."""
    near, far = (evaluate(size, {TIME: n}) for n in (FAR, 2 * FAR))
    return near if near == far else None


def spread(flags: Tensor, axis: int, rank: int) -> Tensor:
    """Flags (n,) with axes of size 1 around, so that n is the given axis of a tensor."""
    shape = [1] * rank
    shape[axis] = -1
    return tf.reshape(flags, shape)


def filled(emitter: Emitter, value: Timed, pad: float = 0.0) -> Timed:
    """The rows of a chunk, those that are not there replaced by the number `pad`."""
    if emitter.clock.all_there(value.rows):
        return value
    x, axis = value.tensor, value.rows.axis
    key = ("filled", key_of(x), value.rows, pad)
    found = emitter.made_once.get(key)
    if found is None:
        there = emitter.clock.there(value.rows, count_of(value))
        number = bool(pad) if x.dtype.is_bool else np.asarray(pad, x.dtype.as_numpy_dtype)
        found = tf.where(spread(there, axis, len(x.shape)), x, tf.constant(number, x.dtype))
        found.set_shape(x.shape)
        emitter.made_once[key] = found
    return replace(value, tensor=found)


def plain(emitter: Emitter, op: Any, value: Timed) -> Timed:
    """A value whose padding, noted so far (`Timed.before`), becomes rows of the tensor.

    Raises:
        StreamingError: time is folded into one axis with others, or lies in the batch (dilation).
    """
    if value.plain:
        return value
    if value.fold is not None:
        return _spread_out(emitter, op, value, value.fold)
    if value.dilation != 1:
        raise refused(emitter.place(op), f"{op.type} of places that are spread over the batch")
    found = filled(emitter, value, value.pad)
    found = later(emitter, op, found, max(value.before - value.rows.delay, 0), value.pad)
    rows = found.rows
    rows = rows.longer(value.before + value.behind)
    return Timed(found.tensor, replace(rows, delay=rows.delay - value.before))


def _spread_out(emitter: Emitter, op: Any, value: Timed, fold: Fold) -> Timed:
    """A value whose axis of time has others behind it in it, as rows of their own: so many for each
    row.

    Raises:
        StreamingError: there are others in front of it, or a number of them that is not known.
    """
    if fold.front != 1 or not isinstance(fold.behind, int):
        raise refused(fold.place, FOLDS)
    return Timed(value.tensor, unbounded(emitter, op, value).rows.spread(fold.behind))


def unbounded(emitter: Emitter, op: Any, value: Timed) -> Timed:
    """The value itself, if no input says how many rows it has (`Rows.most`).

    Raises:
        StreamingError: an input does.
    """
    if value.rows.most is not None:
        raise refused(emitter.place(op), "given numbers decide how many rows it looks at")
    return value


def each_row(emitter: Emitter, op: Any, value: Timed) -> Timed:
    """A value as an op takes it that computes each row alone: `plain`, or with time folded."""
    return value if value.fold is not None else plain(emitter, op, value)


def aligned(emitter: Emitter, op: Any, values: Sequence[Timed]) -> tuple[list[Timed], Rows]:
    """Delay values whose rows are to be combined, until all are as late as the latest.

    Time may be another axis in each value.

    Returns:
        the values, and the rows of the result.

    Raises:
        StreamingError: the values have different numbers of rows a step (strides).
    """
    values = [plain(emitter, op, v) for v in values]
    rates = {(v.rows.stride, v.rows.rate) for v in values}
    if len(rates) > 1:
        each = (str(s) if r == 1 else f"{s}/{r}" for s, r in sorted(rates))
        raise refused(
            emitter.place(op),
            "it combines rows of different rates",
            found=f"a row each {' and '.join(each)} steps",
        )
    if len({v.rows.most for v in values}) > 1:
        raise refused(emitter.place(op), "given numbers decide how many of the rows it combines")
    delay = max(v.rows.delay for v in values)
    late = [later(emitter, op, v, delay - v.rows.delay) for v in values]
    add, unit = min(v.rows.add for v in values), math.lcm(*(v.rows.unit for v in values))
    return late, replace(late[0].rows, add=add, unit=unit)
