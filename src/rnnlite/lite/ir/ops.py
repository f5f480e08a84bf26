"""An op: what it reads, what it makes, its options, and the graphs that it runs.

What enters: a kind, a version, options, operands and results. What leaves: an `Op`, which its graph
keeps in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnlite.lite.ir.values import Use, Value

if TYPE_CHECKING:
    from rnnlite.lite.ir.graph import Graph

Option = object
"""A number, a bool or a list of integers: see `Op.integer`, `Op.real` and `Op.numbers`."""

TABLES = {
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "ADD": "AddOptions",
    "BROADCAST_TO": "BroadcastToOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "CUMSUM": "CumsumOptions",
    "DIV": "DivOptions",
    "DYNAMIC_UPDATE_SLICE": "DynamicUpdateSliceOptions",
    "EQUAL": "EqualOptions",
    "FILL": "FillOptions",
    "FLOOR_DIV": "FloorDivOptions",
    "FLOOR_MOD": "FloorModOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "IF": "IfOptions",
    "LESS": "LessOptions",
    "LOGICAL_AND": "LogicalAndOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "PACK": "PackOptions",
    "PAD": "PadOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "REDUCE_MAX": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SELECT_V2": "SelectV2Options",
    "SHAPE": "ShapeOptions",
    "SLICE": "SliceOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SUM": "ReducerOptions",
    "UNPACK": "UnpackOptions",
    "WHILE": "WhileOptions",
}
"""Kind of op -> the schema's table of its options, for all kinds that passes make."""


class OpCode:
    """A kind of op in a version; a file has a list of them.

    Attributes:
        kind: "FULLY_CONNECTED", or "CUSTOM:" and a name.
        version: the version that the runtime must have.
    """

    __slots__ = ("kind", "version")

    def __init__(self, kind: str, version: int) -> None:
        self.kind, self.version = kind, version

    def __repr__(self) -> str:
        return f"{self.kind} {self.version}"


class Op:
    """An op of one graph. Made by `Graph.op`; a graph takes it by `append`, `insert` or `replace`.

    Attributes:
        code: its kind and version.
        graph: the graph that it is in; None before it is inserted and after it is removed.
        table: the schema's name of its table of options; "" for none.
        options: options by the schema's names. One that is missing is zero.
        branches: the graphs that it runs: condition and body of a WHILE, then and else of an IF.
        extra: further fields, as the file has them; no pass looks at them.
    """

    __slots__ = (
        "_before",
        "_behind",
        "_inputs",
        "_outputs",
        "branches",
        "code",
        "extra",
        "graph",
        "intermediates",
        "options",
        "table",
    )

    def __init__(
        self,
        code: OpCode,
        inputs: Iterable[Value | None],
        outputs: Iterable[Value],
        table: str = "",
        options: Mapping[str, Option] | None = None,
    ) -> None:
        self.code = code
        self.graph: Graph | None = None
        self.table = table
        self.options: dict[str, Option] = dict(options or {})
        self.branches: tuple[Graph, ...] = ()
        self.intermediates: tuple[Value | None, ...] = ()
        self.extra: dict[str, object] = {}
        self._before: Op | None = None
        self._behind: Op | None = None
        self._inputs: tuple[Value | None, ...] = ()
        self._outputs: tuple[Value, ...] = ()
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    def __repr__(self) -> str:
        made = ", ".join(map(repr, self.outputs))
        return (
            f"{made} = {self.kind}({', '.join('-' if v is None else v.label for v in self.inputs)})"
        )

    @property
    def kind(self) -> str:
        """The kind of op: "FULLY_CONNECTED", or "CUSTOM:" and a name."""
        return self.code.kind

    @property
    def following(self) -> Op | None:
        """The next op of its graph; None for the last."""
        return self._behind

    @property
    def version(self) -> int:
        """The version that the runtime must have."""
        return self.code.version

    # Operands and results

    @property
    def inputs(self) -> tuple[Value | None, ...]:
        """Its operands; None for one that is left out."""
        return self._inputs

    @inputs.setter
    def inputs(self, inputs: Iterable[Value | None]) -> None:
        for place, value in enumerate(self._inputs):
            if value is not None:
                del value._uses[Use(self, place)]
        self._inputs = tuple(inputs)
        for place, value in enumerate(self._inputs):
            if value is not None:
                value._uses[Use(self, place)] = None

    @property
    def outputs(self) -> tuple[Value, ...]:
        """Its results."""
        return self._outputs

    @outputs.setter
    def outputs(self, outputs: Iterable[Value]) -> None:
        for value in self._outputs:
            if value.producer is self:
                value.producer = None
        self._outputs = tuple(outputs)
        for value in self._outputs:
            value.producer = self

    @property
    def operands(self) -> tuple[Value, ...]:
        """The operands that are not left out."""
        return tuple(v for v in self._inputs if v is not None)

    @property
    def output(self) -> Value:
        """Its first result."""
        return self._outputs[0]

    def input(self, place: int) -> Value:
        """The operand at an index.

        Raises:
            ValueError: the operand is left out.
        """
        value = self._inputs[place] if place < len(self._inputs) else None
        if value is None:
            raise ValueError(f"{self!r} has no operand {place}")
        return value

    def operand(self, place: int) -> Value | None:
        """The operand at an index; None where it is left out."""
        return self._inputs[place] if place < len(self._inputs) else None

    def set_input(self, place: int, value: Value | None) -> None:
        """Replace the operand at an index."""
        self.inputs = (*self._inputs[:place], value, *self._inputs[place + 1 :])

    # Options

    def integer(self, field: str) -> int:
        """An option that is a whole number; 0 where it is missing.

        Raises:
            TypeError: it is something else.
        """
        found = self.options.get(field)
        if found is None:
            return 0
        if not isinstance(found, (int, np.integer)):
            raise TypeError(f"option {field} of {self.kind} is no integer: {found!r}")
        return int(found)

    def flag(self, field: str) -> bool:
        """An option that is a bool; False where it is missing."""
        return bool(self.integer(field))

    def real(self, field: str) -> float:
        """An option that is a real number; 0 where it is missing.

        Raises:
            TypeError: it is something else.
        """
        found = self.options.get(field)
        if found is None:
            return 0.0
        if not isinstance(found, (int, float, np.number)):
            raise TypeError(f"option {field} of {self.kind} is no number: {found!r}")
        return float(found)

    def numbers(self, field: str) -> tuple[int, ...] | None:
        """An option that is a list of integers; None where it is missing.

        Raises:
            TypeError: it is something else.
        """
        found = self.options.get(field)
        if found is None:
            return None
        if not isinstance(found, (list, tuple, np.ndarray)):
            raise TypeError(f"option {field} of {self.kind} is no list: {found!r}")
        return tuple(int(n) for n in found)

    def twin(self, inputs: Iterable[Value | None], outputs: Iterable[Value]) -> Op:
        """A new op of the same kind, version, options and branches, which is not inserted yet."""
        made = Op(self.code, inputs, outputs, self.table, self.options)
        made.branches, made.extra = self.branches, dict(self.extra)
        return made
