"""The four modes of quantization, and the options that go with each.

What enters: arguments of `convert`. What leaves: a `QuantizationConfig`, or a refusal. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.datasets.opening import require_readable
from rnnlite.errors import QuantizationError
from rnnlite.lowering.schedule import Budget
from rnnlite.runtime.samples import require_samples

MODES = ("float16", "dynamic", "int8", "int16x8")
IO_TYPES = {
    "float16": ("float32",),
    "dynamic": ("float32",),
    "int8": ("int8", "float32"),
    "int16x8": ("int16", "float32"),
}
"""Mode -> the I/O dtypes that it may have; the first is the default."""

LIMITS = {"float16": 0.01, "dynamic": 0.05, "int8": 0.10, "int16x8": 0.02}
"""Mode -> the relative RMS error above which a result is poor, and gets a warning."""

MAX_ERRORS = {"float16": 0.01, "dynamic": 0.10, "int8": 0.25, "int16x8": 0.10}
"""Mode -> the relative RMS error above which a result is refused, if `max_error` is not given."""


LAYOUT: dict[str, dict[str, Any]] = {
    "dynamic": {"weight_bytes": 1, "budget": Budget()},
    "int8": {"weight_bytes": 1, "value_bytes": 1, "budget": Budget()},
    "int16x8": {"weight_bytes": 1, "value_bytes": 2},
}
"""Mode -> keyword arguments of `take_options` for schedules: bytes of weights and values where they
are not 4, and a budget where files are to be small."""


@dataclass(frozen=True)
class QuantizationConfig:
    """A checked request for quantization.

    Attributes:
        mode: one of `MODES`.
        io: type of float inputs and outputs.
        calibration: samples, or the path of a data set, or None.
        allow_float: keep ops without integer kernel in float.
        max_error: the largest relative RMS error that an output may have.
        progress: show the progress of calibration on standard error.
    """

    mode: str
    io: str
    calibration: Any = None
    allow_float: bool = False
    max_error: float = math.inf
    progress: bool = False

    @property
    def integer(self) -> bool:
        """Whether the mode computes on integers throughout."""
        return self.mode in ("int8", "int16x8")


def take_config(
    quantize: Any,
    calibration: Any,
    io: Any,
    *,
    allow_float: bool,
    max_error: Any,
    progress: bool,
) -> QuantizationConfig | None:
    """Check the arguments of `convert` that belong to quantization; None without quantization.

    Raises:
        QuantizationError: an unknown mode, I/O dtypes that do not fit it, no calibration data, or
            a largest error that is no number above 0.
        SampleError: the calibration data are a function, not what it gives; or a path without data.
    """
    if quantize is None:
        given = (("calibration", calibration), ("io", io), ("max_error", max_error))
        for name, value in given:
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
    io_types = IO_TYPES[quantize]
    if io is not None and io not in io_types:
        raise QuantizationError(
            f"io does not fit quantize='{quantize}'", expected=" or ".join(io_types), found=repr(io)
        )
    if callable(calibration) and not isinstance(calibration, Iterable):
        require_samples(calibration)
    if calibration is None and quantize in ("int8", "int16x8"):
        raise QuantizationError(
            f"quantize='{quantize}' needs calibration data: the ranges of all values are taken "
            "from it",
            expected="calibration= an iterable of samples, or the path of a data set",
            found="None",
            remedy="Give 100 or so typical sequences, of the lengths that the model will see",
        )
    for data in calibration.values() if isinstance(calibration, Mapping) else [calibration]:
        if isinstance(data, (str, Path)):
            # Before anything that takes long.
            require_readable(data)
    limit = take_max_error(max_error, quantize)
    return QuantizationConfig(
        quantize, io or io_types[0], calibration, allow_float, limit, progress
    )


def calibration_of(config: QuantizationConfig, signatures: Sequence[str]) -> dict[str, Any]:
    """The calibration data of each signature; None where there is none.

    Raises:
        QuantizationError: there are several signatures, and the data are not given for each.
    """
    given = config.calibration
    by_name = isinstance(given, Mapping) and set(given) == set(signatures)
    if len(signatures) == 1 and not by_name:
        return {signatures[0]: given}
    if given is None:
        return dict.fromkeys(signatures)
    if not by_name:
        shown = ", ".join(map(repr, given)) if isinstance(given, Mapping) else type(given).__name__
        raise QuantizationError(
            "the calibration data does not fit the signatures",
            expected="a dict with samples for each of "
            + ", ".join(f"'{name}'" for name in signatures),
            found=shown or "nothing",
        )
    return dict(given)


def take_max_error(value: Any, mode: str) -> float:
    """The `max_error` that is given, checked; that of the mode where none is given.

    Raises:
        QuantizationError: it is no number above 0.
    """
    if value is None:
        return MAX_ERRORS[mode]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0:
        raise QuantizationError(
            "max_error does not fit",
            expected="a number above 0, such as 0.05 for 5 % of the RMS of each output, or "
            "infinity to refuse nothing",
            found=repr(value),
        )
    return float(value)
