"""Which ops of the function of a chunk mean the same as which ops of the whole function.

What enters: what the emitter noted. What leaves: `Twins`.

Data, without TensorFlow. In an integer file, twins have one scale and zero point, so that an
integer stands for the same number in both signatures. `quantization.plan.twins` finds the values
of the two models by these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Twins:
    """Names of ops and numbers of recurrences.

    Attributes:
        ops: name of an op in the function of a chunk -> names of the ops of the whole function
            whose rows the op gives.
        scans: number of a lowered Scan in the function of a chunk -> its number in the whole one.
    """

    ops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scans: Mapping[int, int] = field(default_factory=dict)
