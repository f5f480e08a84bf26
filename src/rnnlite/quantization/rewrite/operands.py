"""The integer operands of ops while a float model is rewritten, each made once in a graph.

What enters: a float model and its plan. What leaves: for a float value, and the parameters that an
op wants, a value with these parameters: the value itself, a QUANTIZE of it, or a constant; and a
record for each weight.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from rnnlite.errors import InternalError
from rnnlite.lite.ir import Array, Graph, Model, Op, Quantization, Value
from rnnlite.quantization.ops import Rule
from rnnlite.quantization.params import QuantizationParams, params_of, range_of, width
from rnnlite.quantization.plan.front import WHOLE
from rnnlite.quantization.plan.plan import Plan, constant, is_float
from rnnlite.quantization.rewrite.widen import requantize
from rnnlite.report.quantization import WeightRecord


@dataclass(frozen=True)
class Site:
    """An op while it is rewritten.

    Attributes:
        op: the op.
        rule: its demands.
        dtype: the type that it computes in.
        operands, results: its operands and results in the float model.
    """

    op: Op
    rule: Rule
    dtype: str
    operands: tuple[Value | None, ...]
    results: tuple[Value, ...]

    @property
    def kind(self) -> str:
        """The kind of the op."""
        return self.op.kind

    def operand(self, place: int) -> Value:
        """The operand at an index, which must not be left out."""
        value = self.operands[place]
        if value is None:
            raise InternalError(f"{self.op!r} has no operand {place}")
        return value


class Operands:
    """The values of one rewriting.

    Attributes:
        plan: the quantization parameters.
        io: type of the model's float inputs and outputs.
        floats: the values that were float.
        constants: float constant -> its content.
        outer: input of the model -> the value in the I/O dtype, with its parameters.
        plain: value -> the same in float32, where that was made.
        before: the op in front of which ops are added; the end of the graph, if None.
    """

    def __init__(
        self, model: Model, plan: Plan, io: str, io_types: Mapping[Value | int, str | None]
    ) -> None:
        self.plan = plan
        self.io = io
        # Ids and lengths come in as float32: a scale would not hit whole numbers.
        whole = [
            v for v in model.main.inputs if any(plan.kept.get(op) == WHOLE for op in v.readers)
        ]
        self._types: dict[Value | int, str | None] = dict.fromkeys(whole, "float32")
        self._types.update(io_types)
        values = [value for graph in model.graphs for value in graph.values if is_float(value)]
        self.floats = set(values)
        self.constants = {v: held for v in values if (held := constant(v)) is not None}
        self.outer: dict[Value, tuple[Value, QuantizationParams]] = {}
        self.plain: dict[Value, Value] = {}
        self.before: Op | None = None
        self._converted: dict[tuple[Value, QuantizationParams], Value] = {}
        self._written: dict[Hashable, Value] = {}
        self._records: dict[tuple[int, str], WeightRecord] = {}

    @property
    def records(self) -> list[WeightRecord]:
        """A record for each weight."""
        return list(self._records.values())

    def is_float(self, value: Value | None) -> TypeGuard[Value]:
        """Whether a value is not left out, and was float."""
        return value in self.floats

    def io_params(self, value: Value, place: int | None = None) -> QuantizationParams | None:
        """The parameters in which a caller sees an input or output of the model; None for float.

        Args:
            place: the index of the output, for a value may be several outputs; None for an input.
        """
        dtype = self._types.get(value if place is None else place, self.io)
        if dtype is None:
            return self.plan.params(value)
        return None if dtype == "float32" else self.own(value, dtype)

    def enter(self, graph: Graph) -> None:
        """Begin with a graph: ops are added in front of its first op."""
        self._converted, self._written = {}, {}
        self.before = next(iter(graph.ops), None)

    def new(self, like: Value, params: QuantizationParams | None) -> Value:
        """A new value with the shape of another one and these parameters; float32 if None."""
        if params is None:
            return like.graph.like(like, "float32")
        return like.graph.like(like, params.dtype, Quantization.of(params.scale, params.zero_point))

    def write(self, like: Value, values: Array, quantization: Quantization) -> Value:
        """A constant with the name of another value; for equal ones, the same value is given."""
        key = (like, values.dtype.str, quantization)
        if key not in self._written:
            self._written[key] = like.graph.constant(
                values, name=like.name, quantization=quantization
            )
        return self._written[key]

    def constant(self, value: Value, params: QuantizationParams) -> Value:
        """A float constant, quantized with these parameters."""
        self.record(value, params.dtype, "one scale")
        numbers = params.quantize(self.constants[value])
        return self.write(value, numbers, Quantization.of(params.scale, params.zero_point))

    def record(self, value: Value, dtype: str, how: str) -> None:
        """Record the type in which a weight is stored."""
        values = self.constants[value]
        # An initial state of zeros is no weight.
        if values.size > 1 and (np.any(values) or "channel" in how):
            weight = WeightRecord(value.name, values.shape, dtype, how)
            self._records[id(value.data), dtype] = weight

    def insert(self, graph: Graph, *ops: Op) -> None:
        """Add ops at the present place of the rewriting."""
        graph.insert(self.before, *ops)

    def dequantize(self, source: Value, target: Value) -> None:
        """Add a DEQUANTIZE of a value."""
        graph = source.graph
        self.insert(graph, graph.op("DEQUANTIZE", [source], [target], version=2))

    def requantize(self, source: Value, target: Value) -> None:
        """Add ops that requantize a value to the parameters of another one."""
        in_loop = source.graph in self.plan.loops
        floats = self.io == "float32"
        self.insert(source.graph, *requantize(source, target, in_loop=in_loop, floats=floats))

    def requantized(self, value: Value, params: QuantizationParams) -> Value:
        """The value with other parameters, made once in a graph."""
        key = (value, params)
        if key not in self._converted:
            self._converted[key] = self.new(value, params)
            self.requantize(value, self._converted[key])
        return self._converted[key]

    def operand(self, value: Value, params: QuantizationParams) -> Value:
        """The value with the parameters that an op wants: itself, requantized, or a constant."""
        if value in self.constants:
            return self.constant(value, params)
        return value if self.plan.params(value) == params else self.requantized(value, params)

    def own(self, value: Value, dtype: str) -> QuantizationParams:
        """The parameters of a value in the type that an op computes in."""
        if value in self.constants:
            return params_of(range_of(self.constants[value]), dtype, headroom=False)
        params = self.plan.params(value)
        if params.dtype == dtype:
            return params
        values = self.plan.range(value)
        # A value that was zero throughout calibration has no scale of its own: see `plan`.
        return (
            params_of(values, dtype)
            if width(values) > 0
            else QuantizationParams(dtype, params.scale, 0)
        )
