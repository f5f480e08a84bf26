"""The ops through which a mask's constant may pass: ops that move values, and plain arithmetic.

What enters: the kind of an op. What leaves: which operands the op hands on, or how it computes on
ranges. Pure data. All other ops either end a mask (`ends`) or need the true value of the constant.
"""

from __future__ import annotations

from collections.abc import Callable

from rnnlite.quantization.params import Range
from rnnlite.quantization.plan import cases

_FIRST = (
    "RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE SLICE STRIDED_SLICE SPLIT_V UNPACK GATHER GATHER_ND "
    "REVERSE_V2 REVERSE_SEQUENCE TILE BROADCAST_TO MIRROR_PAD PAD SPACE_TO_BATCH_ND "
    "BATCH_TO_SPACE_ND DEPTH_TO_SPACE SPACE_TO_DEPTH"
)

MOVED: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_FIRST.split(), (0,)),
    "SPLIT": (1,),
    "FILL": (1,),
    "PADV2": (0, 2),
    "SELECT": (1, 2),
    "SELECT_V2": (1, 2),
    "DYNAMIC_UPDATE_SLICE": (0, 1),
    "PACK": (),
    "CONCATENATION": (),
}
"""The operands whose elements an op hands on; () for all of them."""

ADDS_ZEROS = ("PAD", "SPACE_TO_BATCH_ND")

ARITHMETIC: dict[str, Callable[[Range, Range], Range]] = {
    "ADD": cases.add,
    "SUB": cases.subtract,
    "MUL": cases.multiply,
    "DIV": cases.divide,
    "MAXIMUM": cases.maximum,
    "MINIMUM": cases.minimum,
}
