"""One walk through a float model: which tensors hold a mask's constant, and where each path ends.

What enters: the model, the range of each tensor, the stand-ins at their present sizes. What leaves:
the cases of every tensor; the constants whose true value a reader needs; the constants that meet in
one op; and by how much each stand-in is too small for the bound of an end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnnlite.lite import ir
from rnnlite.lite.control_flow import Flow, flows, in_loops
from rnnlite.lite.ir import Op
from rnnlite.quantization.ops import RULES, Kind
from rnnlite.quantization.params import HEADROOM, Range
from rnnlite.quantization.plan import cases
from rnnlite.quantization.plan.cases import Cases, Constant
from rnnlite.quantization.plan.ends import ABOVE, BELOW, Bound, bound_of, flipped
from rnnlite.quantization.plan.origins import Origins
from rnnlite.quantization.plan.paths import ADDS_ZEROS, ARITHMETIC, MOVED

ONE = 1e-6
"""How far from 1 the larger of the two values of a mask may be, where a LOG reads the mask."""

SWEEPS = 20
"""How often a model with loops is gone through. If cases still change then, no constant of the
model is replaced."""

ENTERED = 3
"""After so many times, each body was gone through with the values that its loop hands in."""

SETTLED = 8
"""After so many times, a value without a mask that still changes in a loop is a counter."""

Precision = Callable[[str, bool], str]


@dataclass(frozen=True)
class Softened:
    """What a walk gives for the plan.

    Attributes:
        ranges: the ranges of tensors that a mask reaches; they replace the calibrated ones.
        again: whether to calibrate again: masked values went through a maximum, so the ranges
            behind it were calibrated with the old constants.
        replaced: ops that were replaced -> the new ops.
    """

    ranges: Mapping[ir.Value, Range]
    again: bool
    replaced: Mapping[Op, Op] = field(default_factory=dict)

    def present(self, ops: frozenset[Op]) -> frozenset[Op]:
        """The same ops, the new one in the place of each that was replaced."""
        return frozenset(self.replaced.get(op, op) for op in ops)


@dataclass(eq=False)
class _Ends:
    """How a tensor that a mask reaches is read."""

    bounds: dict[int, list[float]] = field(default_factory=lambda: {-1: [], 1: []})
    passed: list[ir.Value] = field(default_factory=list)
    whole: bool = False


class Walk:
    """One walk through the model, with the stand-ins at their present sizes."""

    def __init__(
        self,
        model: ir.Model,
        ranges: Mapping[ir.Value, Range],
        precision: Precision,
        binary: Sequence[int],
        origins: Origins,
    ) -> None:
        self.model, self.ranges, self.precision, self.origins = model, ranges, precision, origins
        self.loops = in_loops(model)
        self.values: dict[ir.Value, Cases] = {
            model.main.inputs[n]: cases.points((0.0, 1.0)) for n in binary
        }
        self.fixed = set(self.values)
        self.refused: frozenset[int] = frozenset()
        self.meetings: set[frozenset[int]] = set()
        self.lacking: dict[frozenset[int], float] = {}
        self.ends: dict[ir.Value, _Ends] = {}
        self.maxima: list[tuple[ir.Value, ir.Value]] = []
        self.logarithms: dict[int, tuple[float, float]] = {}

    def run(self) -> Walk:
        """Go through the model until no cases change: a loop hands values to its own beginning."""
        ties = list(flows(self.model))
        for sweep in range(SWEEPS):
            before = dict(self.values)
            self.refused, self.meetings = frozenset(), set()
            self.lacking, self.ends, self.maxima, self.logarithms = {}, {}, [], {}
            self._sweep()
            self._tie(ties, sweep)
            if not ties or (self.values == before and sweep > ENTERED):
                break
        else:
            self._refuse(*self.values.values())
        for result in self.model.main.outputs:
            self._need(result)
        return self

    def outcome(self) -> Softened:
        """The ranges of all tensors that a mask reaches."""
        found: dict[ir.Value, Range] = {}
        for tensor, value in self.values.items():
            if tensor.type != "float32":
                continue
            low, high = value.range
            if value.is_moved:
                below, above = self._cut(tensor, -1), self._cut(tensor, 1)
                low = low if below is None else max(low, below)
                high = high if above is None else min(high, above)
            found[tensor] = (low, high)
        again = False
        for operand, result in self.maxima:
            seen = self.ranges.get(result)
            if seen is not None and operand in found:
                low, high = found[operand]
                again = again or seen[0] < low or seen[1] > high
                found[result] = (max(seen[0], low), min(seen[1], high))
        return Softened(found, again)

    def _cut(self, tensor: ir.Value, side: int) -> float | None:
        """The bound of all ends of a tensor; None where some reader needs its whole range."""
        value, ends = self.values.get(tensor), self.ends.get(tensor)
        if value is None or not value.is_moved:
            return None
        if ends is None or ends.whole or not all(c.is_point or c.swallows for c in value.moved):
            return None
        bounds = [side * b for b in ends.bounds[side]]
        for result in ends.passed:
            cut = self._cut(result, side)
            if cut is None:
                return None
            bounds.append(side * cut)
        return side * max(bounds) if bounds else None

    # Reading

    def _read(self, op: Op, operand: int) -> Cases | None:
        tensor = op.operand(operand)
        if tensor is None:
            return None
        constant = self.origins.constant(tensor)
        if constant is not None:
            return constant.value(*(self.origins.size(op, operand) or ()))
        return self._value(tensor)

    def _value(self, tensor: ir.Value) -> Cases | None:
        known = self.values.get(tensor)
        if known is not None:
            return known
        if tensor.type == "bool":
            return cases.points((0.0, 1.0))
        seen = self.ranges.get(tensor) if tensor.type == "float32" else None
        return cases.ordinary(seen) if seen is not None else None

    def _ends_of(self, tensor: ir.Value) -> _Ends:
        return self.ends.setdefault(tensor, _Ends())

    def _need(self, tensor: ir.Value) -> None:
        """Some reader needs the true values of a tensor."""
        value = self.values.get(tensor)
        if value is not None and value.is_moved:
            self._refuse(value)

    def _refuse(self, *values: Cases | None) -> None:
        self.refused |= frozenset().union(*(v.origins for v in values if v is not None))

    # Ops

    def _sweep(self) -> None:
        for op in self.model.ops():
            rule = RULES.get(op.kind)
            if rule is None or rule.kind not in (Kind.FLOW, Kind.SHAPE_ONLY):
                self._visit(op)

    def _visit(self, op: Op) -> None:
        name = op.kind
        reads = RULES.get(name) is not None and RULES[name].kind is Kind.COMPARES
        reads = reads or name in MOVED or name in ARITHMETIC
        read = [
            self._read(op, k) if reads else None if tensor is None else self.values.get(tensor)
            for k, tensor in enumerate(op.inputs)
        ]
        moved = [v for v in read if v is not None and v.is_moved]
        if len(moved) > 1:
            self.meetings.add(frozenset().union(*(v.origins for v in moved)))
        value: Cases | None = None
        if name in MOVED:
            value = self._handed_on(op, read)
        elif name in ARITHMETIC:
            value = self._computed(op, read)
        elif name == "CAST":
            value = self._cast(op, self._read(op, 0))
        elif name == "LOG" and read[0] is not None and read[0].is_finite:
            value = self._logarithm(op, read[0])
        elif name == "SQRT" and read[0] is not None and read[0].is_finite:
            value = self._root(read[0])
        elif name in BELOW or name in ABOVE:
            self._end_mask(op, read[0])
        elif reads:
            if moved and (None in read or not cases.same_order(*[v for v in read[:2] if v])):
                self._refuse(*moved)
        elif moved:
            self._refuse(*moved)
        for tensor in op.outputs:
            if value is not None and (value.is_moved or value.is_finite):
                self.values[tensor] = value
            elif tensor not in self.fixed:
                self.values.pop(tensor, None)

    def _handed_on(self, op: Op, read: list[Cases | None]) -> Cases | None:
        numbers = MOVED[op.kind] or tuple(range(len(read)))
        values = [read[k] for k in numbers if k < len(read)]
        known = [v for v in values if v is not None]
        if op.kind in ADDS_ZEROS:
            known.append(cases.points((0.0,)))
        if None in values:
            self._refuse(*known)
            return None
        for k in numbers:
            if k < len(read):
                self._ends_of(op.input(k)).passed += op.outputs
        return cases.join(known)

    def _computed(self, op: Op, read: list[Cases | None]) -> Cases | None:
        a, b = read[0], read[1]
        fused = op.integer("fusedActivationFunction")
        if a is None or b is None or (fused and (a.is_moved or b.is_moved)):
            self._refuse(a, b)
            return None
        if fused:
            return None
        if op.kind in ("MAXIMUM", "MINIMUM"):
            return self._extreme(op, a, b)
        return self._combined(op, a, b)

    def _combined(self, op: Op, a: Cases, b: Cases) -> Cases | None:
        """Plain arithmetic, for which both operands are needed whole."""
        for tensor in op.operands:
            self._ends_of(tensor).whole = True
        value = cases.combine(ARITHMETIC[op.kind], a, b)
        if value is None:
            self._refuse(a, b)
        return value

    def _extreme(self, op: Op, a: Cases, b: Cases) -> Cases | None:
        """A maximum ends what is masked downwards, if the other operand is above it."""
        side = -1 if op.kind == "MAXIMUM" else 1
        x, y = op.input(0), op.input(1)
        for tensor, rival, one, other in ((x, y, a, b), (y, x, b, a)):
            far = [c for c in one.moved if c.side == side]
            if far and not other.is_moved and other.plain is not None:
                low, high = flipped(other.plain, side)
                bound = low - 0.02 * (high - low) - 1e-6
                self._demand_bound(tensor, one, side, Bound(bound, low))
                rest = tuple(c for c in one.cases if c not in far)
                value = Cases(rest, one.origins) if rest else None
                self._ends_of(rival).whole = True
                if value is None:
                    return other
                return cases.join(
                    [v for v in (cases.combine(ARITHMETIC[op.kind], value, other), other) if v]
                )
        return self._combined(op, a, b)

    def _cast(self, op: Op, value: Cases | None) -> Cases | None:
        if value is None or not value.is_finite:
            self._refuse(value)
            return None
        if op.output.type == "float32":
            self._ends_of(op.input(0)).whole = True
            return value
        whole = all(float(c.new[0]).is_integer() for c in value.cases)
        if value.is_moved or not whole:
            self._refuse(value)
            return None
        return value

    def _root(self, value: Cases) -> Cases | None:
        held = [c.old[0] for c in value.cases]
        if value.is_moved or min(held) < 0:
            self._refuse(value)
            return None
        return cases.points(np.sqrt(held).tolist())

    def _logarithm(self, op: Op, value: Cases) -> Cases | None:
        held = sorted({c.old[0] for c in value.cases})
        if value.is_moved or held[0] < 0.0:
            self._refuse(value)
            return None
        number = self.origins.numbers[op, -1]
        is_mask = len(held) == 2 and abs(held[1] - 1.0) < ONE
        if held[0] > 0.0:
            if is_mask:
                self.logarithms[number] = held[0], held[1]
            return cases.points(np.log(held).tolist())
        known = self.origins.size(op, -1)
        if known is None or not is_mask:
            return None
        self.logarithms[number] = held[0], held[1]
        return Constant((-np.inf,), (0.0,)).value(*known)

    def _end_mask(self, op: Op, value: Cases | None) -> None:
        if value is None or not value.is_moved:
            return
        name, tensor = op.kind, op.input(0)
        dtype = self.precision(name, tensor.graph in self.loops)
        for side in {c.side for c in value.moved}:
            plain = value.plain
            if plain is None or name not in (BELOW if side < 0 else ABOVE):
                self._refuse(value)
                return
            self._demand_bound(
                tensor, value, side, bound_of(name, side, flipped(plain, side), dtype)
            )
        if name in ("REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D"):
            self.maxima.append((tensor, op.output))

    def _demand_bound(self, tensor: ir.Value, value: Cases, side: int, bound: Bound) -> None:
        """All that is moved to one side must lie beyond a bound, as it does in the float model."""
        self._ends_of(tensor).bounds[side].append(-side * bound.enough)
        for case in value.moved:
            if case.side != side:
                continue
            if flipped(case.old, side)[1] > bound.true:
                self._refuse(value)
                return
            wanted = bound.enough
            if not case.is_point and case.swallows:
                wanted = max(HEADROOM.values()) * min(wanted, 0.0)
            lacking = flipped(case.new, side)[1] - wanted
            if lacking > 0:
                known = self.lacking.get(value.origins, 0.0)
                self.lacking[value.origins] = max(known, lacking)

    # Control flow

    def _tie(self, ties: Sequence[Flow], sweep: int) -> None:
        """Hand values into subgraphs and out of them."""
        given: dict[ir.Value, list[Cases | None]] = {}
        for flow in ties:
            for number, slot in enumerate(flow.slots):
                for tensor in slot:
                    self._ends_of(tensor).whole = True
                sources, targets = self._sources_and_targets(
                    flow, number, slot, entering=sweep < ENTERED
                )
                for tensor in targets:
                    given.setdefault(tensor, []).extend(sources)
        for tensor, values in given.items():
            known = [v for v in values if v is not None]
            value = cases.join(known) if len(known) == len(values) else None
            if value is None:
                self._refuse(*known)
            elif value.is_moved or (
                value.is_finite and (sweep < SETTLED or self.values.get(tensor) == value)
            ):
                self.values[tensor] = value
                continue
            self.values.pop(tensor, None)

    def _sources_and_targets(
        self, flow: Flow, number: int, slot: tuple[ir.Value, ...], *, entering: bool
    ) -> tuple[list[Cases | None], list[ir.Value]]:
        """What a slot's value comes from, and where it goes."""
        if flow.is_loop:
            _, result, *arguments, returned = slot
            start = self._read(flow.op, number)
            # What a body gives back is not known before it was gone through.
            unknown = entering and returned not in self.values
            sources = [start] if unknown else [start, self._returned(returned)]
            return sources, [result, *arguments]
        if number < len(flow.op.inputs) - 1:
            return [self._read(flow.op, number + 1)], list(slot[1:])
        return [self._returned(p) for p in slot[1:]], [slot[0]]

    def _returned(self, tensor: ir.Value) -> Cases | None:
        constant = self.origins.constant(tensor)
        if constant is None:
            return self._value(tensor)
        return constant.value()
