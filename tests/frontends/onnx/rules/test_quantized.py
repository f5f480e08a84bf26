"""Quantized ops in float: they give what ONNX Runtime gives."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError

RNG = np.random.default_rng(0)
X = floats(2, 4, 5)
BYTES = RNG.integers(0, 256, (3, 4), np.uint8)
# Of 7 bits: on some processors ONNX Runtime sums two products in 16 bits, and larger ones saturate.
WEIGHTS = RNG.integers(-64, 64, (4, 5), np.int8)
STEP = np.asarray(0.05, np.float32)
STEPS = np.abs(floats(4)) + 0.05
ZERO, ZEROS = np.asarray(120, np.uint8), np.asarray([1, -2, 3, 0], np.int8)


@pytest.mark.parametrize("free", [False, True])
def test_linear(free):
    check(
        case("QuantizeLinear", X, STEP, ZERO),
        case("QuantizeLinear", X, STEP, np.asarray(-3, np.int8)),
        case("QuantizeLinear", X, STEP),
        case("QuantizeLinear", X, STEPS, ZEROS, axis=1),
        case("DequantizeLinear", BYTES, STEP, ZERO),
        case("DequantizeLinear", BYTES, STEP),
        case("DequantizeLinear", WEIGHTS, STEPS, ZEROS, axis=0),
        free=free,
    )


def test_products():
    image = RNG.integers(0, 256, (1, 2, 5, 5), np.uint8)
    kernel = RNG.integers(-128, 128, (3, 2, 3, 3), np.int8)
    check(
        case("DynamicQuantizeLinear", X, outputs=3),
        case("MatMulInteger", BYTES, WEIGHTS),
        case("MatMulInteger", BYTES, WEIGHTS, ZERO, np.asarray(2, np.int8)),
        case("ConvInteger", image, kernel.astype(np.uint8), ZERO),
        tolerance=0,
    )


def test_a_scale_that_is_computed_is_refused():
    data = {"x": X, "s": STEP}
    proto = model([node("QuantizeLinear", "x", "s")], data)
    with pytest.raises(UnsupportedError, match="the scale of QuantizeLinear 'y' is computed from"):
        by_rules(proto, data)


def test_numbers_are_dequantized_at_once():
    (found,) = called("DequantizeLinear", WEIGHTS, STEPS, ZEROS, axis=0)
    wanted = (WEIGHTS - ZEROS[:, None].astype(np.float32)) * STEPS[:, None]
    assert (found.dtype, isinstance(found, np.ndarray)) == (np.float32, True)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_scale_for_each_place_along_an_axis(axis):
    steps, zeros = (np.resize(a, X.shape[axis]) for a in (STEPS, ZEROS))
    integers = RNG.integers(-128, 128, X.shape, np.int8)
    check_forms("QuantizeLinear", X, steps, zeros, axis=axis, tolerance=0)
    check_forms("DequantizeLinear", integers, steps, zeros, axis=axis)
    check_forms("DequantizeLinear", integers, steps, axis=axis)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_what_lies_outside_is_clipped(dtype):
    x = np.asarray([-1e6, -0.26, -0.25, -0.24, 0.0, 0.25, 0.75, 1e6], np.float32)
    scale, zero_point = np.asarray(0.5, np.float32), np.asarray(3, dtype)
    limits = np.iinfo(dtype)
    (found,) = arrays(called("QuantizeLinear", value(x), scale, zero_point, opset=21))
    # Halves are rounded to the even number.
    wanted = np.clip(np.rint(x / 0.5) + 3, limits.min, limits.max)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("block", [2, 4])
def test_a_scale_for_each_block(block):
    x = floats(2, 4, 3)
    steps = np.abs(floats(2, 4 // block, 3)) + 0.1
    zeros = RNG.integers(-5, 5, steps.shape, np.int8)
    whole, shift = (np.repeat(a, block, 1) for a in (steps, zeros.astype(np.float32)))
    options = {"axis": 1, "block_size": block, "opset": 21}
    (integers,) = arrays(called("QuantizeLinear", value(x), steps, zeros, **options))
    wanted = np.clip(np.rint(x / whole) + shift, -128, 127)
    np.testing.assert_array_equal(integers, wanted)
    (real,) = arrays(called("DequantizeLinear", value(integers), steps, zeros, **options))
    np.testing.assert_allclose(real, (wanted - shift) * whole, rtol=1e-6)


@pytest.mark.parametrize(
    "x",
    [np.zeros((2, 3)), np.full((2, 2), 5.0), np.full((2, 2), -5.0), [[-1, 2, 0.3]], [[0, 1.0]]],
    ids=["zeros", "above", "below", "both", "from zero"],
)
def test_ranges_of_dynamic_scales_hold_zero(x):
    """Of zeros alone the scale is 1."""
    check_forms("DynamicQuantizeLinear", np.asarray(x, np.float32), outputs=3, tolerance=1e-6)


def test_integer_products_with_a_zero_point_for_each_row_and_column():
    rows, columns = np.asarray([120, 3, 0], np.uint8), np.asarray([1, -2, 3, 0, 5], np.int8)
    left = BYTES.astype(np.int32) - rows[:, None]
    wanted = left @ (WEIGHTS.astype(np.int32) - columns)
    for a in (value(BYTES), BYTES):
        given = (a, WEIGHTS, rows[:, None], columns)
        (found,) = arrays(called("MatMulInteger", *given))
        np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.int32


def test_a_zero_point_that_is_computed():
    (found,) = arrays(called("MatMulInteger", value(BYTES), WEIGHTS, value(ZERO)))
    wanted = (BYTES.astype(np.int32) - 120) @ WEIGHTS.astype(np.int32)
    np.testing.assert_array_equal(found, wanted)


def test_integer_convolutions_with_a_zero_point_for_each_filter():
    image = RNG.integers(0, 256, (1, 2, 4, 4), np.uint8)
    kernel, zeros = RNG.integers(0, 256, (3, 2, 1, 1), np.uint8), np.asarray([5, 9, 0], np.uint8)
    given = (value(image), kernel, np.asarray(7, np.uint8), zeros)
    (found,) = arrays(called("ConvInteger", *given))
    left = image.astype(np.int32) - 7
    right = kernel[:, :, 0, 0].astype(np.int32) - zeros[:, None]
    np.testing.assert_array_equal(found, np.einsum("bcij,oc->boij", left, right))


@pytest.mark.parametrize(
    ("op", "given", "what"),
    [
        ("DequantizeLinear", (value(STEP), ZERO), "scale"),
        ("DequantizeLinear", (STEP, value(ZERO)), "zero point"),
        ("QuantizeLinear", (STEP, value(ZERO)), "zero point"),
    ],
)
def test_what_is_to_be_known_is_refused_where_it_is_computed(op, given, what):
    x = value(BYTES if op[0] == "D" else X)
    with pytest.raises(UnsupportedError, match=f"the {what} of {op} 'it' is computed from the in"):
        called(op, x, *given)


def test_weights_of_an_integer_convolution_are_to_be_known():
    image, kernel = np.zeros((1, 1, 3, 3), np.uint8), np.zeros((1, 1, 1, 1), np.uint8)
    with pytest.raises(UnsupportedError, match="the weights of ConvInteger 'it' is computed from"):
        called("ConvInteger", value(image), value(kernel))


@pytest.mark.parametrize(("kind", "low", "high"), [("int4", -8, 7), ("uint4", 0, 15)])
def test_four_bits(kind, low, high):
    """Weights of four bits are numbers; what is quantized to four bits is held in a byte."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = getattr(ml_dtypes, kind)
    weights = np.asarray([[low, 3, high]], dtype)
    (found,) = called("DequantizeLinear", weights, STEP, np.asarray(1, dtype))
    np.testing.assert_allclose(found, (np.asarray([[low, 3, high]]) - 1) * STEP, rtol=1e-6)
    x = np.float32([-100.0, 0.1, 100.0])
    (found,) = arrays(called("QuantizeLinear", value(x), STEP, np.asarray(0, dtype)))
    assert (found.dtype.name, found.tolist()) == (kind.replace("4", "8"), [low, 2, high])


def test_the_type_to_quantize_to_is_an_attribute():
    x = np.float32([-9e4, 0.1, 9e4])
    for number, name in ((3, "int8"), (5, "int16"), (4, "uint16")):
        (found,) = arrays(called("QuantizeLinear", value(x), STEP, output_dtype=number))
        limits = np.iinfo(name)
        assert (found.dtype.name, found.tolist()) == (name, [limits.min, 2, limits.max])
    with pytest.raises(UnsupportedError, match="has the type 17 as its result; expected int"):
        called("QuantizeLinear", value(x), STEP, output_dtype=17)
    with pytest.raises(UnsupportedError, match="has the type float32 as its result; expected int"):
        called("QuantizeLinear", value(x), STEP, STEP)
