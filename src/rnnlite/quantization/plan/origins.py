"""The large constants of a model that stand-ins may replace, and the size of each stand-in.

What enters: a float model; then, after each walk through the model, the stand-ins that the walk
found too small. What leaves: the sizes, and at last the model with the stand-ins in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.lite.ir import Model, Op, Value
from rnnlite.quantization.params import Array, Range
from rnnlite.quantization.plan.cases import Constant
from rnnlite.quantization.plan.paths import ARITHMETIC, MOVED

LARGE = 50.0
"""A constant of this size may stand for infinity: exp(-50) is 2e-22."""

FIRST_SIZE = 8.0
ROUNDS = 60
"""How often sizes may grow, before constants are left as they are."""


@dataclass(eq=False)
class Origin:
    """A large constant as the operand of one op; or a LOG, which makes minus infinity of 0."""

    op: Op
    operand: int
    least: float
    group: int


class Origins:
    """All large constants, which of them are to be replaced, and by what size."""

    def __init__(self, model: Model) -> None:
        self.known: dict[tuple[Op, int], int] = {}
        self.numbers: dict[tuple[Op, int], int] = {}
        self.listed: list[Origin] = []
        self.sizes: dict[int, float] = {}
        self.rounds = 0
        self.written: dict[Value, Range] = {}
        self.constants: dict[Value, Constant | None] = {}
        for op in model.ops():
            if op.kind in MOVED or op.kind in ARITHMETIC or op.kind == "WHILE":
                for k, value in enumerate(op.inputs):
                    found = None if value is None else self.constant(value)
                    floats = value is not None and value.type == "float32"
                    if found is not None and found.far and floats:
                        self._enter(op, k, min(map(abs, found.far)))
            if op.kind == "LOG":
                self._enter(op, -1, np.inf)

    def _enter(self, op: Op, operand: int, least: float) -> None:
        number = len(self.listed)
        self.known[op, operand] = self.numbers[op, operand] = number
        self.listed.append(Origin(op, operand, least, number))
        self.sizes[number] = FIRST_SIZE

    def size(self, op: Op, operand: int) -> tuple[int, float] | None:
        """The number and size of the stand-in for an operand; None where the operand stays."""
        number = self.known.get((op, operand))
        if number is None:
            return None
        return number, self.sizes[self.listed[number].group]

    def constant(self, value: Value) -> Constant | None:
        """What a constant holds; None for any other value."""
        if value not in self.constants:
            values = constant_values(value)
            self.constants[value] = None if values is None else Constant.of(values, LARGE)
        return self.constants[value]

    def drop(self, numbers: frozenset[int]) -> None:
        """Keep the constants of these numbers: they get no stand-in."""
        self.known = {k: n for k, n in self.known.items() if n not in numbers}

    def enlarge(
        self, meetings: Iterable[frozenset[int]], lacking: Mapping[frozenset[int], float]
    ) -> bool:
        """Enlarge stand-ins. Constants that meet in one op get the same size.

        Args:
            meetings: sets of numbers of constants that meet in one op.
            lacking: numbers of constants -> by how much their stand-ins are too small for an end.

        Returns:
            whether anything changed.
        """
        changed = False
        for together in meetings:
            groups = {self.listed[n].group for n in together}
            if len(groups) > 1:
                changed = True
                first = min(groups)
                self.sizes[first] = max(self.sizes[g] for g in groups)
                for origin in self.listed:
                    if origin.group in groups:
                        origin.group = first
        self.rounds += 1
        for numbers, more in lacking.items():
            changed = True
            factor = 1.01 if self.rounds < ROUNDS // 6 else 4.0
            for group in {self.listed[n].group for n in numbers}:
                self.sizes[group] += factor * more
                least = min(o.least for o in self.listed if o.group == group)
                if self.rounds > ROUNDS or self.sizes[group] > 0.5 * least:
                    self.drop(frozenset(n for n in numbers if self.listed[n].group == group))
        return changed

    def write(self, logarithms: Mapping[int, tuple[float, float]]) -> dict[Op, Op]:
        """Write the stand-ins into the model; gives the ops that were replaced, by old -> new.

        Args:
            logarithms: number of a LOG whose operand holds two values -> these values.
        """
        for (_, operand), number in self.known.items():
            if operand >= 0:
                self._write_constant(self.listed[number])
        return {
            self.listed[n].op: self._write_log(self.listed[n], *held)
            for n, held in logarithms.items()
        }

    def _write_constant(self, origin: Origin) -> None:
        value = origin.op.input(origin.operand)
        values = constant_values(value)
        if values is None:
            raise InternalError("a constant without content")
        size = self.sizes[origin.group]
        softer = np.where(np.abs(values) >= LARGE, np.copysign(size, values), values)
        made = value.graph.constant(softer.astype(np.float32), name=value.name)
        origin.op.set_input(origin.operand, made)

    def _write_log(self, origin: Origin, low: float, high: float) -> Op:
        """log(m), of an m that has two values, the larger one 1: (m - high) * slope."""
        op = origin.op
        x, y = op.input(0), op.output
        graph = x.graph
        reach = -np.log(low) if low > 0.0 else self.sizes[origin.group]
        less = graph.like(x)
        self.written[less] = (low - high, 0.0)
        largest = graph.constant(np.array(high, np.float32))
        slope = graph.constant(np.array(reach / (high - low), np.float32))
        difference = graph.op("SUB", [x, largest], [less], options={})
        graph.replace(op, difference, graph.op("MUL", [less, slope], [y], options={}))
        return difference


def constant_values(value: Value) -> Array | None:
    """The content of a constant of numbers, None for anything else."""
    return value.constant("float32", "int32", "int64")
