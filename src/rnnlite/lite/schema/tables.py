"""The schema's tables, and its names and numbers of ops, types and options.

What enters: a number of the schema, or a name. What leaves: the other of the two.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ai_edge_litert import schema_py_generated

# The generated tables have no types: here, and nowhere else, they are Any.
tables: ModuleType = schema_py_generated

Table = Any
"""An object of the schema's generated classes, which have no types."""

GRAPHS = {
    "WhileOptions": ("condSubgraphIndex", "bodySubgraphIndex"),
    "IfOptions": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "CallOnceOptions": ("initSubgraphIndex",),
    "CallOptions": ("subgraph",),
}
"""Table of options -> its options that name a graph. `Op.branches` has these graphs instead."""


def _names(enum: type) -> dict[int, str]:
    return {v: k for k, v in vars(enum).items() if isinstance(v, int) and not k.startswith("_")}


OPS = _names(tables.BuiltinOperator)
TYPES = {number: name.lower() for number, name in _names(tables.TensorType).items()}
OPTIONS = _names(tables.BuiltinOptions)
NUMBERS_OF_TYPES = {name: number for number, name in TYPES.items()}

ACTIVATIONS = {name: number for number, name in _names(tables.ActivationFunctionType).items()}
"""Name of a fused activation -> its number in the schema."""

SAME_PADDING = int(tables.Padding.SAME)

PLACEHOLDER = 127
"""The number in a code's old field for kinds that are newer than the field."""


def type_number(name: str) -> int:
    """The schema's number of a type, for options that name one."""
    return NUMBERS_OF_TYPES[name]
