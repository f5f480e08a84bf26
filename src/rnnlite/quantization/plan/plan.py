"""Plan the integer grid of every float tensor of a model, before anything is rewritten.

What enters: a float model and the range of each tensor. What leaves: a `Plan`, which gives the grid
of each place and the type in which each op computes. Tensors that must agree (by control flow, or
because an op only moves values) form one group with the union of their ranges; operands that would
spoil each other's resolution stay apart and are requantized instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnlite.errors import UnsupportedError
from rnnlite.lite import flatbuffer
from rnnlite.lite.trees import Place, flows, in_loops
from rnnlite.quantization.grid import Array, Grid, Range, grid_of, union, width
from rnnlite.quantization.ops import RULES, Kind, Rule
from rnnlite.quantization.plan.clip import clip_ranges

JOIN_LIMIT = 1.25
"""Operands share the result's grid if that widens nobody's range by more than this factor."""

Precision = Callable[[str, bool], str]
"""From an op's name and whether it stands in a loop to the type it computes in."""


@dataclass(eq=False)
class Plan:
    """Grids by place, and what each op computes in.

    Attributes:
        model: the float model the plan is for.
        precision: the type an op computes in.
        kept: (subgraph, position) of ops that stay in float, with the reason.
        wide: (subgraph, position) of ops that compute in int16 whatever `precision` says.
        loops: the subgraphs that stand in loops.
        marked: tensors that are compared with a marker beyond their range, which saturates.
    """

    model: Any
    ranges: Mapping[Place, Range]
    precision: Precision
    kept: dict[tuple[int, int], str] = field(default_factory=dict)
    wide: frozenset[tuple[int, int]] = frozenset()
    loops: frozenset[int] = frozenset()
    marked: frozenset[Place] = frozenset()
    _parent: dict[Place, Place] = field(default_factory=dict)
    _range: dict[Place, Range] = field(default_factory=dict)
    _dtype: dict[Place, str] = field(default_factory=dict)
    _fixed: dict[Place, set[Grid]] = field(default_factory=dict)
    _grid: dict[Place, Grid] = field(default_factory=dict)

    def type_of(self, name: str, subgraph: int, position: int) -> str:
        """The type that an op computes in."""
        if (subgraph, position) in self.wide:
            return "int16"
        return self.precision(name, subgraph in self.loops)

    def root(self, place: Place) -> Place:
        """The representative of a place's group."""
        while self._parent.get(place, place) != place:
            place = self._parent[place]
        return place

    def range(self, place: Place) -> Range:
        """The range of a place's group."""
        return self._range[self.root(place)]

    def grid(self, place: Place) -> Grid:
        """The grid of a place."""
        return self._grid[self.root(place)]

    def together(self, a: Place, b: Place) -> bool:
        """Whether two places share one grid by construction."""
        return self.root(a) == self.root(b)

    def narrow(self, place: Place, values: Range) -> None:
        """Give the group of a place a smaller range; values beyond it saturate."""
        self._range[self.root(place)] = values

    def narrowed(self, place: Place) -> bool:
        """Whether the grid of a place cuts off values that calibration saw, on purpose."""
        seen = self.ranges.get(place)
        return seen is not None and not self.grid(place).covers(seen)

    def _tie(self, a: Place, b: Place) -> None:
        ra, rb = self.root(a), self.root(b)
        if ra != rb:
            self._parent[rb] = ra
            self._range[ra] = union(self._range[ra], self._range[rb])

    def _include(self, place: Place, values: Array) -> None:
        root = self.root(place)
        self._range[root] = union(self._range[root], range_of(values))


def range_of(values: Array) -> Range:
    """Smallest and largest element."""
    return float(np.min(values, initial=np.inf)), float(np.max(values, initial=-np.inf))


def is_float(model: Any, place: Place) -> bool:
    """Whether a place holds float32 values (-1 is no tensor)."""
    subgraph, tensor = place
    if tensor < 0:
        return False
    return flatbuffer.dtype_name(model.subgraphs[subgraph].tensors[tensor]) == "float32"


def constant(model: Any, place: Place) -> Array | None:
    """The content of a float constant, None for anything else."""
    subgraph, index = place
    if index < 0:
        return None
    tensor = model.subgraphs[subgraph].tensors[index]
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0 or flatbuffer.dtype_name(tensor) != "float32":
        return None
    values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
    return values.reshape([int(d) for d in (tensor.shape if tensor.shape is not None else [])])


def make_plan(
    model: Any,
    ranges: Mapping[Place, Range],
    precision: Precision,
    *,
    allow_float: bool,
    wide: frozenset[tuple[int, int]] = frozenset(),
    marked: frozenset[Place] = frozenset(),
) -> Plan:
    """Group the tensors, choose grids.

    Args:
        model: the float model, unchanged by this.
        ranges: smallest and largest value of every float tensor that is no constant.
        precision: the type each op computes in.
        allow_float: keep an op without integer kernel in float, instead of refusing it.
        wide: subgraph and position of ops that compute in int16 in any case.
        marked: see `Plan`.

    Raises:
        UnsupportedError: an op has no integer kernel.
    """
    loops = frozenset(in_loops(model))
    plan = Plan(model, ranges, precision, wide=wide, loops=loops, marked=marked)
    for subgraph, content in enumerate(model.subgraphs):
        for index in range(len(content.tensors)):
            place = (subgraph, index)
            if is_float(model, place) and constant(model, place) is None:
                plan._parent[place] = place
                plan._range[place] = ranges.get(place, (0.0, 0.0))
    _tie_flows(plan)
    ops = list(_float_ops(plan, allow_float))
    joins = []
    for op in ops:
        if op.rule.kind in (Kind.MOVES, Kind.COMPARES):
            joins += _tie_operands(plan, op)
    for target, value in joins:
        _join(plan, target, value)
    _choose_types(plan, ops)
    clip_ranges(plan, _readers(plan, ops), plan._dtype)
    _choose_grids(plan, ops)
    return plan


@dataclass(frozen=True)
class _Op:
    subgraph: int
    position: int
    op: Any
    name: str
    rule: Rule

    def operands(self) -> list[Place]:
        return [(self.subgraph, int(t)) for t in self.op.inputs]

    def results(self) -> list[Place]:
        return [(self.subgraph, int(t)) for t in self.op.outputs]


def _float_ops(plan: Plan, allow_float: bool) -> Any:
    """All ops that touch float values and have a rule, in order.

    Raises:
        UnsupportedError: one has none, and may not stay in float.
    """
    for subgraph, content in enumerate(plan.model.subgraphs):
        for position, op in enumerate(content.operators or []):
            name = flatbuffer.op_name(plan.model, op)
            places = [(subgraph, int(t)) for t in [*op.inputs, *op.outputs]]
            if not any(is_float(plan.model, p) for p in places):
                continue
            rule = RULES.get(name)
            wanted = plan.type_of(name, subgraph, position)
            reason = ""
            if rule is None:
                reason = "no integer kernel"
            elif wanted == "int16" and not rule.int16:
                reason = "no int16 kernel"
            if reason and not allow_float:
                tensor = content.tensors[int(op.outputs[0])]
                raise UnsupportedError(
                    f"{name} (it makes '{flatbuffer.text(tensor.name)}') has {reason} in LiteRT",
                    expected="ops that compute on integers",
                    remedy="Replace the layer that uses it, or allow it to stay in float "
                    "(allow_float=True, --allow-float)",
                )
            if reason:
                plan.kept[subgraph, position] = reason
            elif rule is not None:
                yield _Op(subgraph, position, op, name, rule)


def _tie_flows(plan: Plan) -> None:
    for flow in flows(plan.model):
        for slot in flow.slots:
            floats = [p for p in slot if is_float(plan.model, p)]
            places = [p for p in floats if p in plan._parent]
            for place in places[1:]:
                plan._tie(places[0], place)
            for place in floats:
                values = constant(plan.model, place)
                if values is not None and places:
                    plan._include(places[0], values)


def _tie_operands(plan: Plan, op: _Op) -> list[tuple[Place, Place]]:
    """Tie what must be; gives (result, operand) pairs that may be."""
    operands = [p for p in op.operands() if is_float(plan.model, p)]
    results = [p for p in op.results() if is_float(plan.model, p)]
    if op.rule.kind is Kind.COMPARES:
        results, operands = operands[:1], operands[1:]
        if results[0] not in plan._parent:
            results, operands = operands, results
    joins = []
    for k, place in enumerate(op.operands()):
        if place not in operands:
            continue
        values = constant(plan.model, place)
        if values is not None:
            # A bound that the values never come to may lie far beyond them, and saturates.
            bound = op.name in ("MINIMUM", "MAXIMUM") and width(plan.range(results[0])) > 0.0
            bound = bound or results[0] in plan.marked
            if results[0] in plan._parent and not bound:
                plan._include(results[0], values)
        elif k in op.rule.joined:
            joins.append((results[0], place))
        else:
            plan._tie(results[0], place)
    for place in results[1:]:
        plan._tie(results[0], place)
    return joins


def _join(plan: Plan, target: Place, value: Place) -> None:
    """Tie an operand to the result if neither loses resolution by it."""
    both = width(union(plan.range(target), plan.range(value)))
    smaller = min(width(plan.range(target)), width(plan.range(value)))
    if both <= JOIN_LIMIT * smaller or smaller == 0.0:
        plan._tie(target, value)


def _choose_types(plan: Plan, ops: list[_Op]) -> None:
    """A group has the type of the ops that compute its values; int16 if there is one of those."""
    default = plan.precision("", False)
    for place in list(plan._parent):
        plan._dtype.setdefault(plan.root(place), "")
    for op in ops:
        wide = (op.subgraph, op.position) in plan.wide
        if op.rule.kind in (Kind.COMPUTES, Kind.WEIGHTS) or wide or not op.rule.int8:
            for place in op.results():
                if place in plan._parent:
                    root = plan.root(place)
                    wanted = plan.type_of(op.name, op.subgraph, op.position)
                    wanted = wanted if op.rule.int8 else "int16"
                    plan._dtype[root] = max(
                        plan._dtype[root], wanted, key=("", "int8", "int16").index
                    )
    for root, dtype in plan._dtype.items():
        plan._dtype[root] = dtype or default


def _readers(plan: Plan, ops: list[_Op]) -> dict[Place, set[str]]:
    """The ops that read each group's values; "" where all of its range is needed."""
    readers: dict[Place, set[str]] = {}
    for op in ops:
        for place in op.operands():
            if place not in plan._parent or op.rule.kind in (Kind.FLOW, Kind.LOOKS):
                continue
            moved = op.rule.kind is Kind.MOVES and plan.together(place, op.results()[0])
            if not moved:
                readers.setdefault(plan.root(place), set()).add(op.name)
    for place in [(0, int(t)) for t in plan.model.subgraphs[0].outputs]:
        if place in plan._parent:
            readers.setdefault(plan.root(place), set()).add("")
    for subgraph, position in plan.kept:
        op = plan.model.subgraphs[subgraph].operators[position]
        for t in map(int, op.inputs):
            if (subgraph, t) in plan._parent:
                readers.setdefault(plan.root((subgraph, t)), set()).add("")
    return readers


def _choose_grids(plan: Plan, ops: list[_Op]) -> None:
    for op in ops:
        for place in op.results():
            if place in plan._parent and op.rule.kind in (Kind.COMPUTES, Kind.INT32):
                root = plan.root(place)
                fixed = op.rule.fixed_grid(plan._dtype[root])
                if fixed is not None:
                    plan._fixed.setdefault(root, set()).add(fixed)
    for root, dtype in plan._dtype.items():
        wanted = plan._fixed.get(root, set())
        only = next(iter(wanted)) if len(wanted) == 1 else None
        if only is not None and only.covers(plan._range[root]):
            plan._grid[root] = only
        else:
            plan._grid[root] = grid_of(plan._range[root], dtype)
    _fit_sums(plan, ops)


FINEST = {"int8": 2.0**-18, "int16": 2.0**-13}
"""A sum's step, relative to that of its operands: the kernels of ADD and SUB end the process at
2**-19 and 2**-14."""


def _fit_sums(plan: Plan, ops: list[_Op]) -> None:
    """Where a sum is much smaller than its operands, coarser steps for it.

    An operand that was zero throughout has no scale of its own: it takes the sum's.
    """
    for op in ops:
        if op.name not in ("ADD", "SUB"):
            continue
        result = op.results()[0]
        operands = [p for p in op.operands() if p in plan._parent]
        for place in operands:
            if width(plan.range(place)) == 0.0 and width(plan.range(result)) > 0.0:
                root = plan.root(place)
                plan._grid[root] = replace(plan._grid[root], scale=plan.grid(result).scale)
        dtype = plan.type_of(op.name, op.subgraph, op.position)
        steps = [plan.grid(p).scale for p in operands]
        steps += [
            grid_of(range_of(values), dtype, headroom=False).scale
            for p in op.operands()
            if (values := constant(plan.model, p)) is not None
        ]
        least = max(steps, default=0.0) * FINEST[dtype]
        grid = plan.grid(result)
        if grid.scale < least:
            plan._grid[plan.root(result)] = replace(grid, scale=float(np.float32(least)))
