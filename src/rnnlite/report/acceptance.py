"""Refuse a quantized result that is too far from its source.

What enters: the measured error of each output, the largest error that is allowed and, where a model
has just been made, the tensors where its error enters. What leaves: nothing, or the refusal.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.errors import ParityError
from rnnlite.report.quantization import OutputAccuracy


def beyond(accuracy: Sequence[OutputAccuracy], max_error: float) -> list[OutputAccuracy]:
    """The outputs whose error is above `max_error`, or NaN."""
    return [a for a in accuracy if not a.rms_error <= max_error]


def require_accuracy(
    accuracy: Sequence[OutputAccuracy],
    max_error: float,
    *,
    mode: str,
    origin: str,
    worst: Sequence[str] = (),
    cause: str = "",
    remedy: str = "",
) -> None:
    """Refuse a quantized model if the error of an output is above `max_error`.

    Args:
        accuracy: the error of each output.
        max_error: the largest relative RMS error that is allowed.
        mode: the mode of quantization.
        origin: what the model was made from.
        worst: the tensors where the error enters, in words.
        cause: the known cause of the error, in words.
        remedy: what helps against it.

    Raises:
        ParityError: an error is above `max_error`; it has the figures of each output.
    """
    off = beyond(accuracy, max_error)
    if not off:
        return
    figures = ", ".join(f"'{a.name}' {100 * a.rms_error:.4g} %" for a in accuracy)
    if worst:
        figures += f"; the error enters at {', '.join(worst)}"
    if cause:
        figures += f"; {cause}"
    raise ParityError(
        f"the {mode} model is far from {origin}: " + ", ".join(f"output '{a.name}'" for a in off),
        expected=f"an RMS error of at most {100 * max_error:.4g} % of the output's RMS",
        found=figures,
        remedy=remedy
        or "Give calibration samples as the model sees them; or take a finer mode (int16x8, "
        "dynamic, float16), keep that layer out of the model, or allow more with max_error "
        "(--max-error)",
    )
