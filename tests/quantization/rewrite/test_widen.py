"""To another scale and zero point: the same integers in each form, and in whatever company."""

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


@pytest.mark.parametrize(
    ("types", "shape"),
    [(("int16", "int8"), (1, 4)), (("int16", "int16"), (1, 4)), (("int8", "int8"), (1,) * 5)],
)
def test_others_take_the_plain_op(types, shape):
    model = Model()
    x, y = (model.main.tensor(shape, kind, kind) for kind in types)
    ops = requantize(x, y, in_loop=True, floats=True)
    assert [op.kind for op in ops] == ["QUANTIZE"]
    assert x.type == types[0]


RATIOS = [(0.01, 0, 0.01, 5), (0.0045, 8, 0.0124, -2), (0.03, -128, 0.011, 127), (0.02, 40, 0.9, 3)]


def rescaled(pair, count, values, delegates):
    """What `count` numbers at a time become."""
    s, z, t, y = pair
    model = Model()
    a = model.main.tensor((1, count), "int8", "a", Quantization.of(s, z))
    b = model.main.tensor((1, count), "int8", "b", Quantization.of(t, y))
    model.main.ends([a], [b])
    model.main.ir.append(*requantize(a, b, in_loop=False, floats=False))
    assert model.main.kinds == ["MUL"]
    rows = values.reshape(-1, 1, count)
    return np.concatenate([run(model.bytes(), row, delegates=delegates)[0].ravel() for row in rows])


@pytest.mark.parametrize("delegates", [True, False])
@pytest.mark.parametrize("pair", RATIOS)
def test_each_number_is_rounded_alike(pair, delegates):
    """Many at once and a few: what fills a vector register, and what is left over."""
    s, z, t, y = pair
    values = np.arange(-128, 124, dtype=np.int8)
    exact = np.clip((values.astype(float) - z) * s / t + y, -128, 127)
    found = [rescaled(pair, n, values, delegates) for n in (252, 9, 7)]
    for some in found[1:]:
        np.testing.assert_array_equal(some, found[0])
    assert np.max(np.abs(found[0] - exact)) <= 0.55
