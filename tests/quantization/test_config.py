"""What may be asked for: modes, I/O dtypes, calibration data."""

import math

import numpy as np
import pytest

import rnnlite
from rnnlite.quantization.config import MODES, take_config


def order(quantize, calibration=None, io=None, allow_float=False, max_error=None):
    return take_config(
        quantize, calibration, io, allow_float=allow_float, max_error=max_error, progress=False
    )


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
        ((None, None, None, False, 0.1), r"max_error is given, but no quantization"),
        (("dynamic", None, None, False, 0), r"max_error does not fit; expected a number above 0"),
        (("dynamic", None, None, False, "5 %"), r"max_error does not fit.*found '5 %'"),
        (("dynamic", None, None, False, float("nan")), r"max_error does not fit.*found nan"),
        (("dynamic", None, None, False, True), r"max_error does not fit.*found True"),
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


def test_the_largest_error_by_mode():
    samples = [np.ones((3, 2))]
    found = {mode: order(mode, samples).max_error for mode in MODES}
    assert found == {"float16": 0.01, "dynamic": 0.10, "int8": 0.25, "int16x8": 0.10}
    assert order("int8", samples, max_error=0.5).max_error == 0.5
    assert order("int8", samples, max_error=math.inf).max_error == math.inf


def test_calibration_data_is_looked_at_first(tmp_path):
    with pytest.raises(rnnlite.SampleError, match="cannot read the data"):
        order("int8", tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"garbage")
    with pytest.raises(rnnlite.SampleError, match=r"not an \.npz file of plain arrays"):
        order("int8", str(tmp_path / "bad.npz"))
    with pytest.raises(rnnlite.SampleError, match="samples is a function"):
        order("int8", lambda: [np.ones((3, 2))])
