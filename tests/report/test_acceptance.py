"""What is too far from its source is refused, with the figures of each output."""

import math

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
