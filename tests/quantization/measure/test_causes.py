"""What inputs and outputs bring about, in words, and what helps; of other errors nothing."""

import math

import pytest

from rnnlite.quantization.config import QuantizationConfig
from rnnlite.quantization.measure import causes
from rnnlite.quantization.measure.causes import FINER, SCALED, UNSCALED, WIDER, Cause, cause_of
from rnnlite.quantization.measure.rounding import Rounded
from rnnlite.report.quantization import OutputAccuracy

ALONE = Cause("the steps of int8 inputs alone bring output 'y' off by 15 %", FINER)
OWN = Cause("the steps of int8 it comes in alone bring output 'y' off by 15 %", FINER)
INPUTS, OUTPUT, NEITHER = Rounded(0.15, 0.0), Rounded(0.0, 0.15), Rounded(0.02, 0.02)


@pytest.fixture
def cause(monkeypatch):
    """The cause of an error of 20 %; what is known of the model and the samples is given."""

    def run(rounded, mode="int8", io=None, curved="", unlike="", error=0.2, enough=0.25):
        asked = []
        monkeypatch.setattr(causes, "curved_front", lambda model: curved)
        monkeypatch.setattr(
            causes,
            "unlike_features",
            lambda used, inputs, dtype, states: asked.append((dtype, states)) or unlike,
        )
        config = QuantizationConfig(mode, io or ("int8" if mode == "int8" else "int16"))
        off = [(OutputAccuracy("y", error, 14.0, None), rounded)]
        found = cause_of(off, None, [], (), config, enough, {1})
        assert all(one == ("int8" if mode == "int8" else "int16", {1}) for one in asked)
        return found

    return run


@pytest.mark.parametrize(
    ("rounded", "options", "wanted"),
    [
        (INPUTS, {}, ALONE),
        (OUTPUT, {}, OWN),
        (NEITHER, {}, None),
        (INPUTS, {"curved": "x is squared", "unlike": "b"}, Cause("x is squared", UNSCALED)),
        (INPUTS, {"unlike": "feature 3 is small"}, Cause("feature 3 is small", WIDER)),
        (
            INPUTS,
            {"mode": "int16x8", "unlike": "feature 3 is small"},
            Cause("feature 3 is small", SCALED),
        ),
        (INPUTS, {"mode": "int16x8", "curved": "x is squared"}, Cause("x is squared", UNSCALED)),
        # There is nothing finer than int16.
        (INPUTS, {"mode": "int16x8"}, None),
        (OUTPUT, {"mode": "int16x8"}, None),
        # What is unlike or curved costs nothing here.
        (NEITHER, {"curved": "x is squared", "unlike": "feature 3 is small"}, None),
        (OUTPUT, {"unlike": "feature 3 is small"}, OWN),
        # The front is computed in float already; what follows still has one scale.
        (NEITHER, {"io": "float32", "curved": "x is squared"}, None),
        (NEITHER, {"io": "float32", "unlike": "feature 3 is small"},
         Cause("feature 3 is small", SCALED)),
    ],
)  # fmt: skip
def test_what_brings_an_error_about(cause, rounded, options, wanted):
    assert cause(rounded, **options) == wanted


@pytest.mark.parametrize(
    ("alone", "error", "blamed"),
    [
        (0.1, 0.2, True),
        (0.099, 0.2, False),
        (0.3, 0.2, True),
        (math.inf, math.inf, True),
        (0.3, math.inf, False),
        (math.inf, 0.3, True),
    ],
)
def test_half_of_an_error_is_to_blame_for_it(cause, alone, error, blamed):
    assert (cause(Rounded(alone, 0.0), error=error) is not None) == blamed


@pytest.mark.parametrize(("enough", "blamed"), [(0.14, True), (0.13, False)])
def test_a_remedy_that_is_not_enough_is_none(cause, enough, blamed):
    """Of 20 % are 13.2 % left without the 15 % of rounding."""
    for rounded in (INPUTS, OUTPUT):
        assert (cause(rounded, enough=enough) is not None) == blamed
        assert cause(INPUTS, enough=enough, unlike="a") == Cause("a", WIDER)


def test_the_first_output_that_it_holds_for_is_named(cause, monkeypatch):
    monkeypatch.setattr(causes, "curved_front", lambda model: "")
    monkeypatch.setattr(causes, "unlike_features", lambda *_: "")
    off = [
        (OutputAccuracy("x", 0.2, 14.0, None), NEITHER),
        (OutputAccuracy("y", 0.2, 14.0, None), INPUTS),
    ]
    assert cause_of(off, None, [], (), QuantizationConfig("int8", "int8"), 0.25) == ALONE
