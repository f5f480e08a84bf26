"""How a Scan is lowered: the number of unrolled time steps. Pure, no TensorFlow.

XNNPACK packs a constant once for each FULLY_CONNECTED that reads it, so K unrolled steps hold K
copies of the recurrent kernel. Unrolling pays while these copies stay within half of the L2 cache
(measured: for float K=8 up to 64 LSTM units, 2 at 128, 1 from 256).
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_L2_BYTES = 1 << 20
MAX_UNROLL = 8


@dataclass(frozen=True)
class Schedule:
    """How one Scan's loop is laid out.

    Attributes:
        unroll: time steps an iteration (K), at least 1.
    """

    unroll: int = 1


def choose(
    *,
    recurrent_weights: int,
    hoisted: bool,
    static_batch: bool,
    length: int | None,
    weight_bytes: int = 4,
    l2_bytes: int = DEFAULT_L2_BYTES,
    max_unroll: int = MAX_UNROLL,
) -> Schedule:
    """Choose the schedule of one Scan.

    Args:
        recurrent_weights: weights read at each time step.
        hoisted: False for a traced cell of unknown cost, which is never unrolled.
        static_batch: False where the batch axis is free. Bodies with a free batch take the
            runtime's dynamic path, where unrolling saves little and costs preparation.
        length: the number of time steps, if it is fixed.
        weight_bytes: bytes a weight in the loop.
        l2_bytes: the target's L2 cache a core.
        max_unroll: steps an iteration at most; each takes some 1.2 kB in the file.

    Returns:
        a schedule with the largest power of two K, up to 8, that fits.
    """
    if not hoisted or recurrent_weights <= 0 or not static_batch:
        return Schedule(1)
    unroll = max_unroll
    while unroll > 1 and unroll * recurrent_weights * weight_bytes > l2_bytes // 2:
        unroll //= 2
    if length is not None:
        while unroll > max(length, 1):
            unroll //= 2
    return Schedule(unroll)
