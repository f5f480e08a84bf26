"""What a form of an op is: see `forms`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True)
class X:
    """An input of the probed type; `positive`: all elements above zero."""

    shape: tuple[int, ...]
    positive: bool = False
    type: str = ""


@dataclass(frozen=True)
class C:
    """A constant of int32, or of another type; "weights" are int8 with float inputs too."""

    values: npt.ArrayLike
    type: str = "int32"


@dataclass(frozen=True)
class Form:
    """One op.

    Attributes:
        op: its name.
        operands: what it reads.
        results: the shapes that it makes; their type is the probed one, or `result`.
        types: to try it in.
        result: the type of the results, if it is another one.
        same: whether results have the operand's scale.
        table: its options in the schema.
        options: by the schema's names.
        note: tells forms of one op apart.
    """

    op: str
    operands: Sequence[X | C]
    results: Sequence[tuple[int, ...]]
    types: str
    result: str = ""
    same: bool = True
    table: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""


ALL = "float32 int8 int16 int32 bool"
NUMBERS = "float32 int8 int16 int32"
REALS = "float32 int8 int16"
S = (2, 3, 4)
AXIS = C([1])
