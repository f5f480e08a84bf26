"""What may be asked for: modes, borders, calibration data."""

import numpy as np
import pytest

import rnnlite
from rnnlite.quantization.modes import take_order


def order(quantize, calibration=None, io=None, allow_float=False):
    return take_order(quantize, calibration, io, allow_float=allow_float, progress=False)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("int4",),
            r"unknown quantization; expected float16, .*; found 'int4'",
        ),
        (("int8",), r"'int8' needs calibration data.*Give 100 or so typical sequences"),
        (("int16x8",), r"'int16x8' needs calibration data"),
        (("dynamic", None, "int8"), r"io does not fit quantize='dynamic'; expected float32"),
        (("int8", [0], "int16"), r"io does not fit quantize='int8'; expected int8 or float32"),
        ((None, [0]), r"calibration is given, but no quantization is asked for"),
        ((None, None, "int8"), r"io is given, but no quantization is asked for"),
        ((None, None, None, True), r"allow_float is given, but no quantization"),
    ],
)
def test_refusals(arguments, text):
    with pytest.raises(rnnlite.QuantizationError, match=text):
        order(*arguments)


def test_defaults():
    assert order(None) is None
    assert order("float16").io == "float32"
    samples = [np.ones((3, 2))]
    assert (order("int8", samples).io, order("int16x8", samples).io) == ("int8", "int16")
    assert order("int8", samples, "float32").io == "float32"
    assert order("int8", samples).integer
    assert not order("dynamic").integer
