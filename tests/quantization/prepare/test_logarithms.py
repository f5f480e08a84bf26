"""Logarithms, powers and small probabilities hold in integers."""

import numpy as np
import pytest

from integers import MAGNITUDES, SHAPE, Head, relative_error, rows

LIMITS = {"int8": 0.08, "int16": 0.005}


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, -0.5, -1.0, 1.5])
def test_powers(exponent, dtype, magnitude):
    h = Head()
    model = h.end(h.op("POW", h.x, h.number(exponent), options="PowOptions"))
    array = magnitude * np.linspace(0.5, 2.0, 240, dtype=np.float32).reshape(SHAPE)
    expected = array.astype(np.float64) ** exponent
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_computed_exponents(dtype):
    h = Head()
    model = h.end(h.op("POW", h.x, h.x, options="PowOptions"))
    array = np.linspace(0.2, 2.0, 240, dtype=np.float32).reshape(SHAPE)
    expected = array.astype(np.float64) ** array
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_logarithms(dtype, magnitude):
    h = Head()
    model = h.end(h.op("LOG", h.x))
    low = 0.1 if dtype == "int8" else 0.001
    array = magnitude * np.geomspace(low, 1.0, 240, dtype=np.float32).reshape(SHAPE)
    expected = np.log(array.astype(np.float64))
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("fused", [False, True])
def test_log_softmax(fused, dtype):
    """Probabilities of 1e-9 are there, which no scale of probabilities tells from 0."""
    h = Head()
    logarithm = (
        h.op("LOG_SOFTMAX", h.x, options="LogSoftmaxOptions")
        if fused
        else h.op("LOG", h.op("SOFTMAX", h.x, options="SoftmaxOptions", beta=1.0))
    )
    array = rows(SHAPE, 5.0)
    expected = np.log(softmax(array.astype(np.float64)))
    assert relative_error(h.end(logarithm), [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_softplus(dtype, magnitude):
    h = Head()
    # In float, exp(x) is to stay finite.
    array = np.clip(rows(SHAPE, magnitude), -80.0, 80.0)
    one = h.op("ADD", h.op("EXP", h.x), h.number(1.0))
    expected = np.logaddexp(0.0, array.astype(np.float64))
    assert relative_error(h.end(h.op("LOG", one)), [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("name", ["LOGISTIC", "SOFTMAX", "TANH"])
def test_results_far_below_the_prescribed_range(name, dtype):
    """Of 2**-15, the step that LiteRT prescribes, they have one or none."""
    if name == "SOFTMAX":
        shape, array = (1, 2, 4000), rows((1, 2, 4000), 1.0, spread=0.0)
        function, options, fields = softmax, "SoftmaxOptions", {"beta": 1.0}
    else:
        shape, array = SHAPE, rows(SHAPE, 1.0, spread=0.0)
        array = array - 14 if name == "LOGISTIC" else array * 1e-4
        options, fields = "", {}
        function = np.tanh if name == "TANH" else lambda x: 1 / (1 + np.exp(-x))
    h = Head(shape)
    model = h.end(h.op(name, h.x, options=options, **fields))
    expected = function(array.astype(np.float64))
    limit = 0.15 if (name, dtype) == ("LOGISTIC", "int8") else 0.04
    assert relative_error(model, [array], expected, dtype, faint=True) < limit


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("exponent", [3.0, 5.0, 6.0])
def test_whole_powers_on_both_sides_of_zero(exponent, dtype):
    h = Head()
    model = h.end(h.op("POW", h.x, h.number(exponent), options="PowOptions"))
    array = np.linspace(-2.0, 2.0, 240, dtype=np.float32).reshape(SHAPE)
    expected = array.astype(np.float64) ** exponent
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("exponent", [-1.0, -2.0, -3.0])
def test_one_over_whole_powers_below_zero(exponent, dtype):
    h = Head()
    model = h.end(h.op("POW", h.x, h.number(exponent), options="PowOptions"))
    array = -np.linspace(0.5, 2.0, 240, dtype=np.float32).reshape(SHAPE)
    expected = array.astype(np.float64) ** exponent
    assert relative_error(model, [array], expected, dtype) < LIMITS[dtype]
