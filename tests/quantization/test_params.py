"""Quantization parameters: 0.0 is exact, values come back within half a step, weights fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlite.quantization.params import (
    BLOCK,
    HEADROOM,
    QuantizationParams,
    channel_scales,
    params_of,
    quantize_weights,
    symmetric,
    union,
)

NUMBERS = st.floats(-1e4, 1e4, width=32)


@given(a=NUMBERS, b=NUMBERS, dtype=st.sampled_from(["int8", "int16"]))
def test_zero_is_exact_and_values_come_back(a, b, dtype):
    low, high = min(a, b), max(a, b)
    params = params_of((low, high), dtype)
    values = np.linspace(min(low, 0.0), max(high, 0.0), 101)
    back = (params.quantize(values).astype(np.float64) - params.zero_point) * params.scale
    assert np.max(np.abs(back - values)) <= 0.51 * params.scale
    assert (float(params.quantize(np.zeros(1))[0]) - params.zero_point) * params.scale == 0.0
    assert params.covers((low, high))


def test_parameters_of_a_range():
    params = params_of((-1.0, 3.0), "int8", headroom=False)
    assert params.scale == pytest.approx(4 / 255)
    assert params.zero_point == -64
    assert params_of((-1.0, 3.0), "int16", headroom=False) == QuantizationParams(
        "int16", float(np.float32(3 / 32767)), 0
    )
    assert params_of((-1.0, 3.0), "int16").scale == pytest.approx(HEADROOM["int16"] * 3 / 32767)
    assert params_of((0.0, 0.0), "int8").scale > 0
    assert QuantizationParams("int8", 2.0**-8, -128).range == (0.0, 255 / 256)


def test_values_beyond_saturate():
    params = QuantizationParams("int8", 0.5, 10)
    assert params.quantize(np.array([1e6, -1e6, 0.24, 0.26])).tolist() == [127, -128, 10, 11]


def test_union_and_symmetric():
    assert union((-1.0, 2.0), (0.0, 5.0)) == (-1.0, 5.0)
    assert symmetric((-2.54, 1.0)).scale == pytest.approx(0.02)
    assert symmetric((-2.54, 1.0)).zero_point == 0


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


def test_scales_of_many_channels_are_those_of_each_alone():
    """More weights than are looked at at a time; a channel of zeros among them."""
    weights = np.random.default_rng(0).standard_normal((5, 3 * BLOCK // 4)).astype("float32")
    weights[3] = 0
    found = channel_scales(weights, 0)
    alone = [channel_scales(row[None], 0)[0] for row in weights]
    np.testing.assert_array_equal(np.delete(found, 3), np.delete(alone, 3))
    assert found[3] == np.median(np.delete(found, 3))
