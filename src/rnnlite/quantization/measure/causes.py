"""What brings an error about, where the integers of inputs and outputs are to blame; what helps.

What enters: the errors of outputs, what rounding alone costs, the float model, samples. What
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
"""What helps where features are of unlike scale."""

WIDER = (
    "Give io='float32' (--io float32), by which inputs come in as int16 where int8 is too coarse; "
    "or normalise each feature before the model"
)
"""The same where an input is int8."""

UNSCALED = "Give io='float32' (--io float32), which computes what comes first in float"
"""What helps where an integer input is too coarse for what is computed of it."""

FINER = (
    "Give io='float32' (--io float32), by which inputs and outputs are computed in int16 where "
    "int8 is too coarse"
)
"""What helps where the steps of an input or output are too coarse, whatever its values are."""

SHARE = 0.5
"""Rounding is to blame where it alone brings about this share of an error."""

LOST = 0.5
"""An error from which hardly anything of a result is left: larger ones say no more."""


@dataclass(frozen=True)
class Cause:
    """Why a result is off.

    Attributes:
        words: what brings the error about.
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
    """What brings errors about, as far as inputs and outputs do.

    Args:
        off: outputs that are far off, with what rounding alone costs them.
        model: in float.
        samples: the calibration data, one array an input each, without batch axis.
        inputs: the source's.
        config: what is asked for; an integer mode.
        enough: the error that each of these outputs would have to keep within.
        states: inputs that come back as outputs.
    """
    dtype = "int8" if config.mode == "int8" else "int16"

    def unlike() -> str:
        return unlike_features(samples, inputs, dtype, states)

    if config.io == "float32":
        # The front is computed in float already, and what follows has one scale still.
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
    """The first output whose error comes of one kind of rounding; an error may be no number.

    Args:
        off: the outputs.
        rounding: the kind.
        enough: what is left without it is no more than that.
    """
    for accuracy, rounded in off:
        error, alone = accuracy.rms_error, rounding(rounded)
        left = math.sqrt(max(error**2 - alone**2, 0.0)) if error > alone else 0.0
        if not alone < SHARE * min(error, LOST) and left <= enough:
            return accuracy, rounded
    return None
