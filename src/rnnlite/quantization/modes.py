"""The four modes and what they may be combined with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnnlite.errors import QuantizationError

MODES = ("float16", "dynamic", "int8", "int16x8")
BORDERS = {
    "float16": ("float32",),
    "dynamic": ("float32",),
    "int8": ("int8", "float32"),
    "int16x8": ("int16", "float32"),
}
"""What the float inputs and outputs of each mode may be; the first is the default."""

LIMITS = {"float16": 0.01, "dynamic": 0.05, "int8": 0.10, "int16x8": 0.02}
"""Relative RMS error above which the result of a mode is called poor."""


NUMBER_BYTES = {
    "dynamic": {"weight_bytes": 1},
    "int8": {"weight_bytes": 1, "value_bytes": 1},
    "int16x8": {"weight_bytes": 1, "value_bytes": 2},
}
"""What numbers in loops take where it is not 4 bytes; the schedule needs it."""


@dataclass(frozen=True)
class Order:
    """A checked request for quantization.

    Attributes:
        mode: one of `MODES`.
        io: type of float inputs and outputs.
        calibration: samples, or the path of an .npz, or None.
        allow_float: keep ops without integer kernel in float.
        progress: show the progress of calibration on standard error.
    """

    mode: str
    io: str
    calibration: Any = None
    allow_float: bool = False
    progress: bool = False

    @property
    def integer(self) -> bool:
        """Whether the mode computes on integers throughout."""
        return self.mode in ("int8", "int16x8")


def take_order(
    quantize: Any, calibration: Any, io: Any, *, allow_float: bool, progress: bool
) -> Order | None:
    """Check the arguments of `convert` that belong to quantization; None without quantization.

    Raises:
        QuantizationError: an unknown mode, a border that does not fit it, or no calibration data.
    """
    if quantize is None:
        for name, value in (("calibration", calibration), ("io", io)):
            if value is not None:
                raise QuantizationError(
                    f"{name} is given, but no quantization is asked for",
                    expected=f"quantize= one of {', '.join(MODES)}",
                    found="quantize=None",
                )
        if allow_float:
            raise QuantizationError(
                "allow_float is given, but no quantization is asked for",
                expected="quantize= int8 or int16x8",
                found="quantize=None",
            )
        return None
    if quantize not in MODES:
        raise QuantizationError(
            "unknown quantization", expected=", ".join(MODES), found=repr(quantize)
        )
    borders = BORDERS[quantize]
    if io is not None and io not in borders:
        raise QuantizationError(
            f"io does not fit quantize='{quantize}'", expected=" or ".join(borders), found=repr(io)
        )
    if calibration is None and quantize in ("int8", "int16x8"):
        raise QuantizationError(
            f"quantize='{quantize}' needs calibration data: the ranges of all values are taken "
            "from it",
            expected="calibration= an iterable of samples, or the path of an .npz",
            found="None",
            remedy="Give 100 or so typical sequences, of the lengths that the model will see",
        )
    return Order(quantize, io or borders[0], calibration, allow_float, progress)
