"""Integer kernels and biases: exact arithmetic in NumPy against the float product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlite.quantization.params import QuantizationParams, params_of
from rnnlite.quantization.rewrite.products import LARGEST_ACCUMULATOR, integer_product


@given(
    seed=st.integers(0, 1000),
    channels=st.integers(1, 6),
    size=st.integers(1, 30),
    dtype=st.sampled_from(["int8", "int16"]),
    with_bias=st.booleans(),
)
def test_the_integer_sum_is_the_float_product(seed, channels, size, dtype, with_bias):
    rng = np.random.default_rng(seed)
    kernel = rng.standard_normal((channels, size)).astype(np.float32)
    bias = rng.standard_normal(channels).astype(np.float32) if with_bias else None
    x = rng.uniform(-2, 2, size)
    source = params_of((-2.0, 2.0), dtype)
    product = integer_product(kernel, bias, source, 0.01, 0)
    q = source.quantize(x).astype(np.int64) - source.zero_point
    total = product.kernel.astype(np.int64) @ q
    if product.bias is not None:
        assert product.bias.dtype == ("int64" if product.wide else "int32")
        total = total + product.bias
    assert product.wide or np.max(np.abs(total)) <= LARGEST_ACCUMULATOR
    found = total * product.bias_scales(source).astype(np.float64)
    expected = kernel.astype(np.float64) @ x + (0 if bias is None else bias)
    steps = size * (source.scale * np.abs(kernel).max() + 2 * product.scales)
    assert np.all(np.abs(found - expected) <= steps)


def test_a_large_bias_widens_the_scale_of_its_channel_alone():
    kernel = np.array([[1e-6, -1e-6], [1.0, -1.0]], np.float32)
    source = QuantizationParams("int8", 0.01, 0)
    product = integer_product(kernel, np.array([50.0, 50.0], np.float32), source, 0.01, 0)
    assert abs(product.bias[0]) <= 2**30
    assert product.bias[0] * product.scales[0] * source.scale == pytest.approx(50.0, rel=1e-4)
    assert product.scales[1] == pytest.approx(1 / 127, rel=0.3)


def test_wide_sums_are_recognised():
    kernel = np.ones((1, 600), np.float32)
    assert integer_product(kernel, None, QuantizationParams("int16", 1e-4, 0), 0.01, 0).wide
    assert not integer_product(
        kernel[:, :100], None, QuantizationParams("int16", 1e-4, 0), 0.01, 0
    ).wide
    assert not integer_product(kernel, None, QuantizationParams("int8", 1e-2, 0), 0.01, 0).wide
