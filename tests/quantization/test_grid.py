"""Integer grids: zero is exact, values come back within half a step, weights fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlite.quantization.grid import (
    HEADROOM,
    Grid,
    channel_scales,
    grid_of,
    quantize_weights,
    symmetric,
    union,
)

NUMBERS = st.floats(-1e4, 1e4, width=32)


@given(a=NUMBERS, b=NUMBERS, dtype=st.sampled_from(["int8", "int16"]))
def test_zero_is_exact_and_values_come_back(a, b, dtype):
    low, high = min(a, b), max(a, b)
    grid = grid_of((low, high), dtype)
    values = np.linspace(min(low, 0.0), max(high, 0.0), 101)
    back = (grid.quantize(values).astype(np.float64) - grid.zero) * grid.scale
    assert np.max(np.abs(back - values)) <= 0.51 * grid.scale
    assert (float(grid.quantize(np.zeros(1))[0]) - grid.zero) * grid.scale == 0.0
    assert grid.covers((low, high))


def test_numbers_of_a_grid():
    grid = grid_of((-1.0, 3.0), "int8", headroom=False)
    assert grid.scale == pytest.approx(4 / 255)
    assert grid.zero == -64
    assert grid_of((-1.0, 3.0), "int16", headroom=False) == Grid(
        "int16", float(np.float32(3 / 32767)), 0
    )
    assert grid_of((-1.0, 3.0), "int16").scale == pytest.approx(HEADROOM["int16"] * 3 / 32767)
    assert grid_of((0.0, 0.0), "int8").scale > 0
    assert Grid("int8", 2.0**-8, -128).span == (0.0, 255 / 256)


def test_values_beyond_saturate():
    grid = Grid("int8", 0.5, 10)
    assert grid.quantize(np.array([1e6, -1e6, 0.24, 0.26])).tolist() == [127, -128, 10, 11]


def test_union_and_symmetric():
    assert union((-1.0, 2.0), (0.0, 5.0)) == (-1.0, 5.0)
    assert symmetric((-2.54, 1.0)).scale == pytest.approx(0.02)
    assert symmetric((-2.54, 1.0)).zero == 0


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 40))
def test_channel_scales_beat_the_plain_ones(seed, channels, size):
    weights = np.random.default_rng(seed).standard_normal((channels, size)).astype(np.float32)

    def error(scales):
        back = quantize_weights(weights, scales, 0) * scales[:, None].astype(np.float64)
        return np.sum(np.square(back - weights), axis=1)

    plain = (np.max(np.abs(weights), axis=1) / 127).astype(np.float32)
    assert np.all(error(channel_scales(weights, 0)) <= error(plain) * (1 + 1e-6))


def test_a_channel_of_zeros_gets_the_usual_scale():
    weights = np.array([[1.27, 0.5], [0.0, 0.0]], np.float32)
    scales = channel_scales(weights, 0)
    assert scales[0] == scales[1]
    assert quantize_weights(weights, scales, 0)[1].tolist() == [0, 0]
    assert channel_scales(np.zeros((2, 2), np.float32), 0).min() > 0
