"""Records of a check: within their bounds, or refused with their figures."""

import math
import re
from dataclasses import replace

import pytest

from rnnlite.errors import ParityError
from rnnlite.report.parity import OutputParity, Parity, StreamParity


def output(name="y", max_rel=1e-7, bound=1e-5, **more):
    return OutputParity(name, 2 * max_rel, max_rel, 2.0, bound, **more)


PARITY = Parity((output(), output("label")), lengths=(19, 1), batches=(1, 3), runs=6)
FAR = OutputParity("tags", 0.25, 0.125, 2.0, 1e-5)


@pytest.mark.parametrize(
    ("max_rel", "bound", "within"),
    [(1e-5, 1e-5, True), (2e-5, 1e-5, False), (0.0, 0.0, True), (math.nan, 1.0, False)],
)
def test_an_output_within_its_bound(max_rel, bound, within):
    one = output(max_rel=max_rel, bound=bound)
    assert one.within is within
    assert replace(PARITY, outputs=(output(), one)).within is within


def test_no_output_differs():
    assert replace(PARITY, outputs=()).within
    PARITY.require("a model")
    StreamParity(4, 2, 3, (), (output(),), (8, 16)).require_within()


def test_a_model_that_differs_is_refused_with_its_figures():
    expected = (
        "the LiteRT model differs from a model; expected 'tags' within 1.0e-05 of its scale; "
        "found 'tags' off by 1.25e-01 relative (2.50e-01 absolute, scale 2). "
        "Do not use it; please report the model's configuration."
    )
    with pytest.raises(ParityError, match=f"^{re.escape(expected)}$"):
        replace(PARITY, outputs=(output(), FAR)).require("a model")


def test_every_output_that_is_too_far_off_is_told():
    with pytest.raises(
        ParityError, match=r"'tags' within .*; 'more' within .* 'tags' off .*'more'"
    ):
        replace(PARITY, outputs=(FAR, replace(FAR, name="more"))).require("a model")


def test_a_stream_that_differs_is_refused():
    stream = StreamParity(4, 2, 3, (), (output(), FAR), (8, 16))
    with pytest.raises(ParityError, match="gives something else in chunks than as a whole"):
        stream.require_within()
