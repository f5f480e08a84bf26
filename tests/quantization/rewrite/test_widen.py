"""From int8 to int16: three forms, the same integers."""

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.lite.ir import Quantization
from rnnlite.quantization.rewrite.widen import requantize


@pytest.mark.parametrize(
    ("in_loop", "floats", "ops"),
    [
        (False, False, ["CAST", "SUB"]),
        (False, True, ["CAST", "SUB"]),
        (True, True, ["DEQUANTIZE", "QUANTIZE"]),
        (True, False, ["QUANTIZE"]),
    ],
)
@pytest.mark.parametrize("zero", [0, -128, 17])
def test_the_same_integers(in_loop, floats, ops, zero):
    model = Model()
    x = model.main.tensor((1, 256), "int8", "x", Quantization.of(0.04, zero))
    y = model.main.tensor((1, 256), "int16", "y", Quantization.of(0.0007))
    model.main.ends([x], [y])
    model.main.ir.append(*requantize(x, y, in_loop=in_loop, floats=floats))
    assert model.main.kinds == ops
    values = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    expected = np.clip(np.round((values.astype(float) - zero) * 0.04 / 0.0007), -32768, 32767)
    (result,) = run(model.bytes(), values)
    assert np.max(np.abs(result.astype(float) - expected)) <= 1


def test_other_types_take_the_plain_op():
    model = Model()
    x, y = (model.main.tensor((1, 4), "int8", name) for name in ("x", "y"))
    ops = requantize(x, y, in_loop=True, floats=True)
    assert [op.kind for op in ops] == ["QUANTIZE"]
    assert x.type == "int8"
