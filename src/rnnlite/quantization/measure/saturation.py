"""Find the states of a stream that leave their ranges in long use.

What enters: the function of a chunk in float, the layout with the scales of its states, a long
sequence. What leaves: warnings. A state is fed back: what its range cuts off is lost for all later
steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlite.quantization.calibration import Samples
from rnnlite.quantization.chunks import Chunk
from rnnlite.quantization.measure.culprits import SLACK
from rnnlite.quantization.params import LIMITS, Array, QuantizationParams
from rnnlite.quantization.stream_calibration import calibrate_stream
from rnnlite.streaming.layout import Layout


def saturation_warnings(
    chunk: Chunk, layout: Layout, samples: Samples, rows: Sequence[list[Array]]
) -> list[str]:
    """Warnings on states whose values leave their ranges.

    Args:
        chunk: the function of a chunk, in float.
        layout: the layout of the quantized function, with the scales of its states.
        samples: the calibration data.
        rows: long sequences: for each, one array for each input, without batch axis. Empty where
            none can be put together.

    Raises:
        AbortError: the LiteRT runtime ends its process on the float model.
    """
    known = {
        s.name: QuantizationParams(s.dtype, s.scale, s.zero_point)
        for s in layout.states
        if s.dtype in LIMITS and s.scale is not None and s.zero_point is not None
    }
    if not rows or not known:
        return []
    used = [list(row) for row in rows]
    steps = max((a.shape[0] for row in used for a in row if a.ndim), default=1)
    seen = calibrate_stream(chunk.model, chunk.signature, replace(samples, used=used)).values
    warnings = []
    for state, _, after in chunk.states(chunk.model):
        if state.name not in known or after not in seen:
            continue
        low, high = known[state.name].range
        (least, most), slack = seen[after], SLACK * (high - low)
        if least < low - slack or most > high + slack:
            warnings.append(
                f"state '{state.name}' saturates: within {steps:,} steps it takes values from "
                f"{least:.4g} to {most:.4g}, and its range is {low:.4g} to {high:.4g}. Give "
                "calibration samples of such lengths, or reset the stream sooner"
            )
    return warnings
