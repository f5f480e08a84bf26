"""The ops that end a mask: they give one result for all values beyond a bound.

A mask points down where it adds a large negative number, up where it adds a large positive one.
What enters: an op, the side to which a mask points, the range of the values that are not masked.
What leaves: the bound. Pure data and arithmetic. Ranges are mirrored where a mask points up, so
that bounds are always below.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlite.quantization.params import Range

MARGIN = {"int8": 8.0, "int16": 16.0}
"""How far masked logits stay below the smallest unmasked one: exp(-8) is 3e-4."""

GONE = 16.0
"""In the float model, a logit so far below the others counts as masked: exp(-16) is 1e-7."""

BELOW = (
    *("SOFTMAX", "EXP", "LOG_SOFTMAX", "LOGISTIC", "TANH", "RELU", "RELU6", "RELU_0_TO_1"),
    *("ELU", "REDUCE_MAX", "MAX_POOL_2D", "ARG_MAX"),
)
"""Ops that end a mask that points down."""

ABOVE = ("LOGISTIC", "TANH", "RELU6", "RELU_0_TO_1", "REDUCE_MIN", "ARG_MIN")
"""Ops that end a mask that points up."""

SATURATED = {
    ("LOGISTIC", -1): 12.0,
    ("LOGISTIC", 1): 12.0,
    ("TANH", -1): 6.0,
    ("TANH", 1): 6.0,
    ("ELU", -1): 8.0,
    ("RELU", -1): 0.0,
    ("RELU6", -1): 0.0,
    ("RELU6", 1): 6.0,
    ("RELU_0_TO_1", -1): 0.0,
    ("RELU_0_TO_1", 1): 1.0,
}
"""(Op, side) -> the size of an operand from which on the op gives its limit."""


@dataclass(frozen=True)
class Bound:
    """The value below which an op takes a value for minus infinity; for a mask that points down.

    Attributes:
        enough: the bound that a stand-in has to reach.
        true: the bound in the float model: a value above this bound is not masked.
    """

    enough: float
    true: float


def flipped(values: Range, side: int) -> Range:
    """A range as it is where the mask points down (-1), mirrored where it points up (1)."""
    return values if side < 0 else (-values[1], -values[0])


def bound_of(name: str, side: int, plain: Range, dtype: str) -> Bound:
    """The bound of an op.

    Args:
        name: the kind of the op, one of `BELOW` or `ABOVE`.
        side: -1 where the mask points down, 1 where it points up.
        plain: the range of the unmasked values, flipped by the side.
        dtype: the type that the op computes in.
    """
    low, high = plain
    if name in ("SOFTMAX", "EXP", "LOG_SOFTMAX"):
        return Bound(low - MARGIN[dtype], low - GONE)
    if (name, side) in SATURATED:
        limit = -SATURATED[name, side]
        return Bound(min(low, limit), min(low, limit) - 1.0)
    extent = high - low
    return Bound(low - 0.05 * extent - 1e-3, low - extent - 1.0)
