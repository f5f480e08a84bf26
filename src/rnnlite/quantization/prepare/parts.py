"""Build the ops that stand for another one, at its place.

What enters: a graph, and one of its ops after the other. What leaves: ops in the place of some, and
which of all are to compute in int16 in whatever trial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlite.lite.ir import Array, Graph, Op, Value
from rnnlite.lite.ir.ops import TABLES


@dataclass(frozen=True)
class Norm:
    """The root of a sum of squares, in factors: m * length.

    Attributes:
        d: what is squared.
        m: the largest of |d|, bounded from below.
        u: d / m.
        length: the root of the same sum of squares of u.
        floor: what the root is not below; 0 for any.
        inverse: whether the value is 1 / (m * length).
    """

    d: Value
    m: Value
    u: Value
    length: Value
    floor: float
    inverse: bool = False


class Parts:
    """Ops in the place of the current one, and short ways to read what stands in front.

    Attributes:
        graph: that is rewritten.
        wide: the ops that are to compute in int16 in any case.
        norms: the values that are known as such.
        shares: the values that give each step its part of a whole, see `shares`.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.norms: dict[Value, Norm] = {}
        self.shares: list[Value] = []
        self.wide: list[Op] = []
        self._place: Op | None = None

    def stand_for(self, op: Op) -> None:
        """What is added from now on comes in front of an op, until that is kept."""
        self._place = op

    def keep(self, op: Op, *, wide: bool = False) -> None:
        """Leave the current op where it is; what is added from now on comes behind it."""
        self._place = op.following
        if wide:
            self.wide.append(op)

    def insert(self, op: Op) -> None:
        """An op as it is."""
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
        """An op; its result is new unless one is given.

        Args:
            kind: e.g. "MUL".
            inputs: its operands.
            result: the value to make.
            wide: whether it computes in int16 in any case.
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
        """SUM, MEAN or REDUCE_MAX in int16; `axes` is a constant."""
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

    def number(self, value: float) -> Value:
        """A scalar constant."""
        return self.graph.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> Value:
        """A vector of int32."""
        return self.graph.constant(np.array(values, np.int32))


# Reading what stands in front


def made_by(value: Value, *kinds: str) -> Op | None:
    """The op that makes a value, if it is one of these and no more; else None.

    With a function that the converter fused into it, as an ADD with RELU6 has, it is another op.
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
    """The other operand and the number, where a value is an op of one constant number."""
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
    """Take ops of these kinds out of a graph whose results nothing reads any longer."""
    for op in reversed(graph.ops):
        if op.kind in kinds and not any(v.is_read for v in op.outputs):
            graph.remove(op)
