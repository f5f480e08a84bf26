"""Rewrite a float model to integers, as a `Plan` says: int8 and int16x8.

What enters: the float model (changed in place) and its plan. What leaves: the same graph with
integer tensors, constants and biases, QUANTIZE where two grids meet, and a record for each weight.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.lite.control_flow import flows
from rnnlite.lite.ir import Graph, Model, Op, Quantization, Value
from rnnlite.lite.schema import type_number
from rnnlite.quantization.grid import (
    Array,
    Grid,
    grid_of,
    symmetric,
    width,
)
from rnnlite.quantization.ops import RULES, VERSIONS, Kind, Rule
from rnnlite.quantization.plan.domains import DOMAINS, Domain, keep_in_domain
from rnnlite.quantization.plan.plan import Plan, constant, is_float, range_of
from rnnlite.quantization.prepare.int32 import in_int32
from rnnlite.quantization.rewrite.products import bias_alone, integer_product
from rnnlite.quantization.rewrite.widen import requantize
from rnnlite.report.quantization import WeightRecord


def to_integers(model: Model, plan: Plan, io: str) -> list[WeightRecord]:
    """Rewrite the model in place.

    Args:
        model: the model that the plan was made for.
        plan: see `rnnlite.quantization.plan.plan`.
        io: type of float inputs and outputs: "int8", "int16" or "float32".

    Returns:
        one record for each weight.
    """
    return _Rewriting(model, plan, io).run()


@dataclass(frozen=True)
class _Site:
    """An op while it is rewritten.

    Attributes:
        op: the op.
        rule: what it asks for.
        dtype: the type it computes in.
        operands, results: as they were in float.
    """

    op: Op
    rule: Rule
    dtype: str
    operands: tuple[Value | None, ...]
    results: tuple[Value, ...]

    @property
    def kind(self) -> str:
        """Of the op."""
        return self.op.kind

    def operand(self, place: int) -> Value:
        """One that must be there."""
        value = self.operands[place]
        if value is None:
            raise AssertionError(f"{self.op!r} has no operand {place}")
        return value


class _Rewriting:
    """One run of `to_integers`."""

    def __init__(self, model: Model, plan: Plan, io: str) -> None:
        self.model = model
        self.plan = plan
        self.io = io
        values = [value for graph in model.graphs for value in graph.values if is_float(value)]
        self.floats = set(values)
        self.constants = {v: held for v in values if (held := constant(v)) is not None}
        self.converted: dict[tuple[Value, Grid], Value] = {}
        self.written: dict[Hashable, Value] = {}
        self.records: dict[tuple[int, str], WeightRecord] = {}
        self.borders: dict[Value, tuple[Value, Grid]] = {}
        self.plain: dict[Value, Value] = {}
        self.before: Op | None = None
        # Two values of one op may start from the same constant: known by their number.
        self.tied: dict[tuple[Op, int], Value] = {}
        for flow in flows(model):
            first = 0 if flow.is_loop else 1
            for number, slot in enumerate(flow.slots[: len(flow.op.inputs) - first]):
                known = next((v for v in slot if plan.has(v)), None)
                if known is not None:
                    self.tied[flow.op, number + first] = known

    def run(self) -> list[WeightRecord]:
        for graph in self.model.graphs:
            for value in graph.values:
                if self.plan.has(value):
                    _set_grid(value, self.plan.grid(value))
        for number, graph in enumerate(self.model.graphs):
            self.converted = {}
            self.written = {}
            ops = list(graph.ops)
            self.before = ops[0] if ops else None
            if number == 0:
                self._inputs(graph)
            for op in ops:
                # What is added now comes in front of the op; later, behind it.
                self.before = op
                if op in self.plan.kept:
                    self._keep(op)
                else:
                    self._op(op)
            self.before = None
            self._outputs(number, graph)
        return list(self.records.values())

    # Values

    def _new(self, like: Value, grid: Grid | None) -> Value:
        if grid is None:
            return like.graph.like(like, "float32")
        return like.graph.like(like, grid.dtype, Quantization.of(grid.scale, grid.zero))

    def _write(self, like: Value, values: Array, grid: Quantization) -> Value:
        """A constant with the name of another one."""
        key = (like, values.dtype.str, grid)
        if key not in self.written:
            self.written[key] = like.graph.constant(values, name=like.name, quantization=grid)
        return self.written[key]

    def _constant(self, value: Value, grid: Grid) -> Value:
        self._record(value, grid.dtype, "one scale")
        numbers = grid.quantize(self.constants[value])
        return self._write(value, numbers, Quantization.of(grid.scale, grid.zero))

    def _record(self, value: Value, dtype: str, how: str) -> None:
        values = self.constants[value]
        # An initial state of zeros is no weight.
        if values.size > 1 and (np.any(values) or "channel" in how):
            self.records[id(value.data), dtype] = WeightRecord(value.name, values.shape, dtype, how)

    # Ops

    def _insert(self, graph: Graph, *ops: Op) -> None:
        graph.insert(self.before, *ops)

    def _dequantize(self, source: Value, target: Value) -> None:
        graph = source.graph
        self._insert(graph, graph.op("DEQUANTIZE", [source], [target], version=2))

    def _requantize(self, source: Value, target: Value) -> None:
        in_loop = source.graph in self.plan.loops
        floats = self.io == "float32"
        self._insert(source.graph, *requantize(source, target, in_loop=in_loop, floats=floats))

    def _requantized(self, value: Value, grid: Grid) -> Value:
        """The value with another grid, made once a graph."""
        key = (value, grid)
        if key not in self.converted:
            self.converted[key] = self._new(value, grid)
            self._requantize(value, self.converted[key])
        return self.converted[key]

    def _operand(self, value: Value, grid: Grid) -> Value:
        """An operand in the grid that is wanted."""
        if value in self.constants:
            return self._constant(value, grid)
        return value if self.plan.grid(value) == grid else self._requantized(value, grid)

    def _own(self, value: Value, dtype: str) -> Grid:
        """The grid of a value in the type that an op computes in."""
        if value in self.constants:
            return grid_of(range_of(self.constants[value]), dtype, headroom=False)
        grid = self.plan.grid(value)
        if grid.dtype == dtype:
            return grid
        values = self.plan.range(value)
        # What was zero throughout has no scale of its own: see `plan`.
        return grid_of(values, dtype) if width(values) > 0 else Grid(dtype, grid.scale, 0)

    def _op(self, op: Op) -> None:
        if not any(v in self.floats for v in (*op.inputs, *op.outputs)):
            return
        rule = RULES[op.kind]
        dtype = self.plan.type_of(op)
        if rule.kind in (Kind.MOVES, Kind.FLOW):
            grids = (self.plan.grid(v).dtype for v in op.outputs if v in self.floats)
            dtype = next(grids, dtype)
        site = _Site(op, rule, dtype, op.inputs, op.outputs)
        if rule.kind is Kind.FLOW:
            op.inputs = [self._flow_operand(op, k, v) for k, v in enumerate(op.inputs)]
            return
        outputs, after = self._results(site)
        if rule.kind is Kind.WEIGHTS:
            op.inputs = self._weighted(site, outputs[0])
        elif rule.kind is Kind.MOVES:
            op.inputs = self._moved(site, self.plan.grid(site.results[0]))
        elif rule.kind is Kind.COMPARES:
            op.inputs = self._compared(site)
        elif rule.kind in (Kind.COMPUTES, Kind.INT32):
            op.inputs = [
                self._operand(v, self._own(v, dtype)) if v in self.floats and v is not None else v
                for v in site.operands
            ]
        op.outputs = outputs
        if op.kind in DOMAINS:
            self._in_domain(site, DOMAINS[op.kind])
        self.before = op.following
        if rule.kind is Kind.INT32:
            in_int32(op)
        else:
            self._version(site)
        for source, target in after:
            self._requantize(source, target)

    def _flow_operand(self, op: Op, number: int, value: Value | None) -> Value | None:
        tied = self.tied.get((op, number))
        if value in self.constants and value is not None and tied is not None:
            return self._constant(value, self.plan.grid(tied))
        return value

    def _results(self, site: _Site) -> tuple[list[Value], list[tuple[Value, Value]]]:
        """The values that the op writes, and the requantizations behind it."""
        outputs, after = [], []
        for value in site.results:
            if value not in self.floats:
                outputs.append(value)
                continue
            grid = self.plan.grid(value)
            if site.rule.kind is Kind.MOVES:
                natural = self._table_grid(site) or grid
            elif site.kind == "CAST" and site.operand(0).type in ("int32", "int64"):
                natural = Grid("int16", 1.0, 0)
            else:
                natural = site.rule.fixed_grid(site.dtype) or self._own(value, site.dtype)
            if natural == grid:
                outputs.append(value)
            else:
                outputs.append(self._new(value, natural))
                after.append((outputs[-1], value))
        return outputs, after

    def _moved(self, site: _Site, grid: Grid) -> list[Value | None]:
        return [
            self._operand(v, self._table_grid(site) or grid)
            if v in self.floats and v is not None
            else v
            for v in site.operands
        ]

    def _in_domain(self, site: _Site, domain: Domain) -> None:
        """Keep an operand of the op to integers that its kernel takes."""
        value = site.operand(domain.operand)
        if value in self.constants:
            return
        signed = self.plan.range(value)[0] < 0
        current, result = site.op.input(domain.operand), site.op.output
        added, kept = keep_in_domain(current, domain, signed=signed, result=result)
        self._insert(value.graph, *added)
        site.op.set_input(domain.operand, kept)

    def _table_grid(self, site: _Site) -> Grid | None:
        """The grid of a constant table that is looked up by int16 ops: int8, as weights are."""
        if site.kind != "GATHER" or site.dtype == "int8":
            return None
        table = site.operand(0)
        return symmetric(range_of(self.constants[table])) if table in self.constants else None

    def _compared(self, site: _Site) -> list[Value | None]:
        """Operands as int32: the kernels for int8 and int16 compare to steps of 1/256 only.

        An input that is searched for one value is compared as it comes in: a finer grid behind
        the border need not hold what that value was rounded to.
        """
        operands = site.operands
        known = next(
            v for v in operands if v in self.floats and v not in self.constants and v is not None
        )
        searched, grid = known, self.plan.grid(known)
        if site.kind in ("EQUAL", "NOT_EQUAL") and any(v in self.constants for v in operands):
            searched, grid = self.borders.get(known, (searched, grid))
        found: list[Value | None] = []
        for value in operands:
            if value is None or value not in self.floats:
                found.append(value)
            elif value in self.constants:
                found.append(self._constant_int32(value, grid))
            else:
                outer = searched if value is known else self._operand(value, grid)
                found.append(self._as_int32(value, outer, grid))
        return found

    def _constant_int32(self, value: Value, grid: Grid) -> Value:
        """A constant as int32."""
        numbers = grid.quantize(self.constants[value]).astype(np.int32)
        return value.graph.constant(numbers, name=value.name)

    def _as_int32(self, value: Value, operand: Value, grid: Grid) -> Value:
        """A value of a grid as int32."""
        graph = value.graph
        number = graph.like(value, "int32")
        version = VERSIONS["CAST"][0 if grid.dtype == "int8" else 1]
        self._insert(graph, graph.op("CAST", [operand], [number], version=version))
        return number

    def _weighted(self, site: _Site, output: Value) -> list[Value | None]:
        rule, op = site.rule, site.op
        inputs = list(site.operands)
        data, kernel = site.operand(rule.data), site.operand(rule.weights)
        bias = inputs[rule.bias] if len(inputs) > rule.bias else None
        if bias is not None and bias not in self.constants:
            raise UnsupportedError(
                f"{op.kind} {output.label} has a bias that is no constant",
                remedy="Add it in an op of its own",
            )
        if kernel not in self.constants:
            return self._computed_kernel(site, bias)
        source = self._own(data, site.dtype)
        held = None if bias is None else self.constants[bias]
        product = integer_product(self.constants[kernel], held, source, output.scale, rule.axis)
        inputs[rule.data] = self._operand(data, source)
        grid = Quantization.of(product.scales, 0, rule.axis)
        inputs[rule.weights] = self._write(kernel, product.kernel, grid)
        self._record(kernel, "int8", "a scale a channel")
        wide = product.wide or (site.dtype == "int16" and op.kind == "DEPTHWISE_CONV_2D")
        if product.bias is not None and bias is not None:
            numbers = product.bias.astype("int64") if wide else product.bias
            steps = Quantization.of(product.bias_scales(source))
            inputs[rule.bias] = self._write(bias, numbers, steps)
            self._record(bias, numbers.dtype.name, "scales of input and weights")
        if site.dtype == "int16" and op.kind in ("FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV"):
            op.options["quantizedBiasType"] = type_number("int64" if wide else "int32")
        if op.kind == "FULLY_CONNECTED":
            op.options["asymmetricQuantizeInputs"] = False
        return inputs

    def _computed_kernel(self, site: _Site, bias: Value | None) -> list[Value | None]:
        """A product of two activations that the converter wrote as a product with weights."""
        rule = site.rule
        inputs = list(site.operands)
        data, weights = site.operand(rule.data), site.operand(rule.weights)
        source = self._own(data, site.dtype)
        kernel = symmetric(self.plan.range(weights))
        inputs[rule.data] = self._operand(data, source)
        inputs[rule.weights] = self._operand(weights, kernel)
        if bias is not None:
            numbers = bias_alone(self.constants[bias], source, kernel)
            steps = Quantization.of(source.scale * kernel.scale)
            inputs[rule.bias] = self._write(bias, numbers, steps)
            self._record(bias, "int32", "scales of input and kernel")
        return inputs

    def _version(self, site: _Site) -> None:
        versions = VERSIONS.get(site.kind, (1, 1))
        self.model.raise_version(site.op, versions[0 if site.dtype == "int8" else 1])
        if site.kind in ("ADD", "SUB"):
            site.op.options["potScaleInt16"] = False

    def _keep(self, op: Op) -> None:
        """An op that stays in float: dequantize in front, quantize behind, where that is needed."""
        op.inputs = [
            self._in_float(v)
            if v is not None and v in self.floats and v not in self.constants
            else v
            for v in op.inputs
        ]
        results = [v for v in op.outputs if v in self.floats]
        self.plain.update((v, self._new(v, None)) for v in results)
        op.outputs = [self.plain.get(v, v) for v in op.outputs]
        self.before = op.following
        for value in results:
            self._quantize(self.plain[value], value)

    def _in_float(self, value: Value) -> Value:
        """A value as real numbers."""
        if value in self.plain:
            return self.plain[value]
        plain = self._new(value, None)
        self._dequantize(value, plain)
        return plain

    def _quantize(self, plain: Value, value: Value) -> None:
        """The integers of a value that is there in float, if anything reads them."""
        if value.is_result or not all(op in self.plan.kept for op in value.readers):
            self._requantize(plain, value)

    # Borders

    def _inputs(self, graph: Graph) -> None:
        """Give float inputs the type of the border."""
        inputs = []
        for value in graph.inputs:
            if value not in self.floats:
                inputs.append(value)
                continue
            grid = self._border(value)
            if grid == self.plan.grid(value):
                inputs.append(value)
                continue
            outer = self._new(value, grid)
            if grid is None:
                self.plain[value] = outer
                self._quantize(outer, value)
            else:
                self._requantize(outer, value)
                self.borders[value] = outer, grid
            inputs.append(outer)
        graph.inputs = inputs

    def _border(self, value: Value) -> Grid | None:
        return None if self.io == "float32" else self._own(value, self.io)

    def _outputs(self, number: int, graph: Graph) -> None:
        """Give results their type: the border's in the main graph, the tied one in others."""
        outputs = []
        for k, value in enumerate(graph.outputs):
            if value not in self.floats:
                outputs.append(value)
            elif value in self.constants:
                outputs.append(self._constant_result(number, k, value))
            elif number > 0:
                outputs.append(value)
            else:
                outputs.append(self._main_result(value))
        graph.outputs = outputs

    def _main_result(self, value: Value) -> Value:
        grid = self._border(value)
        if grid is None:
            plain = self._new(value, None)
            self._dequantize(value, plain)
            return plain
        return value if grid == self.plan.grid(value) else self._requantized(value, grid)

    def _constant_result(self, number: int, k: int, value: Value) -> Value:
        if number == 0:
            grid = grid_of(range_of(self.constants[value]), self.io, headroom=False)
            return self._constant(value, grid) if self.io != "float32" else value
        # A body may give one constant as several results: known by its number, as above.
        for flow in flows(self.model):
            first = 0 if flow.is_loop else len(flow.slots) - len(flow.op.outputs)
            if any(v.graph is value.graph for slot in flow.slots for v in slot[1:]):
                known = next((v for v in flow.slots[first + k] if self.plan.has(v)), None)
                if known is not None:
                    return self._constant(value, self.plan.grid(known))
        return value


def _set_grid(value: Value, grid: Grid) -> None:
    value.type = grid.dtype
    value.quantization = Quantization.of(grid.scale, grid.zero)
