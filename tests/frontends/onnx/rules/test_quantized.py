"""Quantized ops in float: they give what ONNX Runtime gives."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node
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
