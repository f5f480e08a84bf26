"""Shapes that are computed at run time, as far as they are known beforehand.

What enters: a subgraph. What leaves: for an int32 tensor that holds sizes, each of its numbers: an
int, or a `Size` where it depends on the input. The ops that Keras and the converter compute shapes
with are followed: SHAPE, GATHER, STRIDED_SLICE, CONCATENATION, PACK, products, RESHAPE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import Array


@dataclass(frozen=True)
class Size:
    """A number that depends on the input.

    Attributes:
        tensor: whose size it is; None where it is some other number.
        axis: of it.
        key: makes numbers that nothing is known of differ.
    """

    tensor: int | None
    axis: int = 0
    key: object = field(default_factory=object)

    @classmethod
    def of(cls, tensor: int, axis: int) -> Size:
        """The size of an axis."""
        return cls(tensor, axis, None)


Number = int | Size
Numbers = list[Number] | None
"""The elements of a tensor in order; None where not even their count is known."""

LONGEST = 16
"""Longer vectors are no shapes."""


def shape_of(tensor: Any) -> list[int]:
    """The shape of a tensor, -1 where it is free."""
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return [] if shape is None else [int(d) for d in shape]


def constant_of(model: Any, content: Any, tensor: int) -> Array | None:
    """The values of a constant of integers; None for any other tensor."""
    found = content.tensors[tensor]
    data = flatbuffer.content(model, found)
    dtype = flatbuffer.dtype_name(found)
    if data is None or dtype not in ("int32", "int64"):
        return None
    numbers = np.frombuffer(np.asarray(data, np.uint8).tobytes(), dtype)
    return numbers.reshape(shape_of(found))


class Sizes:
    """Asks a subgraph for the numbers in its tensors of sizes."""

    def __init__(self, model: Any, content: Any) -> None:
        self.model, self.content = model, content
        self.makers = {int(t): op for op in content.operators or [] for t in op.outputs}
        self._known: dict[int, Numbers] = {}

    def of(self, tensor: int) -> Numbers:
        """The elements of a tensor."""
        if tensor not in self._known:
            self._known[tensor] = None
            self._known[tensor] = self._read(tensor)
        return self._known[tensor]

    def _read(self, tensor: int) -> Numbers:
        values = constant_of(self.model, self.content, tensor)
        if values is not None:
            return [int(v) for v in values.ravel()] if values.size <= LONGEST else None
        op = self.makers.get(tensor)
        if op is None:
            return None
        rule = _RULES.get(flatbuffer.op_name(self.model, op))
        found = rule(self, op) if rule is not None else None
        return self._unknown(tensor) if found is None else found

    def _unknown(self, tensor: int) -> Numbers:
        """As many unknown numbers as a tensor of integers has elements."""
        found = self.content.tensors[tensor]
        shape = shape_of(found)
        count = int(np.prod(shape))
        if flatbuffer.dtype_name(found) not in ("int32", "int64") or not 0 <= count <= LONGEST:
            return None
        return [Size(None) for _ in range(count)]

    def _shape(self, op: Any) -> Numbers:
        source = int(op.inputs[0])
        shape = shape_of(self.content.tensors[source])
        return [d if d >= 0 else Size.of(source, k) for k, d in enumerate(shape)]

    def _gather(self, op: Any) -> Numbers:
        numbers = self.of(int(op.inputs[0]))
        places = constant_of(self.model, self.content, int(op.inputs[1]))
        if numbers is None or places is None or op.builtinOptions.batchDims:
            return None
        return [numbers[int(k)] for k in places.ravel()]

    def _slice(self, op: Any) -> Numbers:
        options = op.builtinOptions
        numbers = self.of(int(op.inputs[0]))
        ends = [constant_of(self.model, self.content, int(t)) for t in op.inputs[1:]]
        if numbers is None or len(shape_of(self.content.tensors[int(op.inputs[0])])) != 1:
            return None
        if any(e is None or e.size != 1 for e in ends) or options.newAxisMask:
            return None
        begin, end, step = (int(e[0]) for e in ends if e is not None)
        if options.shrinkAxisMask:
            return [numbers[begin]]
        first = None if options.beginMask else begin
        return numbers[first : None if options.endMask else end : step]

    def _joined(self, op: Any) -> Numbers:
        parts = [self.of(int(t)) for t in op.inputs]
        if any(p is None for p in parts):
            return None
        return [n for p in parts for n in p or []]

    def _product(self, op: Any) -> Numbers:
        numbers = self.of(int(op.inputs[0]))
        result = self.content.tensors[int(op.outputs[0])]
        if numbers is None or int(np.prod(shape_of(result))) != 1:
            return None
        return [_multiplied(numbers)]

    def _pairs(self, op: Any) -> Numbers:
        first, second = (self.of(int(t)) for t in op.inputs)
        if first is None or second is None:
            return None
        length = max(len(first), len(second))
        if len(first) not in (1, length) or len(second) not in (1, length):
            return None
        pairs = zip(_spread(first, length), _spread(second, length), strict=True)
        return [_multiplied(pair) for pair in pairs]

    def _same(self, op: Any) -> Numbers:
        return self.of(int(op.inputs[0]))


_RULES: dict[str, Callable[[Sizes, Any], Numbers]] = {
    "SHAPE": Sizes._shape,
    "GATHER": Sizes._gather,
    "STRIDED_SLICE": Sizes._slice,
    "CONCATENATION": Sizes._joined,
    "PACK": Sizes._joined,
    "REDUCE_PROD": Sizes._product,
    "MUL": Sizes._pairs,
    "RESHAPE": Sizes._same,
    "SQUEEZE": Sizes._same,
    "EXPAND_DIMS": Sizes._same,
    "CAST": Sizes._same,
}


def _multiplied(numbers: Sequence[Number]) -> Number:
    known = int(np.prod([n for n in numbers if isinstance(n, int)]))
    unknown = [n for n in numbers if not isinstance(n, int)]
    if not unknown:
        return known
    return unknown[0] if len(unknown) == 1 and known == 1 else Size(None)


def _spread(numbers: list[Number], length: int) -> list[Number]:
    return numbers * length if len(numbers) == 1 else numbers
