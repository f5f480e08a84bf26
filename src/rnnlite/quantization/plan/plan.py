"""Plan scale and zero point of every float tensor of a model, before anything is rewritten.

What enters: a float model and the range of each tensor. What leaves: a `Plan`, which gives the
quantization parameters of each value and the type in which each op computes. Tensors that must
have equal parameters form one group with the union of their ranges: those that control flow ties,
and operand and result of an op that only moves values. Operands of very different ranges would lose
precision in one group: they stay in groups of their own, and are requantized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.lite.control_flow import flows, in_loops, is_step
from rnnlite.lite.ir import Graph, Model, Op, Value
from rnnlite.lowering.barriers import LOWEST
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import (
    Array,
    QuantizationParams,
    Range,
    params_of,
    range_of,
    union,
    width,
)
from rnnlite.quantization.plan.clip import clip_ranges
from rnnlite.quantization.plan.coarsen import coarsen_products, coarsen_sums
from rnnlite.quantization.plan.front import REASON, WHOLE, whole_number_ops

RUNNING = "adds up what comes in a stream"
"""Why an op stays in float: a sum over a stream has no bound, so no range holds it."""

JOIN_LIMIT = 1.25
"""Operands share the scale of a result if this widens no range by more than this factor."""

Precision = Callable[[str, bool], str]
"""From an op's name and whether it stands in a loop to the type it computes in."""


@dataclass(eq=False)
class Plan:
    """The quantization parameters of each value, and the type in which each op computes.

    Attributes:
        models: the float models of the plan: the model, and that of a chunk where it is streamed.
        ranges: smallest and largest number of each value, as calibration saw them.
        precision: the type an op computes in.
        kept: ops that stay in float, with the reason.
        wide: ops that compute in int16 whatever `precision` says.
        loops: the graphs that run in loops.
        marked: tensors that are compared with a marker. The marker is beyond their range, and
            saturates.
    """

    models: tuple[Model, ...]
    ranges: Mapping[Value, Range]
    precision: Precision
    kept: dict[Op, str] = field(default_factory=dict)
    wide: frozenset[Op] = frozenset()
    loops: frozenset[Graph] = frozenset()
    marked: frozenset[Value] = frozenset()
    _parent: dict[Value, Value] = field(default_factory=dict)
    _range: dict[Value, Range] = field(default_factory=dict)
    _dtype: dict[Value, str] = field(default_factory=dict)
    _fixed: dict[Value, set[QuantizationParams]] = field(default_factory=dict)
    _params: dict[Value, QuantizationParams] = field(default_factory=dict)

    def type_of(self, op: Op) -> str:
        """The type that an op computes in."""
        if op in self.wide:
            return "int16"
        return self.precision(op.kind, op.graph in self.loops or is_step(op))

    def has(self, value: Value | None) -> bool:
        """Whether the plan has parameters for a value: it has for floats that are no constants."""
        return value in self._parent

    def root(self, value: Value) -> Value:
        """The representative of a value's group."""
        while self._parent.get(value, value) != value:
            value = self._parent[value]
        return value

    def range(self, value: Value) -> Range:
        """The range of a value's group."""
        return self._range[self.root(value)]

    def params(self, value: Value) -> QuantizationParams:
        """The quantization parameters of a value."""
        return self._params[self.root(value)]

    def together(self, a: Value, b: Value) -> bool:
        """Whether two values are in one group, and so have one scale and zero point."""
        return self.root(a) == self.root(b)

    def narrow(self, value: Value, to: Range) -> None:
        """Give the group of a value a smaller range; numbers beyond it saturate."""
        self._range[self.root(value)] = to

    def rescale(self, value: Value, scale: float) -> None:
        """Give the group of a value another scale."""
        root = self.root(value)
        self._params[root] = replace(self._params[root], scale=scale)

    def narrowed(self, value: Value) -> bool:
        """Whether the parameters of a value leave out a part of the range that calibration saw."""
        seen = self.ranges.get(value)
        return seen is not None and not self.params(value).covers(seen)

    def _tie(self, a: Value, b: Value) -> None:
        ra, rb = self.root(a), self.root(b)
        if ra != rb:
            self._parent[rb] = ra
            self._range[ra] = union(self._range[ra], self._range[rb])

    def _include(self, value: Value, content: Array) -> None:
        root = self.root(value)
        self._range[root] = union(self._range[root], range_of(content))


def is_float(value: Value | None) -> TypeGuard[Value]:
    """Whether a value is there, and holds float32 numbers."""
    return value is not None and value.type == "float32"


def constant(value: Value | None) -> Array | None:
    """The content of a float32 constant, in its shape; None for anything else."""
    return None if value is None else value.constant("float32")


def make_plan(
    model: Model,
    ranges: Mapping[Value, Range],
    precision: Precision,
    *,
    allow_float: bool,
    wide: frozenset[Op] = frozenset(),
    marked: frozenset[Value] = frozenset(),
    front: frozenset[Op] = frozenset(),
    beside: Model | None = None,
    twins: Sequence[tuple[Value, Value]] = (),
    running: frozenset[Op] = frozenset(),
    states: Sequence[tuple[Value, Value]] = (),
) -> Plan:
    """Group the tensors, choose scales and zero points.

    Args:
        model: the float model, unchanged by this.
        ranges: smallest and largest value of every float tensor that is no constant.
        precision: the type each op computes in.
        allow_float: keep an op without integer kernel in float, instead of refusing it.
        wide: ops that compute in int16 in any case.
        marked: see `Plan`.
        front: the first ops, which stay in float; see `front`.
        beside: the model of a chunk, which gets the same parameters; see `quantization.chunks`.
        twins: pairs of values of the two models that mean the same.
        running: ops that stay in float, because they add up all steps of a stream.
        states: pairs of an input and an output that are one state. A state has the type that
            values in loops have.

    Raises:
        UnsupportedError: an op has no integer kernel.
    """
    models = (model,) if beside is None else (model, beside)
    loops = frozenset(graph for one in models for graph in in_loops(one))
    plan = Plan(models, ranges, precision, wide=wide, loops=loops, marked=marked)
    for one in models:
        plan.kept.update((op, REASON) for op in one.main.ops if op in front)
        plan.kept.update((op, RUNNING) for op in one.main.ops if op in running)
        plan.kept.update((op, WHOLE) for op in whole_number_ops(one))
        for graph in one.graphs:
            for value in graph.values:
                if is_float(value) and not value.is_constant:
                    plan._parent[value] = value
                    plan._range[value] = ranges.get(value, (0.0, 0.0))
        _tie_flows(plan, one)
    for a, b in (*twins, *states):
        if plan.has(a) and plan.has(b):
            plan._tie(a, b)
    ops = list(_float_ops(plan, allow_float))
    joins = []
    for op in ops:
        if RULES[op.kind].kind in (Kind.SAME_SCALE, Kind.COMPARES):
            joins += _tie_operands(plan, op)
    for target, value in joins:
        _join(plan, target, value, same=beside is not None and _is_same(plan, target))
    if beside is not None:
        _hold(plan, ops)
    _choose_types(plan, ops, [a for a, _ in states])
    clip_ranges(plan, _readers(plan, ops), plan._dtype)
    _choose_params(plan, ops)
    return plan


def _float_ops(plan: Plan, allow_float: bool) -> Iterator[Op]:
    """All ops that touch float values and have a rule, in order.

    Raises:
        UnsupportedError: one has none, and may not stay in float.
    """
    for op in (op for model in plan.models for op in model.ops()):
        if op in plan.kept or not any(is_float(v) for v in (*op.inputs, *op.outputs)):
            continue
        rule = RULES.get(op.kind)
        reason = ""
        if rule is None:
            reason = "no integer kernel"
        elif plan.type_of(op) == "int16" and not rule.int16:
            reason = "no int16 kernel"
        if reason and not allow_float:
            raise UnsupportedError(
                f"{op.kind} (it makes '{op.output.name}') has {reason} in LiteRT",
                expected="ops that compute on integers",
                remedy="Replace the layer that uses it, or allow it to stay in float "
                "(allow_float=True, --allow-float)",
            )
        if reason:
            plan.kept[op] = reason
        else:
            yield op


def _tie_flows(plan: Plan, model: Model) -> None:
    for flow in flows(model):
        for slot in flow.slots:
            floats = [v for v in slot if is_float(v)]
            planned = [v for v in floats if plan.has(v)]
            for value in planned[1:]:
                plan._tie(planned[0], value)
            for value in floats:
                content = constant(value)
                if content is not None and planned:
                    plan._include(planned[0], content)


def _tie_operands(plan: Plan, op: Op) -> list[tuple[Value, Value]]:
    """Tie what must be; gives (result, operand) pairs that may be."""
    rule = RULES[op.kind]
    operands = [v for v in op.inputs if is_float(v)]
    results = [v for v in op.outputs if is_float(v)]
    if rule.kind is Kind.COMPARES:
        results, operands = operands[:1], operands[1:]
        if not plan.has(results[0]):
            results, operands = operands, results
    joins = []
    for k, value in enumerate(op.inputs):
        if value is None or value not in operands:
            continue
        values = constant(value)
        if values is not None:
            # A bound that the values never come to may lie far beyond them, and saturates.
            bound = op.kind in ("MINIMUM", "MAXIMUM") and width(plan.range(results[0])) > 0.0
            bound = bound or results[0] in plan.marked or _is_nothing(plan, op, values)
            if plan.has(results[0]) and not bound:
                plan._include(results[0], values)
        elif k in rule.joined:
            joins.append((results[0], value))
        else:
            plan._tie(results[0], value)
    for value in results[1:]:
        plan._tie(results[0], value)
    return joins


def _is_nothing(plan: Plan, op: Op, values: Array) -> bool:
    """Whether a constant stands in a chunk for rows that are not there, of which a maximum is
    taken: it saturates, and the lowest integer does as well."""
    beside = plan.models[1:]
    return op.graph is not None and op.graph.model in beside and bool(np.all(values <= LOWEST))


def _is_same(plan: Plan, result: Value) -> bool:
    """Whether a result is one of its operands on another path, as rows kept from a chunk before
    are, and a state that a mask keeps: then the other operands are the same as well."""
    op = result.producer
    return op is not None and any(plan.has(v) and plan.together(v, result) for v in op.operands)


def _join(plan: Plan, target: Value, value: Value, *, same: bool) -> None:
    """Tie an operand to the result if neither loses resolution by it, or if it is the same."""
    if same:
        plan._tie(target, value)
        return
    both = width(union(plan.range(target), plan.range(value)))
    smaller = min(width(plan.range(target)), width(plan.range(value)))
    if both <= JOIN_LIMIT * smaller or smaller == 0.0:
        plan._tie(target, value)


HOLDS = ("CONCATENATION", "PACK", "DYNAMIC_UPDATE_SLICE", "SELECT", "SELECT_V2")
"""Ops whose result holds the values of all operands, so that its range is their union."""


def _hold(plan: Plan, ops: Sequence[Op]) -> None:
    """Widen results to the ranges of their operands, which a twin may have widened."""
    # What a loop gives may be held again further on.
    for _ in range(2):
        for op in ops:
            if op.kind in HOLDS and plan.has(op.output):
                for value in filter(plan.has, op.operands):
                    root = plan.root(op.output)
                    plan._range[root] = union(plan._range[root], plan.range(value))


def _choose_types(plan: Plan, ops: Sequence[Op], states: Sequence[Value]) -> None:
    """A group has the type of the ops that compute its values; int16 if there is one of those."""
    default = plan.precision("", False)
    for value in filter(plan.has, states):
        plan._dtype[plan.root(value)] = plan.precision("", True)
    for value in plan._parent:
        plan._dtype.setdefault(plan.root(value), "")
    for op in ops:
        rule = RULES[op.kind]
        if rule.kind in (Kind.FREE_SCALE, Kind.WEIGHTED) or op in plan.wide or not rule.int8:
            wanted = plan.type_of(op) if rule.int8 else "int16"
            for value in op.outputs:
                if plan.has(value):
                    root = plan.root(value)
                    plan._dtype[root] = max(
                        plan._dtype[root], wanted, key=("", "int8", "int16").index
                    )
    for root, dtype in plan._dtype.items():
        plan._dtype[root] = dtype or default


def _readers(plan: Plan, ops: Sequence[Op]) -> dict[Value, set[str]]:
    """The ops that read each group's values; "" where all of its range is needed."""
    readers: dict[Value, set[str]] = {}
    for op in ops:
        rule = RULES[op.kind]
        for value in op.operands:
            if not plan.has(value) or rule.kind in (Kind.FLOW, Kind.SHAPE_ONLY):
                continue
            moved = rule.kind is Kind.SAME_SCALE and plan.together(value, op.output)
            if not moved:
                readers.setdefault(plan.root(value), set()).add(op.kind)
    whole = [v for model in plan.models for v in model.main.outputs]
    whole += [v for op in plan.kept for v in op.operands]
    for value in whole:
        if plan.has(value):
            readers.setdefault(plan.root(value), set()).add("")
    return readers


def _choose_params(plan: Plan, ops: Sequence[Op]) -> None:
    for op in ops:
        rule = RULES[op.kind]
        for value in op.outputs:
            if plan.has(value) and rule.kind in (Kind.FREE_SCALE, Kind.INT32):
                root = plan.root(value)
                fixed = rule.fixed_params(plan._dtype[root])
                if fixed is not None:
                    plan._fixed.setdefault(root, set()).add(fixed)
    for root, dtype in plan._dtype.items():
        wanted = plan._fixed.get(root, set())
        only = next(iter(wanted)) if len(wanted) == 1 else None
        if only is not None and only.covers(plan._range[root]):
            plan._params[root] = only
        else:
            plan._params[root] = params_of(plan._range[root], dtype)
    coarsen_products(plan, ops)
    coarsen_sums(plan, ops)
