"""What of the function of a chunk means the same as what of the whole sequence's function.

What enters: what the emitter noted. What leaves: `Twins`.

Data, without TensorFlow. Integers stand for the same numbers in both only if such values share
one scale and zero point: `quantization.plan.twins` finds the values of the two models by this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Twins:
    """Names of ops and numbers of recurrences.

    Attributes:
        ops: name of an op of the chunk's function -> of the ops whose results it gives rows of.
        scans: number of a Scan as it is lowered in the chunk's function -> in the other.
    """

    ops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scans: Mapping[int, int] = field(default_factory=dict)
