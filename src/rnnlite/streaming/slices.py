"""Rules of slices.

What enters: the emitter, an op of the whole sequence's function, and what its inputs are for a
chunk. What leaves: what its results are for a chunk (`values`), or a refusal (StreamingError).
Along other axes than time, slices are copied as they are. Along time, a slice may cut off the ends
of the sequence, take every n-th row, or take the last row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rnnlite.lengths.facts import Content
from rnnlite.lengths.sizes import Size
from rnnlite.streaming.counts import first_rows
from rnnlite.streaming.emit import Emitter, rule
from rnnlite.streaming.pointwise import as_timed
from rnnlite.streaming.reductions import last_row
from rnnlite.streaming.rows import Window
from rnnlite.streaming.timed import along, final, plain, steady, unbounded, with_kept
from rnnlite.streaming.values import TURNED, Timed, Value, refused


@dataclass(frozen=True)
class Cut:
    """What a slice takes of the axis of time.

    Attributes:
        begin, end, step: as in Python: negative places count from the end.
        single: whether one row is taken, and the result has no axis of time.
    """

    begin: int
    end: int | None
    step: int = 1
    single: bool = False


@rule("StridedSlice")
def strided_slice(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """Slices, single places, new axes and an ellipsis, as NumPy has them."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    if emitter.analysis.content(op.inputs[2]) is None:
        found = first_rows(emitter, op, value, inputs[2])
        if found is not None:
            return [found]
    sizes = emitter.sizes(op.inputs[0])
    begin, end, strides = (_content(emitter, op, k) for k in (1, 2, 3))
    masks = {
        name: int(op.get_attr(f"{name}_mask"))
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }

    def has(name: str, k: int) -> bool:
        return bool(masks[name] >> k & 1)

    wanted = sum(not (has("ellipsis", k) or has("new_axis", k)) for k in range(len(strides)))
    index: list[Any] = []
    cut: Cut | None = None
    axis = 0
    for k, step in enumerate(strides):
        if has("ellipsis", k):
            skipped = len(sizes) - wanted
            index += [slice(None)] * skipped
            axis += skipped
            continue
        if has("new_axis", k):
            index.append(None)
            continue
        if axis == value.rows.axis:
            first = 0 if has("begin", k) else begin[k]
            last = sizes[axis] if has("end", k) else end[k]
            cut = _cut(emitter, op, sizes[axis], first, last, int(step))
            cut = replace(cut, single=True) if has("shrink_axis", k) else cut
            index.append(slice(None))
        elif has("shrink_axis", k):
            index.append(emitter.number(begin[k], op))
        else:
            first = None if has("begin", k) else emitter.number(begin[k], op)
            last = None if has("end", k) else emitter.number(end[k], op)
            index.append(slice(first, last, None if step == 1 else int(step)))
        axis += 1
    moved = _moved(value.rows.axis, index, len(sizes))
    x = value.tensor[tuple(index)] if any(i != slice(None) for i in index) else value.tensor
    return [_taken(emitter, op, value.at(moved, x), cut)]


def _content(emitter: Emitter, op: Any, place: int) -> Content:
    found = emitter.analysis.content(op.inputs[place])
    if found is None:
        raise refused(emitter.place(op), "the data decide what is cut out of the sequence")
    return found


def _moved(time: int, index: list[Any], rank: int) -> int:
    """Where the axis of time is after an index."""
    axis = place = 0
    for i in [*index, *[slice(None)] * rank]:
        if i is None:
            place += 1
            continue
        if axis == time:
            return place
        axis += 1
        place += isinstance(i, slice)
    raise ValueError(time)


@rule("Slice")
def slice_(emitter: Emitter, op: Any, inputs: list[Value]) -> list[Value]:
    """A size of -1 reaches to the end."""
    value = plain(emitter, op, as_timed(emitter, op, inputs[0]))
    sizes = emitter.sizes(op.inputs[0])
    begin, size = _content(emitter, op, 1), _content(emitter, op, 2)
    time = value.rows.axis
    index: list[Any] = []
    cut: Cut | None = None
    for k, (whole, first, wanted) in enumerate(zip(sizes, begin, size, strict=True)):
        last = whole if isinstance(wanted, int) and wanted == -1 else first + wanted
        if k == time:
            cut = _cut(emitter, op, whole, first, last, 1)
            index.append(slice(None))
        else:
            end = None if last == whole else emitter.number(last, op)
            index.append(slice(None if first == 0 else emitter.number(first, op), end))
    x = value.tensor[tuple(index)] if any(i != slice(None) for i in index) else value.tensor
    return [_taken(emitter, op, value.at(time, x), cut)]


def _cut(emitter: Emitter, op: Any, whole: Size, begin: Size, end: Size, step: int) -> Cut:
    """What is taken of the axis of time, in numbers.

    Raises:
        StreamingError: it takes rows at places that the length decides.
    """
    first = begin if isinstance(begin, int) else steady(begin - whole)
    last = end if isinstance(end, int) else steady(end - whole)
    if first is not None and last is not None and step > 0:
        return Cut(first, last if isinstance(end, int) else last or None, step)
    why = TURNED if step < 0 else "it takes rows at places that the length decides"
    raise refused(emitter.place(op), why)


def _taken(emitter: Emitter, op: Any, value: Timed, cut: Cut | None) -> Value:
    if cut is None:
        return value
    if cut.begin == -1:
        return last_row(emitter, op, value, single=cut.single)
    if cut.single or cut.begin < 0 or (cut.end is not None and cut.end >= 0):
        raise refused(emitter.place(op), "it takes rows at fixed places of the sequence")
    rows = unbounded(emitter, op, value).rows
    less = cut.begin - (cut.end or 0)
    rows = replace(rows.longer(-less), delay=rows.delay + cut.begin)
    value = final(emitter, op, replace(value, rows=rows))
    return value if cut.step == 1 else _every(emitter, op, value, cut.step)


def _every(emitter: Emitter, op: Any, value: Timed, step: int) -> Timed:
    """Every n-th row, from the first on."""
    window = Window(1, step)
    kept = window.kept(value.rows)
    axis = value.rows.axis
    rows = with_kept(emitter, op, "rows", value, max(kept, 0))
    found = rows[along(axis, max(-kept, 0), None, step)]
    return Timed(found, window.over(value.rows))
