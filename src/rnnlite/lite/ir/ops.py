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
"""A number, a truth or a list of integers: see `Op.integer`, `Op.real` and `Op.numbers`."""

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
"""The schema's table of options of each kind of op that passes make."""


class OpCode:
    """A kind of op in a version, as a file lists them.

    Attributes:
        kind: "FULLY_CONNECTED", or "CUSTOM:" and a name.
        version: what of the kind the runtime must know.
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
        graph: the graph that it stands in; None before it is inserted and after it is removed.
        table: the schema's name of its table of options; "" for none.
        options: by the schema's names. What is not there is zero.
        branches: the graphs it runs: condition and body of a WHILE, then and else of an IF.
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
        """What it does: "FULLY_CONNECTED", or "CUSTOM:" and a name."""
        return self.code.kind

    @property
    def following(self) -> Op | None:
        """The op that stands behind it; None for the last."""
        return self._behind

    @property
    def version(self) -> int:
        """What of its kind the runtime must know."""
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
        """The operands that are there."""
        return tuple(v for v in self._inputs if v is not None)

    @property
    def output(self) -> Value:
        """Its first result."""
        return self._outputs[0]

    def input(self, place: int) -> Value:
        """An operand that must be there.

        Raises:
            ValueError: it is left out.
        """
        value = self._inputs[place] if place < len(self._inputs) else None
        if value is None:
            raise ValueError(f"{self!r} has no operand {place}")
        return value

    def operand(self, place: int) -> Value | None:
        """An operand; None where it is left out."""
        return self._inputs[place] if place < len(self._inputs) else None

    def set_input(self, place: int, value: Value | None) -> None:
        """Read another value at one place."""
        self.inputs = (*self._inputs[:place], value, *self._inputs[place + 1 :])

    # Options

    def integer(self, field: str) -> int:
        """A whole number among the options; 0 where it is not there.

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
        """A truth among the options; False where it is not there."""
        return bool(self.integer(field))

    def real(self, field: str) -> float:
        """A real number among the options; 0 where it is not there.

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
        """A list of integers among the options; None where it is not there.

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
        """An op of the same kind, version, options and branches, that stands nowhere yet."""
        made = Op(self.code, inputs, outputs, self.table, self.options)
        made.branches, made.extra = self.branches, dict(self.extra)
        return made
