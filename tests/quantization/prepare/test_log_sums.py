"""Logarithms of sums over time hold at lengths far beyond calibration's."""

import numpy as np
import pytest

from graphs import run
from integers import Head, calibrated
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.recipes import all_int16

WIDTH, CALIBRATED = 6, 40
LENGTHS = (1, CALIBRATED, 1000, 3000)


def of_exponentials(h, keep):
    return h.op("LOG", h.reduce("SUM", h.op("EXP", h.x), 1, keep), shape=shape(keep))


def below_the_largest(h, keep):
    """As libraries write it."""
    most = h.reduce("REDUCE_MAX", h.x, 1)
    powers = h.op("EXP", h.op("SUB", h.x, most))
    total = h.op("LOG", h.reduce("SUM", powers, 1), shape=(1, 1, WIDTH))
    y = h.op("ADD", total, most, shape=(1, 1, WIDTH))
    if keep:
        return y
    axes = h.main.constant([1, WIDTH], "int32")
    return h.op("RESHAPE", y, axes, shape=(1, WIDTH))


def of_squares(h, keep):
    """A little is added, so that there is a logarithm of nothing."""
    total = h.reduce("SUM", h.op("MUL", h.x, h.x), 1, keep)
    total = h.op("ADD", total, h.number(1e-6), shape=shape(keep))
    return h.op("LOG", total, shape=shape(keep))


def shape(keep):
    return (1, 1, WIDTH) if keep else (1, WIDTH)


def expected(build, x, keep):
    values = x * x if build is of_squares else np.exp(x)
    return np.log(values.sum(1, keepdims=keep))


CASES = [of_exponentials, below_the_largest, of_squares]


def model_of(build, keep):
    h = Head((1, -1, WIDTH))
    return h.end(build(h, keep))


def frames(length, seed):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(length, WIDTH)) + np.linspace(-2, 2, WIDTH)).astype(np.float32)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("build", CASES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_lengths_beyond_calibration(build, dtype, keep):
    rows = [[frames(t, t)] for t in range(2, CALIBRATED)]
    data = calibrated(rows, model_of(build, keep), dtype)
    # The model's own ADD behind it reaches a tenth (int8) or twice (int16) as far as was seen.
    last = 3000 if build is not below_the_largest else {"int8": CALIBRATED, "int16": 1000}[dtype]
    # Of two squares the larger may be less than a step.
    for length in (CALIBRATED if build is of_squares else 2, CALIBRATED, 1000, last):
        if length > last:
            continue
        x = frames(length, 1)[None]
        (found,) = run(data, x)
        wanted = expected(build, x.astype(np.float64), keep)
        error = np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2))
        assert error < (0.03 if dtype == "int8" else 0.002), (length, error)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("build", CASES)
def test_equal_in_float(build, keep):
    """From 1,024 steps on the number of them is known to one in 128."""
    model = model_of(build, keep)
    decompose(model.ir, all_int16)
    for length in LENGTHS:
        x = frames(length, length)[None]
        (found,) = run(model.bytes(), x)
        wanted = expected(build, x.astype(np.float64), keep)
        limit = 1e-5 if length < 1024 else 0.008
        np.testing.assert_allclose(found, wanted, rtol=0, atol=limit)


def test_what_is_below_the_largest_is_not_shifted_again():
    model = model_of(below_the_largest, keep=False)
    decompose(model.ir, all_int16)
    kinds = [op.kind for op in model.ir.main.ops]
    assert kinds.count("REDUCE_MAX") == 1
    assert "SUM" not in kinds


def test_sums_over_features_stay():
    h = Head((1, -1, WIDTH))
    y = h.op("LOG", h.reduce("SUM", h.op("EXP", h.x)), shape=(1, -1, 1))
    model = h.end(y)
    decompose(model.ir, all_int16)
    kinds = [op.kind for op in model.ir.main.ops]
    assert "SUM" in kinds
    assert "GATHER" not in kinds
