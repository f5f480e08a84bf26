"""Rewrite a float model to integers, as a `Plan` says: int8 and int16x8.

What enters: the float model (changed in place) and its plan. What leaves: the same model with
integer tensors, constants and biases, with a QUANTIZE where two scales meet; and a record for each
weight.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnlite.lite.control_flow import flows
from rnnlite.lite.ir import Model, Op, Quantization, Value
from rnnlite.quantization.ops import RULES, VERSIONS, Kind
from rnnlite.quantization.params import QuantizationParams, range_of, symmetric
from rnnlite.quantization.plan.domains import (
    DOMAINS,
    Domain,
    drop_small_quotients,
    keep_in_domain,
)
from rnnlite.quantization.plan.plan import Plan
from rnnlite.quantization.rewrite.compared import make_compared_operands
from rnnlite.quantization.rewrite.floats import keep_in_float
from rnnlite.quantization.rewrite.int32 import compute_in_int32
from rnnlite.quantization.rewrite.io_types import quantize_inputs, quantize_outputs
from rnnlite.quantization.rewrite.operands import Operands, Site
from rnnlite.quantization.rewrite.weighted import make_weighted_operands
from rnnlite.report.quantization import WeightRecord


def rewrite_to_integers(
    model: Model, plan: Plan, io: str, io_types: Mapping[Value | int, str | None] | None = None
) -> list[WeightRecord]:
    """Rewrite a float model to integers, in place.

    Args:
        model: the model that the plan was made for.
        plan: see `rnnlite.quantization.plan.plan`.
        io: type of float inputs and outputs: "int8", "int16" or "float32".
        io_types: other types of some inputs (by value) and outputs (by index); None for the type
            that the value has within the model.

    Returns:
        one record for each weight.
    """
    return _Rewriting(model, plan, io, io_types or {}).run()


class _Rewriting:
    """One run of `rewrite_to_integers`."""

    def __init__(
        self, model: Model, plan: Plan, io: str, io_types: Mapping[Value | int, str | None]
    ) -> None:
        self.model = model
        self.made = Operands(model, plan, io, io_types)
        # By the index of the operand: two states of one loop may start from the same constant.
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
                if self.made.plan.has(value):
                    _set_params(value, self.made.plan.params(value))
        for number, graph in enumerate(self.model.graphs):
            self.made.enter(graph)
            ops = list(graph.ops)
            if number == 0:
                quantize_inputs(self.made, graph)
            for op in ops:
                # Ops that are added now come in front of this op; later ones behind it.
                self.made.before = op
                if op in self.made.plan.kept:
                    keep_in_float(self.made, op)
                else:
                    self._rewrite(op)
            self.made.before = None
            quantize_outputs(self.made, number, graph)
        return self.made.records

    def _rewrite(self, op: Op) -> None:
        if not any(v in self.made.floats for v in (*op.inputs, *op.outputs)):
            return
        rule = RULES[op.kind]
        dtype = self.made.plan.type_of(op)
        if rule.kind in (Kind.SAME_SCALE, Kind.FLOW):
            types = (self.made.plan.params(v).dtype for v in op.outputs if v in self.made.floats)
            dtype = next(types, dtype)
        site = Site(op, rule, dtype, op.inputs, op.outputs)
        if rule.kind is Kind.FLOW:
            op.inputs = [self._flow_operand(op, k, v) for k, v in enumerate(op.inputs)]
            return
        outputs, after = self._results(site)
        if rule.kind is Kind.WEIGHTED:
            op.inputs = make_weighted_operands(self.made, site, outputs[0])
        elif rule.kind is Kind.SAME_SCALE:
            op.inputs = self._moved(site, self.made.plan.params(site.results[0]))
        elif rule.kind is Kind.COMPARES:
            op.inputs = make_compared_operands(self.made, site)
        elif rule.kind in (Kind.FREE_SCALE, Kind.INT32):
            op.inputs = [
                self.made.operand(v, self.made.own(v, dtype)) if self.made.is_float(v) else v
                for v in site.operands
            ]
        op.outputs = outputs
        if op.kind in DOMAINS:
            self._keep_in_domain(site, DOMAINS[op.kind])
        if op.kind == "DIV" and site.dtype == "int16":
            self._drop_small_quotients(site)
        self.made.before = op.following
        if rule.kind is Kind.INT32:
            compute_in_int32(op)
        else:
            self._raise_version(site)
        for source, target in after:
            self.made.requantize(source, target)

    def _flow_operand(self, op: Op, number: int, value: Value | None) -> Value | None:
        tied = self.tied.get((op, number))
        if value in self.made.constants and value is not None and tied is not None:
            return self.made.constant(value, self.made.plan.params(tied))
        return value

    def _results(self, site: Site) -> tuple[list[Value], list[tuple[Value, Value]]]:
        """The values that the op writes, and the requantizations behind it."""
        outputs, after = [], []
        for value in site.results:
            if value not in self.made.floats:
                outputs.append(value)
                continue
            params = self.made.plan.params(value)
            if site.rule.kind is Kind.SAME_SCALE:
                natural = self._table_params(site) or params
            elif site.kind == "CAST" and site.operand(0).type in ("int32", "int64"):
                natural = QuantizationParams("int16", 1.0, 0)
            else:
                natural = site.rule.fixed_params(site.dtype) or self.made.own(value, site.dtype)
            if natural == params:
                outputs.append(value)
            else:
                outputs.append(self.made.new(value, natural))
                after.append((outputs[-1], value))
        return outputs, after

    def _moved(self, site: Site, params: QuantizationParams) -> list[Value | None]:
        return [
            self.made.operand(v, self._table_params(site) or params) if self.made.is_float(v) else v
            for v in site.operands
        ]

    def _keep_in_domain(self, site: Site, domain: Domain) -> None:
        """Keep an operand of the op to integers that its kernel takes."""
        value = site.operand(domain.operand)
        if value in self.made.constants:
            return
        signed = self.made.plan.range(value)[0] < 0
        current, result = site.op.input(domain.operand), site.op.output
        added, kept = keep_in_domain(current, domain, signed=signed, result=result)
        self.made.insert(value.graph, *added)
        site.op.set_input(domain.operand, kept)

    def _drop_small_quotients(self, site: Site) -> None:
        """Keep a DIV from quotients that are too small for its kernel; see `plan.domains`."""
        op, divisor = site.op, site.operand(1)
        signed = self.made.plan.range(divisor)[0] < 0
        added, kept = drop_small_quotients(op.input(0), op.input(1), op.output, signed=signed)
        self.made.insert(op.output.graph, *added)
        op.set_input(0, kept)

    def _table_params(self, site: Site) -> QuantizationParams | None:
        """The parameters of a constant table that int16 ops look up: int8, as for weights."""
        if site.kind != "GATHER" or site.dtype == "int8":
            return None
        table = site.operand(0)
        held = self.made.constants.get(table)
        return None if held is None else symmetric(range_of(held))

    def _raise_version(self, site: Site) -> None:
        versions = VERSIONS.get(site.kind, (1, 1))
        self.model.raise_version(site.op, versions[0 if site.dtype == "int8" else 1])
        if site.kind in ("ADD", "SUB"):
            site.op.options["potScaleInt16"] = False


def _set_params(value: Value, params: QuantizationParams) -> None:
    value.type = params.dtype
    value.quantization = Quantization.of(params.scale, params.zero_point)
