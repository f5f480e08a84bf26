"""Rewrite a float model to integers, as a `Plan` says: int8 and int16x8.

What enters: the float model (changed in place) and its plan. What leaves: the same graph with
integer tensors, constants and biases, QUANTIZE where two grids meet, and a record for each weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import (
    at_version,
    dtype_code,
    new_constant,
    new_op,
    new_tensor,
    parameters,
)
from rnnlite.lite.trees import Place, flows, label
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


def to_integers(model: Any, plan: Plan, io: str) -> list[WeightRecord]:
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
    """An op while it is rewritten."""

    subgraph: int
    op: Any
    name: str
    rule: Rule
    dtype: str


class _Rewriting:
    """One run of `to_integers`."""

    def __init__(self, model: Any, plan: Plan, io: str) -> None:
        self.model = model
        self.plan = plan
        self.io = io
        self.floats = {
            (s, t)
            for s, content in enumerate(model.subgraphs)
            for t in range(len(content.tensors))
            if is_float(model, (s, t))
        }
        self.constants = {p: v for p in self.floats if (v := constant(model, p)) is not None}
        self.ops: list[Any] = []
        self.converted: dict[tuple[int, Grid], int] = {}
        self.written: dict[tuple[Any, ...], int] = {}
        self.records: dict[tuple[int, str], WeightRecord] = {}
        self.borders: dict[Place, tuple[int, Grid]] = {}
        # Two values of one op may start from the same constant: known by their number.
        self.tied: dict[tuple[int, int], Place] = {}
        for flow in flows(model):
            first = 0 if flow.name == "WHILE" else 1
            for number, slot in enumerate(flow.slots[: len(flow.op.inputs) - first]):
                known = next((p for p in slot if p in plan._parent), None)
                if known is not None:
                    self.tied[id(flow.op), number + first] = known

    def run(self) -> list[WeightRecord]:
        for place in self.floats - set(self.constants):
            if place in self.plan._parent:
                self._set_grid(self._tensor(place), self.plan.grid(place))
        for index, content in enumerate(self.model.subgraphs):
            self.ops = []
            self.converted = {}
            self.written = {}
            if index == 0:
                self._inputs(content)
            for position, op in enumerate(content.operators or []):
                if (index, position) in self.plan.kept:
                    self._keep(index, op)
                else:
                    self._op(index, position, op)
            self._outputs(index, content)
            content.operators = self.ops
        return list(self.records.values())

    def _tensor(self, place: Place) -> Any:
        return self.model.subgraphs[place[0]].tensors[place[1]]

    # Tensors

    def _set_grid(self, tensor: Any, grid: Grid) -> None:
        tensor.type = dtype_code(grid.dtype)
        tensor.quantization = parameters(grid.scale, grid.zero)

    def _new(self, subgraph: int, like: int, grid: Grid | None) -> int:
        content = self.model.subgraphs[subgraph]
        if grid is None:
            return new_tensor(content, like, "float32")
        return new_tensor(content, like, grid.dtype, parameters(grid.scale, grid.zero))

    def _write(
        self, subgraph: int, like: int, values: Array, scales: Array, zeros: Array, axis: int
    ) -> int:
        """A constant tensor with the shape of another one."""
        key = (like, values.dtype.str, scales.tobytes(), zeros.tobytes(), axis)
        if key not in self.written:
            content = self.model.subgraphs[subgraph]
            grid = parameters(scales, zeros, axis)
            name = content.tensors[like].name
            self.written[key] = new_constant(self.model, content, values, name=name, grid=grid)
        return self.written[key]

    def _constant(self, place: Place, grid: Grid) -> int:
        values = self.constants[place]
        scales = np.array([grid.scale], np.float32)
        zeros = np.array([grid.zero], np.int64)
        self._record(place, grid.dtype, "one scale")
        return self._write(*place, grid.quantize(values), scales, zeros, 0)

    def _record(self, place: Place, dtype: str, how: str) -> None:
        tensor = self._tensor(place)
        values = self.constants[place]
        # An initial state of zeros is no weight.
        if values.size > 1 and (np.any(values) or "channel" in how):
            self.records[tensor.buffer, dtype] = WeightRecord(
                flatbuffer.text(tensor.name), values.shape, dtype, how
            )

    # Ops

    def _dequantize(self, source: int, target: int) -> None:
        self.ops.append(new_op(self.model, "DEQUANTIZE", [source], [target], version=2))

    def _requantize(self, subgraph: int, source: int, target: int) -> None:
        self.ops += requantize(
            self.model,
            self.model.subgraphs[subgraph],
            source,
            target,
            in_loop=subgraph in self.plan.loops,
            floats=self.io == "float32",
        )

    def _requantized(self, place: Place, grid: Grid) -> int:
        """The tensor with another grid, made once a subgraph."""
        key = (place[1], grid)
        if key not in self.converted:
            self.converted[key] = self._new(*place, grid)
            self._requantize(place[0], place[1], self.converted[key])
        return self.converted[key]

    def _operand(self, place: Place, grid: Grid) -> int:
        """An operand in the grid that is wanted."""
        if place in self.constants:
            return self._constant(place, grid)
        return place[1] if self.plan.grid(place) == grid else self._requantized(place, grid)

    def _own(self, place: Place, dtype: str) -> Grid:
        """The grid of a value in the type that an op computes in."""
        if place in self.constants:
            return grid_of(range_of(self.constants[place]), dtype, headroom=False)
        grid = self.plan.grid(place)
        if grid.dtype == dtype:
            return grid
        values = self.plan.range(place)
        # What was zero throughout has no scale of its own: see `plan`.
        return grid_of(values, dtype) if width(values) > 0 else Grid(dtype, grid.scale, 0)

    def _op(self, subgraph: int, position: int, op: Any) -> None:
        name = flatbuffer.op_name(self.model, op)
        operands = [(subgraph, int(t)) for t in op.inputs]
        results = [(subgraph, int(t)) for t in op.outputs]
        if not any(p in self.floats for p in [*operands, *results]):
            self.ops.append(op)
            return
        rule = RULES[name]
        dtype = self.plan.type_of(name, subgraph, position)
        if rule.kind in (Kind.MOVES, Kind.FLOW):
            dtype = next((self.plan.grid(p).dtype for p in results if p in self.floats), dtype)
        site = _Site(subgraph, op, name, rule, dtype)
        if rule.kind is Kind.FLOW:
            op.inputs = [self._flow_operand(op, k, p) for k, p in enumerate(operands)]
            self.ops.append(op)
            return
        outputs, after = self._results(site, results)
        if rule.kind is Kind.WEIGHTS:
            op.inputs = self._weighted(site, operands, outputs[0])
        elif rule.kind is Kind.MOVES:
            op.inputs = self._moved(site, operands, self.plan.grid(results[0]))
        elif rule.kind is Kind.COMPARES:
            op.inputs = self._compared(name, operands)
        elif rule.kind in (Kind.COMPUTES, Kind.INT32):
            op.inputs = [
                self._operand(p, self._own(p, dtype)) if p in self.floats else p[1]
                for p in operands
            ]
        op.outputs = outputs
        if name in DOMAINS:
            self._in_domain(site, DOMAINS[name], operands)
        if rule.kind is Kind.INT32:
            self.ops += in_int32(self.model, self.model.subgraphs[subgraph], op, name)
        else:
            self._version(site)
            self.ops.append(op)
        for source, target in after:
            self._requantize(subgraph, source, target)

    def _flow_operand(self, op: Any, number: int, place: Place) -> int:
        tied = self.tied.get((id(op), number))
        if place in self.constants and tied is not None:
            return self._constant(place, self.plan.grid(tied))
        return place[1]

    def _results(self, site: _Site, results: list[Place]) -> tuple[list[int], list[Any]]:
        """The tensors that the op writes, and the requantizations behind it."""
        outputs, after = [], []
        for place in results:
            if place not in self.floats:
                outputs.append(place[1])
                continue
            grid = self.plan.grid(place)
            if site.rule.kind is Kind.MOVES:
                natural = self._table_grid(site) or grid
            elif site.name == "CAST" and self._is_integer(int(site.op.inputs[0]), site.subgraph):
                natural = Grid("int16", 1.0, 0)
            else:
                natural = site.rule.fixed_grid(site.dtype) or self._own(place, site.dtype)
            if natural == grid:
                outputs.append(place[1])
            else:
                outputs.append(self._new(*place, natural))
                after.append((outputs[-1], place[1]))
        return outputs, after

    def _is_integer(self, tensor: int, subgraph: int) -> bool:
        return flatbuffer.dtype_name(self._tensor((subgraph, tensor))) in ("int32", "int64")

    def _moved(self, site: _Site, operands: list[Place], grid: Grid) -> list[int]:
        inputs = []
        for place in operands:
            if place not in self.floats:
                inputs.append(place[1])
            else:
                inputs.append(self._operand(place, self._table_grid(site) or grid))
        return inputs

    def _in_domain(self, site: _Site, domain: Domain, operands: list[Place]) -> None:
        """Keep an operand of the op to integers that its kernel takes."""
        place = operands[domain.operand]
        if place in self.constants:
            return
        index = int(site.op.inputs[domain.operand])
        signed = self.plan.range(place)[0] < 0
        result = self._tensor((site.subgraph, int(site.op.outputs[0])))
        added, kept = keep_in_domain(
            self.model, site.subgraph, index, domain, signed=signed, result=result
        )
        self.ops += added
        site.op.inputs[domain.operand] = kept

    def _table_grid(self, site: _Site) -> Grid | None:
        """The grid of a constant table that is looked up by int16 ops: int8, as weights are."""
        table = (site.subgraph, int(site.op.inputs[0]))
        if site.name != "GATHER" or site.dtype == "int8" or table not in self.constants:
            return None
        return symmetric(range_of(self.constants[table]))

    def _compared(self, name: str, operands: list[Place]) -> list[int]:
        """Operands as int32: the kernels for int8 and int16 compare to steps of 1/256 only.

        An input that is searched for one value is compared as it comes in: a finer grid behind
        the border need not hold what that value was rounded to.
        """
        known = next(p for p in operands if p in self.floats and p not in self.constants)
        tensor, grid = known[1], self.plan.grid(known)
        if name in ("EQUAL", "NOT_EQUAL") and any(p in self.constants for p in operands):
            tensor, grid = self.borders.get(known, (tensor, grid))
        found = []
        for place in operands:
            if place in self.constants:
                found.append(self._constant_int32(place, grid))
            elif place in self.floats:
                outer = tensor if place == known else self._operand(place, grid)
                found.append(self._as_int32(place, outer, grid))
            else:
                found.append(place[1])
        return found

    def _constant_int32(self, place: Place, grid: Grid) -> int:
        """A constant as int32."""
        content = self.model.subgraphs[place[0]]
        numbers = grid.quantize(self.constants[place]).astype(np.int32)
        return new_constant(self.model, content, numbers, name=self._tensor(place).name)

    def _as_int32(self, place: Place, operand: int, grid: Grid) -> int:
        """A tensor of a grid as int32."""
        number = new_tensor(self.model.subgraphs[place[0]], place[1], "int32")
        version = VERSIONS["CAST"][0 if grid.dtype == "int8" else 1]
        self.ops.append(new_op(self.model, "CAST", [operand], [number], version=version))
        return number

    def _weighted(self, site: _Site, operands: list[Place], output: int) -> list[int]:
        rule = site.rule
        inputs = [p[1] for p in operands]
        data, kernel = operands[rule.data], operands[rule.weights]
        bias = operands[rule.bias] if len(operands) > rule.bias else (site.subgraph, -1)
        if bias[1] >= 0 and bias not in self.constants:
            raise UnsupportedError(
                f"{site.name} {label(self.model, site.subgraph, output)} has a bias that is no "
                "constant",
                remedy="Add it in an op of its own",
            )
        if kernel not in self.constants:
            return self._computed_kernel(site, operands, bias)
        source = self._own(data, site.dtype)
        result = self._tensor((site.subgraph, output)).quantization
        product = integer_product(
            self.constants[kernel], self.constants.get(bias), source, result.scale[0], rule.axis
        )
        zeros = np.zeros(len(product.scales), np.int64)
        inputs[rule.data] = self._operand(data, source)
        inputs[rule.weights] = self._write(
            *kernel, product.kernel, product.scales, zeros, rule.axis
        )
        self._record(kernel, "int8", "a scale a channel")
        wide = product.wide or (site.dtype == "int16" and site.name == "DEPTHWISE_CONV_2D")
        if product.bias is not None:
            numbers = product.bias.astype("int64") if wide else product.bias
            inputs[rule.bias] = self._write(*bias, numbers, product.bias_scales(source), zeros, 0)
            self._record(bias, numbers.dtype.name, "scales of input and weights")
        if site.dtype == "int16" and site.name in ("FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV"):
            site.op.builtinOptions.quantizedBiasType = dtype_code("int64" if wide else "int32")
        if site.name == "FULLY_CONNECTED":
            site.op.builtinOptions.asymmetricQuantizeInputs = False
        return inputs

    def _computed_kernel(self, site: _Site, operands: list[Place], bias: Place) -> list[int]:
        """A product of two activations that the converter wrote as a product with weights."""
        rule = site.rule
        inputs = [p[1] for p in operands]
        source = self._own(operands[rule.data], site.dtype)
        kernel = symmetric(self.plan.range(operands[rule.weights]))
        inputs[rule.data] = self._operand(operands[rule.data], source)
        inputs[rule.weights] = self._operand(operands[rule.weights], kernel)
        if bias in self.constants:
            numbers = bias_alone(self.constants[bias], source, kernel)
            scales = np.array([source.scale * kernel.scale], np.float32)
            inputs[rule.bias] = self._write(*bias, numbers, scales, np.zeros(1, np.int64), 0)
            self._record(bias, "int32", "scales of input and kernel")
        return inputs

    def _version(self, site: _Site) -> None:
        versions = VERSIONS.get(site.name, (1, 1))
        at_version(self.model, site.op, versions[0 if site.dtype == "int8" else 1])
        if site.name in ("ADD", "SUB"):
            site.op.builtinOptions.potScaleInt16 = False

    def _keep(self, subgraph: int, op: Any) -> None:
        """An op that stays in float: dequantize in front, quantize behind."""
        inputs = []
        for t in map(int, op.inputs):
            place = (subgraph, t)
            if place in self.floats and place not in self.constants:
                plain = self._new(subgraph, t, None)
                self._dequantize(t, plain)
                inputs.append(plain)
            else:
                inputs.append(t)
        outputs, after = [], []
        for t in map(int, op.outputs):
            if (subgraph, t) in self.floats:
                outputs.append(self._new(subgraph, t, None))
                after.append((outputs[-1], t))
            else:
                outputs.append(t)
        op.inputs, op.outputs = inputs, outputs
        self.ops.append(op)
        for source, target in after:
            self._requantize(subgraph, source, target)

    # Borders

    def _inputs(self, content: Any) -> None:
        """Give float inputs the type of the border."""
        inputs = []
        for t in map(int, content.inputs):
            place = (0, t)
            if place not in self.floats:
                inputs.append(t)
                continue
            grid = self._border(place)
            if grid == self.plan.grid(place):
                inputs.append(t)
                continue
            outer = self._new(0, t, grid)
            self._requantize(0, outer, t)
            if grid is not None:
                self.borders[place] = outer, grid
            inputs.append(outer)
        content.inputs = inputs

    def _border(self, place: Place) -> Grid | None:
        return None if self.io == "float32" else self._own(place, self.io)

    def _outputs(self, index: int, content: Any) -> None:
        """Give results their type: the border's in the main graph, the tied one in others."""
        outputs = []
        for k, t in enumerate(map(int, content.outputs)):
            place = (index, t)
            if place not in self.floats:
                outputs.append(t)
            elif place in self.constants:
                outputs.append(self._constant_result(index, k, place))
            elif index > 0:
                outputs.append(t)
            else:
                outputs.append(self._main_result(place))
        content.outputs = outputs

    def _main_result(self, place: Place) -> int:
        grid = self._border(place)
        if grid is None:
            plain = self._new(*place, None)
            self._dequantize(place[1], plain)
            return plain
        return place[1] if grid == self.plan.grid(place) else self._requantized(place, grid)

    def _constant_result(self, index: int, k: int, place: Place) -> int:
        if index == 0:
            grid = grid_of(range_of(self.constants[place]), self.io, headroom=False)
            return self._constant(place, grid) if self.io != "float32" else place[1]
        # A body may give one constant as several results: known by its number, as above.
        for flow in flows(self.model):
            first = 0 if flow.name == "WHILE" else len(flow.slots) - len(flow.op.outputs)
            if any(p[0] == index for slot in flow.slots for p in slot[1:]):
                known = next((p for p in flow.slots[first + k] if p in self.plan._parent), None)
                if known is not None:
                    return self._constant(place, self.plan.grid(known))
        return place[1]
