"""The large constants of a model that stand-ins may replace, and the size of each stand-in.

What enters: a float model, then what each walk through it found too small. What leaves: the sizes,
and in the end the model with the stand-ins written into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_op, new_tensor
from rnnlite.lite.trees import Place
from rnnlite.quantization.grid import Array, Range
from rnnlite.quantization.plan.cases import Constant
from rnnlite.quantization.plan.ways import ARITHMETIC, MOVED

LARGE = 50.0
"""A constant of this size may stand for infinity: exp(-50) is 2e-22."""

FIRST_SIZE = 8.0
ROUNDS = 60
"""Times that sizes may grow."""


@dataclass(eq=False)
class Origin:
    """A large constant where an op reads it, or a LOG, whose 0 becomes minus infinity."""

    subgraph: int
    op: Any
    operand: int
    least: float
    group: int


class Origins:
    """All large constants, which of them are to be replaced, and by what size."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.known: dict[tuple[int, int], int] = {}
        self.numbers: dict[tuple[int, int], int] = {}
        self.listed: list[Origin] = []
        self.sizes: dict[int, float] = {}
        self.rounds = 0
        self.written: dict[Place, Range] = {}
        self.constants: dict[Place, Constant | None] = {}
        for s, op, name in flatbuffer.operators(model):
            if name in MOVED or name in ARITHMETIC or name == "WHILE":
                for k, t in enumerate(map(int, op.inputs)):
                    found = self.constant((s, t))
                    floats = found and flatbuffer.dtype_name(model.subgraphs[s].tensors[t])
                    if found is not None and found.far and floats == "float32":
                        self._enter(s, op, k, min(map(abs, found.far)))
            if name == "LOG":
                self._enter(s, op, -1, np.inf)

    def _enter(self, subgraph: int, op: Any, operand: int, least: float) -> None:
        number = len(self.listed)
        self.known[id(op), operand] = self.numbers[id(op), operand] = number
        self.listed.append(Origin(subgraph, op, operand, least, number))
        self.sizes[number] = FIRST_SIZE

    def size(self, op: Any, operand: int) -> tuple[int, float] | None:
        """Number and size of the stand-in of what an op reads there; None to leave it."""
        number = self.known.get((id(op), operand))
        if number is None:
            return None
        return number, self.sizes[self.listed[number].group]

    def constant(self, place: Place) -> Constant | None:
        """What a constant holds; None for any other tensor."""
        if place not in self.constants:
            values = constant_values(self.model, place)
            self.constants[place] = None
            if values is not None and values.size:
                self.constants[place] = Constant.of(values, LARGE)
        return self.constants[place]

    def drop(self, numbers: frozenset[int]) -> None:
        """Leave these as they are."""
        self.known = {k: n for k, n in self.known.items() if n not in numbers}

    def enlarge(
        self, meetings: Iterable[frozenset[int]], lacking: Mapping[frozenset[int], float]
    ) -> bool:
        """Give constants that meet one size, and more where an end asks for it.

        Args:
            meetings: the numbers of constants that one op reads.
            lacking: by how much those of these numbers are too small.

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

    def write(self, logarithms: Mapping[int, tuple[float, float]]) -> tuple[tuple[int, int], ...]:
        """Put the stand-ins into the model; gives where an op was added.

        Args:
            logarithms: for each LOG whose operand has two values, these.
        """
        for (_, operand), number in self.known.items():
            if operand >= 0:
                self._write_constant(self.listed[number])
        chosen = [(self.listed[n], held) for n, held in logarithms.items()]
        added = tuple(
            (origin.subgraph, next(k for k, o in enumerate(self._ops(origin)) if o is origin.op))
            for origin, _ in chosen
        )
        for origin, held in chosen:
            self._write_log(origin, *held)
        return added

    def _write_constant(self, origin: Origin) -> None:
        content = self.model.subgraphs[origin.subgraph]
        index = int(origin.op.inputs[origin.operand])
        values = constant_values(self.model, (origin.subgraph, index))
        if values is None:
            raise AssertionError("a constant without content")
        size = self.sizes[origin.group]
        softer = np.where(np.abs(values) >= LARGE, np.copysign(size, values), values)
        inputs = [int(t) for t in origin.op.inputs]
        inputs[origin.operand] = new_constant(
            self.model, content, softer.astype(np.float32), name=content.tensors[index].name
        )
        origin.op.inputs = inputs

    def _ops(self, origin: Origin) -> Sequence[Any]:
        found: Sequence[Any] = self.model.subgraphs[origin.subgraph].operators
        return found

    def _write_log(self, origin: Origin, low: float, high: float) -> None:
        """log(m), of an m that has two values, the larger one 1: (m - high) * slope."""
        content = self.model.subgraphs[origin.subgraph]
        x, y = int(origin.op.inputs[0]), int(origin.op.outputs[0])
        reach = -np.log(low) if low > 0.0 else self.sizes[origin.group]
        less = new_tensor(content, x, "float32")
        self.written[origin.subgraph, less] = (low - high, 0.0)
        largest = new_constant(self.model, content, np.array(high, np.float32))
        slope = new_constant(self.model, content, np.array(reach / (high - low), np.float32))
        ops = list(content.operators)
        place = next(k for k, op in enumerate(ops) if op is origin.op)
        ops[place : place + 1] = [
            new_op(self.model, "SUB", [x, largest], [less], options="SubOptions"),
            new_op(self.model, "MUL", [less, slope], [y], options="MulOptions"),
        ]
        content.operators = ops


def constant_values(model: Any, place: Place) -> Array | None:
    """The content of a constant of numbers, None for anything else."""
    if place[1] < 0:
        return None
    tensor = model.subgraphs[place[0]].tensors[place[1]]
    data = flatbuffer.content(model, tensor)
    dtype = flatbuffer.dtype_name(tensor)
    if data is None or dtype not in ("float32", "int32", "int64"):
        return None
    values: Array = np.frombuffer(np.asarray(data, np.uint8).tobytes(), dtype)
    return values.reshape([int(d) for d in (tensor.shape if tensor.shape is not None else [])])
