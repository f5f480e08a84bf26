"""What is too far from its source is refused, with the figures of each output."""

import math
import re

import pytest

import rnnlite
from rnnlite.report.acceptance import beyond, require_accuracy
from rnnlite.report.quantization import OutputAccuracy


def outputs(*errors):
    return [OutputAccuracy(f"y{k}", e, 0.0, None) for k, e in enumerate(errors)]


def test_what_is_within_passes():
    require_accuracy(outputs(0.1, 0.0), 0.1, mode="int8", origin="x")
    found = beyond(outputs(0.1, 0.11, math.inf, math.nan), 0.1)
    assert [a.name for a in found] == ["y1", "y2", "y3"]


def test_each_output_counts_for_itself():
    with pytest.raises(
        rnnlite.ParityError,
        match=r"int8 model is far from its source: output 'y1'; expected an RMS error of at most "
        r"25 % of the output's RMS; found 'y0' 1 %, 'y1' 31.25 %; the error enters at EXP 'e'",
    ):
        require_accuracy(
            outputs(0.01, 0.3125), 0.25, mode="int8", origin="its source", worst=["EXP 'e'"]
        )


@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_no_number_is_refused(error):
    with pytest.raises(rnnlite.ParityError, match="is far from x"):
        require_accuracy(outputs(error), 100.0, mode="dynamic", origin="x")


@pytest.mark.parametrize(
    ("errors", "max_error", "names"),
    [
        ((), 0.1, []),
        ((0.0,), 0.0, []),
        # The largest error itself is allowed.
        ((0.1,), 0.1, []),
        ((0.1000001, 0.05), 0.1, ["y0"]),
        ((1e9,), math.inf, []),
        ((math.nan,), math.inf, ["y0"]),
        ((math.inf,), math.inf, []),
    ],
)
def test_which_outputs_are_beyond(errors, max_error, names):
    assert [a.name for a in beyond(outputs(*errors), max_error)] == names


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {},
            "found 'y0' 50 %. Give calibration samples as the model sees them; or take a finer "
            "mode (int16x8, dynamic, float16), keep that layer out of the model, or allow more "
            "with max_error (--max-error).",
        ),
        ({"remedy": "Take int16x8"}, "found 'y0' 50 %. Take int16x8."),
        ({"cause": "samples are all zero"}, "found 'y0' 50 %; samples are all zero. Give"),
        (
            {"worst": ["ADD 'a'", "MUL 'b'"], "cause": "a range of nothing"},
            "found 'y0' 50 %; the error enters at ADD 'a', MUL 'b'; a range of nothing. Give",
        ),
    ],
)
def test_what_a_refusal_says(more, words):
    with pytest.raises(rnnlite.ParityError, match=re.escape(words)):
        require_accuracy(outputs(0.5), 0.1, mode="int8", origin="x", **more)


def test_all_outputs_that_are_off_are_named():
    with pytest.raises(rnnlite.ParityError) as error:
        require_accuracy(outputs(0.5, 0.0, math.nan), 0.1, mode="int16x8", origin="'m'")
    words = str(error.value)
    assert words.startswith("the int16x8 model is far from 'm': output 'y0', output 'y2'; expected")
    assert "'y0' 50 %, 'y1' 0 %, 'y2' nan %" in words
