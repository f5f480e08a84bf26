"""Values that mark what is masked in an input, such as -999: no values to make room for.

What enters: the float model and the samples. What leaves: the range of each such input without its
marked elements.

An input has a marker where it is compared with one constant, and every other use of it is behind
that comparison: a product with 0, or a SELECT of something else, wherever the marker stands. What a
marker is beyond the range of all other values, saturates to the end of the grid; the constant
that it is compared with does the same. The range is a little wider on that side, so that no other
value of the range rounds to that end. Calibration need not have seen a marker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import Place
from rnnlite.quantization.grid import Array, Range
from rnnlite.quantization.plan.plan import constant, is_float

RESERVED = 1 / 200
"""How much of its width a range is extended by towards a marker: more than one int8 step."""

SAME_PLACES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE", "CAST", "BROADCAST_TO", "TILE")
"""Ops that keep what a truth value says, wherever they move it."""

LOOKS = ("SHAPE", "RANK")


def marked_ranges(model: Any, samples: Sequence[Sequence[Array]]) -> dict[Place, Range]:
    """The inputs with a marker beyond the range of what is not marked, and that range.

    Args:
        model: the float model.
        samples: the calibration data, without batch axis.
    """
    ranges: dict[Place, Range] = {}
    for number, index in enumerate(map(int, model.subgraphs[0].inputs)):
        use = _Uses(model, index).found() if is_float(model, (0, index)) else None
        if use is None:
            continue
        values = _range(use, [np.asarray(row[number]) for row in samples])
        if values is not None:
            ranges[0, index] = values
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

    def __init__(self, model: Any, index: int) -> None:
        self.model = model
        self.content = model.subgraphs[0]
        self.index = index
        self.truths: dict[int, tuple[bool, bool]] = {}
        self.markers: set[float] = set()
        self.by_step = False

    def found(self) -> _Use | None:
        """The marker; None where there is none, or where something needs the values themselves."""
        if self.index in map(int, self.content.outputs):
            return None
        for op in self.content.operators or []:
            name = flatbuffer.op_name(self.model, op)
            inputs = [int(t) for t in op.inputs]
            if self.index in inputs:
                if name not in LOOKS and not self._reader(op, name, inputs):
                    return None
            elif inputs and inputs[0] in self.truths:
                self._truth(op, name, inputs)
        return _Use(self.markers.pop(), self.by_step) if len(self.markers) == 1 else None

    def _reader(self, op: Any, name: str, inputs: list[int]) -> bool:
        """Go on from an op that reads the input; False if it needs its values."""
        if name in ("EQUAL", "NOT_EQUAL"):
            return self._comparison(op, name, inputs)
        return any(self._hides(name, inputs))

    def _comparison(self, op: Any, name: str, inputs: list[int]) -> bool:
        other = next((t for t in inputs if t != self.index), -1)
        values = constant(self.model, (0, other))
        if values is None or values.size != 1:
            return False
        self.markers.add(float(values.reshape(-1)[0]))
        self.truths[int(op.outputs[0])] = (name == "EQUAL", False)
        return True

    def _hides(self, name: str, inputs: list[int]) -> Iterator[bool]:
        """Whether an op makes something else of what is marked."""
        if name == "MUL":
            for x, mask in (inputs, inputs[::-1]):
                known = self.truths.get(mask)
                yield x == self.index and self._said(known, at_marker=False)
        if name in ("SELECT", "SELECT_V2"):
            known = self.truths.get(inputs[0])
            if known is not None:
                taken = inputs[1] if known[0] else inputs[2]
                yield taken != self.index and self._said(known, at_marker=known[0])

    def _said(self, known: tuple[bool, bool] | None, *, at_marker: bool) -> bool:
        if known is None or known[0] is not at_marker:
            return False
        self.by_step = self.by_step or known[1]
        return True

    def _truth(self, op: Any, name: str, inputs: list[int]) -> None:
        """Go on with what a truth value is wherever the marker stands."""
        at_marker, by_step = self.truths[inputs[0]]
        result = int(op.outputs[0])
        if name == "LOGICAL_NOT":
            self.truths[result] = (not at_marker, by_step)
        elif name in SAME_PLACES:
            self.truths[result] = (at_marker, by_step)
        elif name in ("REDUCE_ANY", "REDUCE_ALL") and not by_step and self._is_last(inputs):
            self.truths[result] = (at_marker, True)

    def _numbers(self, index: int) -> list[int]:
        tensor = self.content.tensors[index]
        data = flatbuffer.content(self.model, tensor)
        if data is None or flatbuffer.dtype_name(tensor) != "int32":
            return []
        found: list[int] = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.int32).tolist()
        return found

    def _is_last(self, inputs: list[int]) -> bool:
        rank = len(self.content.tensors[inputs[0]].shape)
        return [a % rank for a in self._numbers(inputs[1])] == [rank - 1]
