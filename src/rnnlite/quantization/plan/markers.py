"""Leave markers out of the range of an input: values such as -999 that only mark masked steps.

What enters: the float model and the samples. What leaves: the range of each input with a marker,
without the marked elements.

An input has a marker if it is compared with one constant, and if every other use of the input drops
the marked elements by this comparison: multiplied by 0, or replaced by a SELECT. A marker beyond
the range of all other values saturates to the smallest or largest integer, and so does the constant
that the input is compared with. The range is made a little wider on this side, so that no other
value rounds to the same integer. Calibration need not have seen a marker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.params import Array, Range

RESERVED = 1 / 200
"""A range is extended towards a marker by this part of its width: more than one int8 step."""

SAME_PLACES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST", "BROADCAST_TO", "TILE")
"""Ops that move the truth values of a comparison, and do not change them."""

SHAPE_ONLY = ("SHAPE", "RANK")


def marked_ranges(model: Model, samples: Sequence[Sequence[Array]]) -> dict[Value, Range]:
    """Inputs with a marker beyond the range of all other values -> the range of the other values.

    Args:
        model: the float model.
        samples: the calibration data, without batch axis.
    """
    ranges: dict[Value, Range] = {}
    for number, value in enumerate(model.main.inputs):
        use = _Uses(value).found() if value.type == "float32" else None
        if use is None:
            continue
        kept = _range(use, [np.asarray(row[number]) for row in samples])
        if kept is not None:
            ranges[value] = kept
    return ranges


@dataclass(frozen=True)
class _Use:
    """How an input is marked.

    Attributes:
        marker: the value.
        by_step: whether all features of a time step must have it.
    """

    marker: float
    by_step: bool


def _range(use: _Use, arrays: Sequence[Array]) -> Range | None:
    """The range of what is not marked, if the marker is beyond it."""
    low, high = np.inf, -np.inf
    for array in arrays:
        marked = array.astype(np.float32) == np.float32(use.marker)
        if use.by_step:
            marked = np.broadcast_to(marked.all(axis=-1, keepdims=True), array.shape)
        kept = array[~marked]
        low, high = min(low, kept.min(initial=np.inf)), max(high, kept.max(initial=-np.inf))
    if not low <= high or low <= use.marker <= high:
        return None
    low, high = float(min(low, 0.0)), float(max(high, 0.0))
    more = RESERVED * (high - low)
    return (low - more, high) if use.marker < low else (low, high + more)


class _Uses:
    """All uses of an input of the main graph."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.truths: dict[Value, tuple[bool, bool]] = {}
        self.markers: set[float] = set()
        self.by_step = False

    def found(self) -> _Use | None:
        """The marker; None where there is none, or where an op reads the marked elements."""
        if self.value.is_result:
            return None
        for op in self.value.graph.ops:
            if self.value in op.inputs:
                if op.kind not in SHAPE_ONLY and not self._reader(op):
                    return None
            elif op.operand(0) in self.truths:
                self._follow_truth(op)
        return _Use(self.markers.pop(), self.by_step) if len(self.markers) == 1 else None

    def _reader(self, op: Op) -> bool:
        """Go on from an op that reads the input; False if it needs its values."""
        if op.kind in ("EQUAL", "NOT_EQUAL"):
            return self._comparison(op)
        return any(self._hides(op))

    def _comparison(self, op: Op) -> bool:
        other = next((v for v in op.operands if v is not self.value), None)
        values = None if other is None else other.constant("float32")
        if values is None or values.size != 1:
            return False
        self.markers.add(float(values.reshape(-1)[0]))
        self.truths[op.output] = (op.kind == "EQUAL", False)
        return True

    def _hides(self, op: Op) -> Iterator[bool]:
        """Whether an op makes something else of what is marked."""
        if op.kind == "MUL":
            for x, mask in (op.operands, op.operands[::-1]):
                known = self.truths.get(mask)
                yield x is self.value and self._said(known, at_marker=False)
        if op.kind in ("SELECT", "SELECT_V2"):
            known = self.truths.get(op.input(0))
            if known is not None:
                taken = op.input(1) if known[0] else op.input(2)
                yield taken is not self.value and self._said(known, at_marker=known[0])

    def _said(self, known: tuple[bool, bool] | None, *, at_marker: bool) -> bool:
        if known is None or known[0] is not at_marker:
            return False
        self.by_step = self.by_step or known[1]
        return True

    def _follow_truth(self, op: Op) -> None:
        """Go on with what a truth value is wherever the marker stands."""
        at_marker, by_step = self.truths[op.input(0)]
        if op.kind == "LOGICAL_NOT":
            self.truths[op.output] = (not at_marker, by_step)
        elif op.kind in SAME_PLACES:
            self.truths[op.output] = (at_marker, by_step)
        elif op.kind in ("REDUCE_ANY", "REDUCE_ALL") and not by_step and _is_last(op):
            self.truths[op.output] = (at_marker, True)


def _is_last(op: Op) -> bool:
    """Whether a reduction is over the last axis."""
    rank = op.input(0).rank
    return [a % rank for a in op.input(1).integers() or []] == [rank - 1]
