"""Keep the operands of kernels to integers that they take: some end the run at others.

What enters: an op of integers whose kernel has a domain. What leaves: ops to stand in front of it.
Facts of the LiteRT kernels: DIV refuses a divisor of zero, RSQRT what is not positive, SQRT what is
negative; LOG gives any number there; EXP in int16 wraps around above what its result holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import new_constant, new_op, new_tensor, parameters
from rnnlite.quantization.grid import LIMITS
from rnnlite.quantization.ops import VERSIONS


@dataclass(frozen=True)
class Domain:
    """What a kernel takes of an operand.

    Attributes:
        operand: its place.
        least: the smallest integer above the zero point, or None.
        both_signs: whether what is further below the zero point is taken as well.
        logarithm: whether it ends at the logarithm of the largest value of the result.
    """

    operand: int = 0
    least: int | None = None
    both_signs: bool = False
    logarithm: bool = False


DOMAINS = {
    "DIV": Domain(1, least=1, both_signs=True),
    "RSQRT": Domain(least=1),
    "LOG": Domain(least=1),
    "SQRT": Domain(least=0),
    "EXP": Domain(logarithm=True),
}


def keep_in_domain(
    model: Any, subgraph: int, index: int, domain: Domain, *, signed: bool, result: Any
) -> tuple[list[Any], int]:
    """Move integers that a kernel does not take to the nearest that it does.

    Args:
        model: the model.
        subgraph, index: the operand, an integer tensor.
        domain: what the kernel takes of it.
        signed: whether values below zero are to be expected.
        result: the tensor that the kernel writes.

    Returns:
        ops to stand in front, and the tensor to take instead.
    """
    edit = _Edit(model, subgraph, index)
    if domain.logarithm:
        top = float(result.quantization.scale[0]) * (
            LIMITS[flatbuffer.dtype_name(result)][1] - int(result.quantization.zeroPoint[0])
        )
        limit = edit.zero + math.floor(math.log(top) / edit.scale)
        return edit.ops, edit.bounded("MINIMUM", limit)
    if domain.both_signs and signed:
        return edit.ops, edit.without_zero()
    return edit.ops, edit.bounded("MAXIMUM", edit.zero + (domain.least or 0))


class _Edit:
    """Ops on one integer tensor."""

    def __init__(self, model: Any, subgraph: int, index: int) -> None:
        self.model = model
        self.content = model.subgraphs[subgraph]
        self.index = index
        tensor = self.content.tensors[index]
        self.dtype = flatbuffer.dtype_name(tensor)
        self.scale = float(tensor.quantization.scale[0])
        self.zero = int(tensor.quantization.zeroPoint[0])
        self.ops: list[Any] = []

    def bounded(self, name: str, limit: int) -> int:
        """Not above, or not below, an integer."""
        low, high = LIMITS[self.dtype]
        bound = self._number(min(max(limit, low), high))
        return self._add(name, [self.index, bound], "MaximumMinimumOptions")

    def without_zero(self) -> int:
        """One step above zero where it is zero; compared as int32, see `integer`."""
        size = new_tensor(self.content, self.index, "int32")
        ops = [new_op(self.model, "CAST", [self.index], [size], version=VERSIONS["CAST"][1])]
        zero = new_constant(self.model, self.content, np.array(self.zero, np.int32))
        flag = new_tensor(self.content, self.index, "bool")
        ops.append(new_op(self.model, "EQUAL", [size, zero], [flag], options="EqualOptions"))
        self.ops += ops
        return self._add(
            "SELECT_V2", [flag, self._number(self.zero + 1), self.index], "SelectV2Options"
        )

    def _number(self, value: int) -> int:
        grid = parameters(self.scale, self.zero)
        return new_constant(self.model, self.content, np.array(value, self.dtype), grid=grid)

    def _add(self, name: str, inputs: list[int], options: str) -> int:
        grid = parameters(self.scale, self.zero)
        result = new_tensor(self.content, self.index, self.dtype, grid)
        version = VERSIONS.get(name, (1, 1))[0 if self.dtype == "int8" else 1]
        self.ops.append(
            new_op(self.model, name, inputs, [result], version=version, options=options)
        )
        return result
