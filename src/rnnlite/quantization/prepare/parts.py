"""Replace an op of a graph by others.

What enters: a graph, and one of its ops after the other. What leaves: new ops in the place of some
ops, and the ops that compute in int16 in every trial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Array, Graph, Op, Value
from rnnlite.lite.ir.ops import TABLES

MOST = 32767
"""The largest integer of int16."""


@dataclass(frozen=True)
class Norm:
    """The root of a sum of squares as a product of two factors: m * length.

    Attributes:
        d: the value that is squared.
        m: the largest of |d|, bounded from below.
        u: d / m.
        length: the root of the sum of squares of u.
        floor: a lower bound of the root; 0 for none.
        inverse: whether the value that is known as this norm is 1 / (m * length).
    """

    d: Value
    m: Value
    u: Value
    length: Value
    floor: float
    inverse: bool = False


class Parts:
    """Adds ops at the place of the op that is replaced, with short ways to write them.

    Attributes:
        graph: the graph that is rewritten.
        wide: the ops that compute in int16 in every trial.
        norms: values that are known to be norms.
        shares: values that hold a share for each time step, as attention does; see `shares`.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.norms: dict[Value, Norm] = {}
        self.shares: list[Value] = []
        self.wide: list[Op] = []
        self._place: Op | None = None

    def stand_for(self, op: Op) -> None:
        """Add new ops in front of an op from now on, until `keep`."""
        self._place = op

    def keep(self, op: Op, *, wide: bool = False) -> None:
        """Leave an op as it is, and add new ops behind it from now on."""
        self._place = op.following
        if wide:
            self.wide.append(op)

    def insert(self, op: Op) -> None:
        """Insert an op that exists."""
        self.graph.insert(self._place, op)

    def add(
        self,
        kind: str,
        inputs: list[Value],
        result: Value | None = None,
        *,
        wide: bool = False,
        like: Value | None = None,
        **options: object,
    ) -> Value:
        """Add an op; gives its result.

        Args:
            kind: e.g. "MUL".
            inputs: its operands.
            result: the value that the op makes; a new one, if not given.
            wide: whether the op computes in int16 in every trial.
            like: the value whose shape a new result has; the first operand, if not given.
            options: by the schema's names.
        """
        made = result
        if made is None:
            made = self.graph.like(inputs[0] if like is None else like, "float32")
        op = self.graph.op(kind, inputs, [made], options=options if kind in TABLES else None)
        self.insert(op)
        if wide:
            self.wide.append(op)
        return made

    def reduce(
        self, kind: str, x: Value, axes: Value, *, keep: bool, result: Value | None = None
    ) -> Value:
        """Add a SUM, MEAN or REDUCE_MAX that computes in int16; `axes` is a constant."""
        known = result is not None
        result = self.add(kind, [x, axes], result, wide=True, keepDims=keep)
        if known:
            return result
        gone = {a % x.rank for a in axes.integers() or ()}

        def left(dims: tuple[int, ...]) -> list[int]:
            return [1 if k in gone else d for k, d in enumerate(dims) if keep or k not in gone]

        result.shape = left(x.shape)
        if x.signature is not None:
            result.signature = left(x.signature)
        return result

    def below_largest(self, x: Value, axes: Value) -> tuple[Value, Value]:
        """Add x - max(x) and its exponential, in int16; the maximum is over constant `axes`."""
        largest = self.reduce("REDUCE_MAX", x, axes, keep=True)
        below = self.add("SUB", [x, largest], wide=True)
        return below, self.add("EXP", [below], wide=True)

    def whole(self, kind: str, x: Value, number: int) -> Value:
        """Add an op on integers and a number, of the integers' type."""
        result = self.graph.like(x)
        bound = self.graph.constant(np.array(number, x.type))
        self.insert(self.graph.op(kind, [x, bound], [result], options={}))
        return result

    def number(self, value: float) -> Value:
        """A scalar constant."""
        return self.graph.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> Value:
        """A vector of int32."""
        return self.graph.constant(np.array(values, np.int32))


# Reading what stands in front


def made_by(value: Value, *kinds: str) -> Op | None:
    """The op that makes a value, if it is of one of these kinds; else None.

    None too where the converter fused a function into the op, as in an ADD with RELU6.
    """
    op = value.producer
    if op is None or op.kind not in kinds or op.integer("fusedActivationFunction"):
        return None
    return op


def scalar(value: Value) -> float | None:
    """The value of a float constant of one element."""
    values: Array | None = value.constant("float32")
    return float(values.reshape(())) if values is not None and values.size == 1 else None


def int32_numbers(value: Value) -> list[int] | None:
    """The content of an int32 constant."""
    return value.integers() if value.type == "int32" else None


def with_scalar(value: Value, kind: str) -> tuple[Value, float] | None:
    """Where a value is an op (`kind`) of an operand and one constant number: both of these."""
    op = made_by(value, kind)
    if op is None:
        return None
    a, b = op.operands
    for x, c in ((a, b), (b, a)) if kind != "SUB" else ((a, b),):
        number = scalar(c)
        if number is not None and x.constant("float32") is None:
            return x, number
    return None


def drop_unread(graph: Graph, kinds: frozenset[str]) -> None:
    """Remove ops of these kinds whose results nothing reads any more."""
    for op in reversed(graph.ops):
        if op.kind in kinds and not any(v.is_read for v in op.outputs):
            graph.remove(op)
