"""Where the inputs of a recurrence are projected, as an enum.

What enters: nothing. What leaves: one of three names.
"""

from __future__ import annotations

from enum import Enum


class Projection(Enum):
    """Where the inputs are projected.

    Attributes:
        HOISTED: out of the loop, for all time steps or a chunk of them.
        IN_LOOP: in each step, x W + h U as two products.
        FUSED: in each step as one product, [x, h] with W above U.
    """

    HOISTED = "hoisted"
    IN_LOOP = "in_loop"
    FUSED = "fused"
