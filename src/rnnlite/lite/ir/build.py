"""Build ops at one place of a graph, with the values that they need.

What enters: a place in a graph; kinds of ops, operands, shapes and types. What leaves: the values
that the new ops make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rnnlite.lite.ir.graph import Graph
from rnnlite.lite.ir.ops import Op, Option
from rnnlite.lite.ir.values import Array, Quantization, Value

VERSIONS = {"BROADCAST_TO": 2, "GATHER": 2, "LESS": 2, "REDUCE_MAX": 2, "SLICE": 2, "SUB": 2}
"""Kind of op -> version, where version 1 does not exist, or does not take integers and bools."""


class Builder:
    """Adds ops to a graph, one behind the other.

    Args:
        graph: the graph that gets the ops and values.
        before: the op in front of which the new ops are inserted; the end, if None.
    """

    def __init__(self, graph: Graph, before: Op | None = None) -> None:
        self.graph = graph
        self.before = before
        self._constants: dict[tuple[str, bytes, tuple[int, ...], Quantization | None], Value] = {}

    def argument(
        self,
        shape: Sequence[int],
        type: str = "int32",
        quantization: Quantization | None = None,
        *,
        free: bool = False,
    ) -> Value:
        """A new value that is an input of the graph."""
        made = self.value(shape, type, quantization, free=free)
        self.graph.inputs = [*self.graph.inputs, made]
        return made

    def value(
        self,
        shape: Sequence[int],
        type: str = "int32",
        quantization: Quantization | None = None,
        *,
        free: bool = False,
    ) -> Value:
        """A new value. With `free`, its first axis is free, and the given size a placeholder."""
        signature = [-1, *shape[1:]] if free else None
        return self.graph.value(type, shape, signature, quantization=quantization)

    def constant(
        self,
        values: npt.ArrayLike,
        type: str = "int32",
        quantization: Quantization | None = None,
    ) -> Value:
        """A constant; for equal ones, the same value is given."""
        array: Array = np.asarray(values, type)
        key = type, array.tobytes(), array.shape, quantization
        if key not in self._constants:
            self._constants[key] = self.graph.constant(array, quantization=quantization)
        return self._constants[key]

    def add(
        self,
        kind: str,
        inputs: Iterable[Value | None],
        outputs: Iterable[Value],
        *,
        branches: Iterable[Graph] = (),
        **options: object,
    ) -> Op:
        """Insert an op that makes given values.

        Args:
            kind: e.g. "ADD".
            inputs, outputs: values of the graph.
            branches: the graphs that it runs.
            options: options by the schema's names.
        """
        return self._insert(kind, inputs, outputs, options, branches)

    def make(
        self,
        kind: str,
        inputs: Iterable[Value | None],
        shape: Sequence[int] = (),
        type: str = "int32",
        quantization: Quantization | None = None,
        *,
        free: bool = False,
        **options: object,
    ) -> Value:
        """Insert an op with one result, and give the result.

        Args:
            kind, inputs: the kind of the op, and its operands.
            shape, type, quantization, free: those of the result; see `value`.
            options: options of the op, by the schema's names.
        """
        result = self.value(shape, type, quantization, free=free)
        self._insert(kind, inputs, [result], options, ())
        return result

    def _insert(
        self,
        kind: str,
        inputs: Iterable[Value | None],
        outputs: Iterable[Value],
        options: Mapping[str, Option],
        branches: Iterable[Graph],
    ) -> Op:
        version = VERSIONS.get(kind, 1)
        op = self.graph.op(
            kind, inputs, outputs, version=version, options=options, branches=branches
        )
        self.graph.insert(self.before, op)
        return op
