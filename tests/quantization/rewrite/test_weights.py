"""float16 and dynamic range: which constants change, and what the model then computes."""

import numpy as np
import pytest

from graphs import Model, run
from products import EXPECTED, IDS, WEIGHTS, product
from rnnlite.quantization.rewrite.weights import compress_to_float16, compress_to_int8


@pytest.mark.parametrize("delegates", [False, True])
@pytest.mark.parametrize(
    ("change", "types", "limit"),
    [
        (compress_to_float16, {"table": "float16", "kernel": "float16", "bias": "float32"}, 0.001),
        (compress_to_int8, {"table": "int8", "kernel": "int8", "bias": "float32"}, 0.02),
    ],
)
def test_kernels_and_tables_change_and_biases_stay(change, types, limit, delegates):
    model = product()
    records = change(model.ir)
    assert {r.name: r.dtype for r in records} == types
    assert all(r.how for r in records if r.dtype == "float32")
    (found,) = run(model.bytes(), IDS, delegates=delegates)
    error = np.sqrt(np.mean((found - EXPECTED) ** 2) / np.mean(EXPECTED**2))
    assert 0 < error < limit


def test_values_beyond_float16_keep_their_tensor():
    model = product()
    large = WEIGHTS.copy()
    large[0, 0] = 1e5
    (kernel,) = (value for value in model.main.ir.values if value.name == "kernel")
    kernel.data = large
    kinds = {r.name: (r.dtype, r.how) for r in compress_to_float16(model.ir)}
    assert kinds["kernel"] == ("float32", "exceeds the range of float16")


def convolution(kind, bias):
    """A convolution of one picture with five channels out, or two by depth."""
    model = Model()
    main = model.main
    shape = {"CONV_2D": (5, 3, 3, 2), "DEPTHWISE_CONV_2D": (1, 3, 3, 2)}[kind]
    channels = len(bias)
    x, y = main.tensor((1, 6, 6, 2)), main.tensor((1, 4, 4, channels))
    kernel = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    operands = [x, main.constant(kernel, name="kernel"), main.constant(bias, name="bias")]
    fields = {"strideH": 1, "strideW": 1, "padding": 1}
    options = "Conv2DOptions"
    if kind != "CONV_2D":
        options, fields = "DepthwiseConv2DOptions", {**fields, "depthMultiplier": 1}
    main.add(kind, operands, [y], options, **fields)
    main.ends([x], [y])
    return model


@pytest.mark.parametrize(
    "change", [compress_to_float16, lambda m: compress_to_int8(m, kernels="float16")]
)
@pytest.mark.parametrize(("kind", "channels"), [("CONV_2D", 5), ("DEPTHWISE_CONV_2D", 2)])
def test_biases_of_convolutions_go_with_their_kernels(kind, channels, change):
    """XNNPACK of LiteRT 1.1 to 1.3 reads them in the kernel's type, whatever their own is."""
    model = convolution(kind, np.linspace(-1, 1, channels, dtype=np.float32))
    x = np.random.default_rng(1).standard_normal((1, 6, 6, 2)).astype(np.float32)
    (wanted,) = run(model.bytes(), x)
    assert {r.name: r.dtype for r in change(model.ir)} == {"kernel": "float16", "bias": "float16"}
    (op,) = [op for op in model.ir.main.ops if op.kind == kind]
    assert [op.input(k).producer.input(0).type for k in (1, 2)] == ["float16", "float16"]
    for delegates in (False, True):
        (found,) = run(model.bytes(), x, delegates=delegates)
        assert 0 < np.max(np.abs(found - wanted)) < 4e-3


def test_a_bias_beyond_float16_keeps_its_kernel_too():
    model = convolution("CONV_2D", np.array([0, 0, 1e6, 0, 0], np.float32))
    assert {r.name: r.dtype for r in compress_to_float16(model.ir)} == {
        "kernel": "float32",
        "bias": "float32",
    }
