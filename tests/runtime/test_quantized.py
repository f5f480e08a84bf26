"""Real numbers as integers and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.runtime.quantized import dequantize, quantize
from rnnlite.specs import TensorSpec


def spec(dtype="int8", scale=0.5, zero=-3, **more):
    return TensorSpec("x", (1, None, 2), dtype, quantization=(scale, zero), **more)


@pytest.mark.parametrize(
    ("value", "integer"),
    [(0.0, -3), (0.5, -2), (-0.5, -4), (0.74, -2), (0.76, -1), (0.25, -3), (0.75, -1)],
)
def test_nearest(value, integer):
    """A half goes to the even one, as the runtime has it."""
    assert quantize(np.float32([[value]]), spec()) == integer


def test_what_lies_beyond_saturates():
    found = quantize(np.float32([1e9, -1e9, 65.0, -62.5]), spec())
    assert found.tolist() == [127, -128, 127, -128]
    assert found.dtype == np.int8


def test_float_models_are_handed_floats():
    plain = TensorSpec("x", (2,), "float32")
    x = np.float32([1, 2])
    assert quantize(x, plain) is x
    y = dequantize(x, plain)
    np.testing.assert_array_equal(y, x)
    assert y is not x


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(["int8", "int16"]),
    scale=st.floats(1e-4, 10),
    zero=st.integers(-128, 127),
    seed=st.integers(0, 99),
)
def test_there_and_back_is_half_a_step_off(dtype, scale, zero, seed):
    one = spec(dtype, scale, zero)
    limits = np.iinfo(dtype)
    codes = np.random.default_rng(seed).integers(limits.min, limits.max + 1, 50).astype(dtype)
    values = dequantize(codes, one)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(quantize(values, one), codes)
    between = values + np.float32(0.4 * scale)
    off = np.abs(dequantize(quantize(between, one), one) - between)
    inside = codes < limits.max
    assert (off[inside] <= 0.51 * scale + 1e-5 * np.abs(values[inside])).all()


MASKED = spec(mask_value=-1.0)


@pytest.mark.parametrize(
    ("step", "integers"),
    [
        # The mask itself.
        ([-1.0, -1.0], [-5, -5]),
        # It would round to the mask: above it goes up, below it down, each feature.
        ([-0.9, -1.1], [-4, -6]),
        # One feature tells it from the mask already.
        ([-0.9, 2.0], [-5, 1]),
        # A feature that is the mask's value moves as if it were below.
        ([-0.9, -1.0], [-4, -5]),
    ],
)
def test_no_step_is_masked_by_rounding(step, integers):
    assert quantize(np.float32([step]), MASKED).tolist() == [integers]


def test_at_the_end_of_the_integers_it_moves_inwards():
    low = spec(scale=0.5, zero=0, mask_value=-64.0)
    assert quantize(np.float32([[-64.1, -64.0]]), low).tolist() == [[-127, -128]]
