"""From int8 to int16: three forms, the same integers."""

import numpy as np
import pytest

from rnnlite.lite import flatbuffer
from rnnlite.lite.edit import dtype_code, parameters
from rnnlite.quantization.rewrite.widen import requantize
from trees import Model, run


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
    x, y = (
        model.main.tensor((1, 256), dtype, name) for dtype, name in (("int8", "x"), ("int16", "y"))
    )
    model.main.content.tensors[x].quantization = parameters(0.04, zero)
    model.main.content.tensors[y].quantization = parameters(0.0007, 0)
    model.main.ends([x], [y])
    model.main.content.operators = requantize(
        model.tree, model.main.content, x, y, in_loop=in_loop, floats=floats
    )
    found = [flatbuffer.op_name(model.tree, op) for op in model.main.content.operators]
    assert found == ops
    values = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    expected = np.clip(np.round((values.astype(float) - zero) * 0.04 / 0.0007), -32768, 32767)
    (result,) = run(model.bytes(), values)
    assert np.max(np.abs(result.astype(float) - expected)) <= 1


def test_other_types_take_the_plain_op():
    model = Model()
    x, y = (model.main.tensor((1, 4), "int8", name) for name in ("x", "y"))
    ops = requantize(model.tree, model.main.content, x, y, in_loop=True, floats=True)
    assert [flatbuffer.op_name(model.tree, op) for op in ops] == ["QUANTIZE"]
    assert model.main.content.tensors[x].type == dtype_code("int8")
