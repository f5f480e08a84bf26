"""Where the inputs of a recurrence are projected."""

from __future__ import annotations

from enum import Enum


class Place(Enum):
    """Where the inputs are projected.

    Attributes:
        BEFORE: for all time steps, or a block of them, before the loop.
        STEP: in each step, x W + h U as two products.
        JOINED: in each step as one product, [x, h] with W above U.
    """

    BEFORE = "before"
    STEP = "step"
    JOINED = "joined"
