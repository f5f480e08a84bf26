"""What each LiteRT op demands of the scales and zero points of its operands and results.

What enters: the kind of an op. What leaves: its `Rule`, and the versions of the op that take int8
and int16. Pure data.

The sources are the checks in LiteRT's kernels, and the quantization specification. An op that is
not here has no integer kernel that rnnlite knows of, and is refused by name in the integer modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from rnnlite.quantization.params import QuantizationParams


class Kind(Enum):
    """How an op treats its float operands and results."""

    SAME_SCALE = "moves values: operands and results share one scale and zero point"
    FREE_SCALE = "computes: each operand and result has a scale of its own"
    WEIGHTED = "multiplies by constant weights"
    INT32 = "computes in int32 alone, between an int16 operand and an int16 result"
    COMPARES = "compares: operands share one scale and are read as int32, the result is no number"
    SHAPE_ONLY = "reads the shape or the order of values alone"
    FLOW = "control flow: scales are tied by the subgraphs"


@dataclass(frozen=True)
class Rule:
    """The demands of one kind of op.

    Attributes:
        kind: see `Kind`.
        joined: for SAME_SCALE, indices of operands that need not be in one group with the result:
            they may be requantized to its scale.
        fixed: the scales and zero points that the kernel prescribes for its result.
        int16, int8: whether there is a kernel for int16, for int8.
        data, weights, bias: for WEIGHTED, the indices of these operands.
        axis: for WEIGHTED, the axis of the output channels.
    """

    kind: Kind
    joined: tuple[int, ...] = ()
    fixed: tuple[QuantizationParams, QuantizationParams] | None = None
    int16: bool = True
    int8: bool = True
    data: int = 0
    weights: int = 1
    bias: int = 2
    axis: int = 0

    def fixed_params(self, dtype: str) -> QuantizationParams | None:
        """The parameters that the kernel prescribes for its result in a type; None for none."""
        if self.fixed is None:
            return None
        return self.fixed[0] if dtype == "int8" else self.fixed[1]


_UNIT = (QuantizationParams("int8", 2.0**-8, -128), QuantizationParams("int16", 2.0**-15, 0))
_SIGNED_UNIT = (QuantizationParams("int8", 2.0**-7, 0), QuantizationParams("int16", 2.0**-15, 0))
_COUNT = (QuantizationParams("int8", 1.0, 0), QuantizationParams("int16", 1.0, 0))


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    """The same rule for several ops."""
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **_each(
        "RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE SLICE STRIDED_SLICE SPLIT SPLIT_V UNPACK GATHER "
        "GATHER_ND REVERSE_V2 TILE BROADCAST_TO PAD MIRROR_PAD MAX_POOL_2D "
        "AVERAGE_POOL_2D REDUCE_MAX REDUCE_MIN FILL SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND "
        "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
        Rule(Kind.SAME_SCALE),
    ),
    **_each("DEPTH_TO_SPACE SPACE_TO_DEPTH", Rule(Kind.SAME_SCALE, int16=False)),
    "REVERSE_SEQUENCE": Rule(Kind.SAME_SCALE, int8=False),
    **_each("PACK CONCATENATION", Rule(Kind.SAME_SCALE, joined=tuple(range(64)))),
    **_each("MAXIMUM MINIMUM", Rule(Kind.SAME_SCALE, joined=(0, 1))),
    **_each("SELECT SELECT_V2", Rule(Kind.SAME_SCALE, joined=(1, 2))),
    "DYNAMIC_UPDATE_SLICE": Rule(Kind.SAME_SCALE, joined=(1,)),
    "PADV2": Rule(Kind.SAME_SCALE, joined=(2,)),
    **_each(
        "ADD SUB MUL DIV RELU RELU6 LEAKY_RELU ABS EXP LOG RSQRT SQRT MEAN SUM BATCH_MATMUL "
        "REDUCE_PROD "
        "QUANTIZE",
        Rule(Kind.FREE_SCALE),
    ),
    **_each(
        "ELU GELU HARD_SWISH PRELU SQUARED_DIFFERENCE RELU_0_TO_1 RELU_N1_TO_1",
        Rule(Kind.FREE_SCALE, int16=False),
    ),
    **_each("LOGISTIC SOFTMAX", Rule(Kind.FREE_SCALE, fixed=_UNIT)),
    "TANH": Rule(Kind.FREE_SCALE, fixed=_SIGNED_UNIT),
    "L2_NORMALIZATION": Rule(Kind.FREE_SCALE, fixed=_SIGNED_UNIT, int16=False),
    "LOG_SOFTMAX": Rule(
        Kind.FREE_SCALE,
        fixed=(QuantizationParams("int8", 2.0**-4, 127), QuantizationParams("int16", 1.0, 0)),
        int16=False,
    ),
    "CAST": Rule(Kind.FREE_SCALE, fixed=_COUNT),
    **_each("FULLY_CONNECTED CONV_2D", Rule(Kind.WEIGHTED)),
    "DEPTHWISE_CONV_2D": Rule(Kind.WEIGHTED, axis=3),
    "TRANSPOSE_CONV": Rule(Kind.WEIGHTED, data=2, bias=3),
    **_each(
        "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL ARG_MAX ARG_MIN",
        Rule(Kind.COMPARES),
    ),
    "CUMSUM": Rule(Kind.INT32),
    **_each("SIN COS", Rule(Kind.INT32, fixed=_SIGNED_UNIT)),
    **_each("SHAPE RANK", Rule(Kind.SHAPE_ONLY)),
    **_each("WHILE IF", Rule(Kind.FLOW)),
}

WAVES = {"SIN": np.sin, "COS": np.cos}

VERSIONS: dict[str, tuple[int, int]] = {
    "ABS": (2, 3),
    "ADD": (2, 3),
    "SUB": (2, 5),
    "MUL": (2, 4),
    "DIV": (2, 2),
    "RELU": (2, 3),
    "RELU6": (2, 3),
    "TANH": (2, 3),
    "LOGISTIC": (2, 3),
    "SOFTMAX": (2, 3),
    "LEAKY_RELU": (1, 2),
    "AVERAGE_POOL_2D": (2, 3),
    "MAX_POOL_2D": (2, 3),
    "CONV_2D": (3, 8),
    "DEPTHWISE_CONV_2D": (3, 5),
    "TRANSPOSE_CONV": (2, 4),
    "FULLY_CONNECTED": (5, 11),
    "BATCH_MATMUL": (2, 3),
    "CONCATENATION": (2, 3),
    "PAD": (2, 3),
    "PADV2": (2, 3),
    "MIRROR_PAD": (2, 3),
    "GATHER": (2, 4),
    "GATHER_ND": (2, 3),
    "TRANSPOSE": (2, 4),
    "MEAN": (2, 3),
    "SUM": (2, 2),
    "REDUCE_MAX": (2, 3),
    "REDUCE_PROD": (2, 2),
    "REDUCE_MIN": (2, 3),
    "SPLIT": (2, 4),
    "SPLIT_V": (2, 2),
    "SQUEEZE": (1, 2),
    "STRIDED_SLICE": (2, 4),
    "SLICE": (2, 4),
    "EXP": (2, 2),
    "LOG": (2, 2),
    "RSQRT": (2, 3),
    "SQRT": (2, 2),
    "MAXIMUM": (2, 4),
    "MINIMUM": (2, 4),
    "SELECT": (2, 3),
    "PACK": (2, 3),
    "UNPACK": (2, 4),
    "FILL": (3, 3),
    "REVERSE_V2": (2, 3),
    "TILE": (2, 2),
    "BROADCAST_TO": (3, 3),
    "SPACE_TO_BATCH_ND": (2, 3),
    "BATCH_TO_SPACE_ND": (2, 3),
    "DEPTH_TO_SPACE": (2, 2),
    "SPACE_TO_DEPTH": (2, 2),
    "RESIZE_BILINEAR": (2, 3),
    "RESIZE_NEAREST_NEIGHBOR": (2, 4),
    "SQUARED_DIFFERENCE": (2, 2),
    "LOG_SOFTMAX": (2, 2),
    "L2_NORMALIZATION": (2, 2),
    "QUANTIZE": (1, 2),
    "DYNAMIC_UPDATE_SLICE": (1, 4),
    "CAST": (1, 4),
}
"""Kind of op -> the smallest versions with an int8 kernel and an int16 kernel; else 1."""
