"""Find the cause of an error in the integers of inputs and outputs, and the remedy.

What enters: the errors of outputs, the errors by rounding alone, the float model, samples. What
leaves: a cause in words with its remedy, for a refusal or a warning; or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rnnlite.lite.ir import Model
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.measure.features import unlike_features
from rnnlite.quantization.measure.rounding import Rounded
from rnnlite.quantization.params import Array
from rnnlite.quantization.plan.front import curved_front
from rnnlite.report.quantization import OutputAccuracy
from rnnlite.specs import TensorSpec

SCALED = (
    "Normalise each feature before the model; or begin the model with a Normalization and give "
    "io='float32' (--io float32), which computes that in float"
)
"""The remedy where features have very different ranges."""

WIDER = (
    "Give io='float32' (--io float32), by which inputs come in as int16 where int8 is too coarse; "
    "or normalise each feature before the model"
)
"""The same where an input is int8."""

UNSCALED = "Give io='float32' (--io float32), which computes what comes first in float"
"""The remedy where an integer input is too coarse for what is computed of it."""

FINER = (
    "Give io='float32' (--io float32), by which inputs and outputs are computed in int16 where "
    "int8 is too coarse"
)
"""The remedy where the steps of an input or output are too coarse, whatever its values are."""

SHARE = 0.5
"""Rounding is the cause where it alone makes at least this share of an error."""

LOST = 0.5
"""Larger errors count as this one: hardly anything of a result is left."""


@dataclass(frozen=True)
class Cause:
    """Why a result is off.

    Attributes:
        words: the cause of the error.
        remedy: what helps, as a sentence without its full stop.
    """

    words: str
    remedy: str


def cause_of(
    off: Sequence[tuple[OutputAccuracy, Rounded]],
    model: Model,
    samples: Sequence[Sequence[Array]],
    inputs: Sequence[TensorSpec],
    config: QuantizationConfig,
    enough: float,
    states: Collection[int] = (),
) -> Cause | None:
    """The cause of errors, if it is in inputs and outputs.

    Args:
        off: outputs that are far off, with their errors by rounding alone.
        model: the float model.
        samples: the calibration data: for each sample, one array for each input, without batch
            axis.
        inputs: the inputs of the source.
        config: the quantization that is asked for, in an integer mode.
        enough: the error that each of these outputs would have to keep within.
        states: inputs that come back as outputs.
    """
    dtype = "int8" if config.mode == "int8" else "int16"

    def unlike() -> str:
        return unlike_features(samples, inputs, dtype, states)

    if config.io == "float32":
        # The front is computed in float already, but what follows still has one scale.
        words = unlike()
        return Cause(words, SCALED) if words else None
    if _to_blame(off, _of_inputs) is not None:
        if words := curved_front(model):
            return Cause(words, UNSCALED)
        if words := unlike():
            return Cause(words, WIDER if dtype == "int8" else SCALED)
    if dtype != "int8":
        return None
    for rounding, what in ((_of_inputs, "inputs alone bring"), (_own, "it comes in alone bring")):
        blamed = _to_blame(off, rounding, enough)
        if blamed is not None:
            accuracy, rounded = blamed
            found = f"{what} output '{accuracy.name}' off by {100 * rounding(rounded):.3g} %"
            return Cause(f"the steps of int8 {found}", FINER)
    return None


def _of_inputs(one: Rounded) -> float:
    return one.inputs


def _own(one: Rounded) -> float:
    return one.output


def _to_blame(
    off: Sequence[tuple[OutputAccuracy, Rounded]],
    rounding: Callable[[Rounded], float],
    enough: float = math.inf,
) -> tuple[OutputAccuracy, Rounded] | None:
    """The first output whose error is due to one kind of rounding; an error may be NaN.

    Args:
        off: the outputs.
        rounding: the error by that kind of rounding alone.
        enough: the error that would be left without it is at most this.
    """
    for accuracy, rounded in off:
        error, alone = accuracy.rms_error, rounding(rounded)
        left = math.sqrt(max(error**2 - alone**2, 0.0)) if error > alone else 0.0
        if not alone < SHARE * min(error, LOST) and left <= enough:
            return accuracy, rounded
    return None
