"""Kernels and biases in integers: worked out by hand, and refused where they are computed."""

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.errors import UnsupportedError
from rnnlite.lite.schema import type_number
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.check import check_quantization
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

PRECISIONS = {"int8": all_int8, "int16": all_int16}


def dense(kernel, bias, *, computed=False):
    """x w + b, with its model, op and ranges."""
    model = Model()
    main = model.main
    kernel = np.asarray(kernel, np.float32)
    x, y = main.tensor((1, kernel.shape[1])), main.tensor((1, len(kernel)), name="y")
    b = None if bias is None else main.constant(bias, name="bias")
    if computed:
        b = main.tensor((len(kernel),), name="bias")
    weights = main.constant(kernel, name="kernel")
    op = main.add("FULLY_CONNECTED", [x, weights, b], [y], "FullyConnectedOptions")
    main.ends([x, b] if computed else [x], [y])
    ranges = {x: (-1.0, 1.0), y: (-4.0, 4.0)}
    return model, op, ranges | ({b: (-1.0, 1.0)} if computed else {})


def rewritten(model, ranges, precision, *, io="float32"):
    plan = make_plan(model.ir, ranges, PRECISIONS[precision], allow_float=False)
    records = rewrite_to_integers(model.ir, plan, io)
    check_quantization(model.ir)
    return records


KERNEL = [[1.27, -0.5, 0.01], [0.0, 0.0, 127.0]]
BIAS = [0.5, -2.0]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_channel_has_a_scale_and_a_bias_in_steps_of_it(precision):
    model, op, ranges = dense(KERNEL, BIAS)
    records = rewritten(model, ranges, precision)
    x, kernel, bias = op.inputs
    # Both channels are whole numbers of hundredths, and of ones.
    np.testing.assert_allclose(kernel.quantization.scales, [0.01, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(kernel.data, [[127, -50, 1], [0, 0, 127]])
    assert kernel.quantization.zero_points == (0, 0)
    assert kernel.quantization.axis == 0
    steps = np.array(kernel.quantization.scales) * x.scale
    np.testing.assert_allclose(bias.quantization.scales, steps, rtol=1e-6)
    np.testing.assert_array_equal(bias.data, np.rint(np.array(BIAS) / steps))
    found = {(r.name, r.dtype, r.how) for r in records}
    assert found == {
        ("kernel", "int8", "a scale a channel"),
        ("bias", "int32", "scales of input and weights"),
    }
    assert not op.flag("asymmetricQuantizeInputs")


def test_the_type_of_the_bias_is_said_where_inputs_are_int16():
    model, op, ranges = dense(KERNEL, BIAS)
    rewritten(model, ranges, "int8")
    assert op.integer("quantizedBiasType") == type_number("float32")
    model, op, ranges = dense(KERNEL, BIAS)
    rewritten(model, ranges, "int16")
    assert op.inputs[2].type == "int32"
    assert op.integer("quantizedBiasType") == type_number("int32")


def test_sums_beyond_32_bits_have_a_bias_of_64():
    """1000 products of 127 and 32768 are 4e9."""
    model, op, ranges = dense(np.ones((2, 1000)), [0.5, -0.5])
    records = rewritten(model, ranges, "int16")
    assert op.inputs[2].type == "int64"
    assert op.integer("quantizedBiasType") == type_number("int64")
    assert ("bias", "int64") in {(r.name, r.dtype) for r in records}
    x = np.full((1, 1000), 0.002, np.float32)
    (found,) = run(model.bytes(), x)
    np.testing.assert_allclose(found, [[2.5, 1.5]], atol=0.03)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_product_without_a_bias(precision):
    model, op, ranges = dense(KERNEL, None)
    records = rewritten(model, ranges, precision)
    assert op.inputs[2] is None
    assert [r.name for r in records] == ["kernel"]
    (found,) = run(model.bytes(), np.array([[1.0, 1.0, 0.02]], np.float32))
    np.testing.assert_allclose(found, [[0.7702, 2.54]], atol=0.7 if precision == "int8" else 0.01)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_computed_bias_is_refused(precision):
    model, _, ranges = dense(KERNEL, BIAS, computed=True)
    message = r"FULLY_CONNECTED 'y' has a bias that is no constant\. Add it in an op of its own\."
    with pytest.raises(UnsupportedError, match=message):
        rewritten(model, ranges, precision)


def depthwise():
    """Two channels, a kernel of two steps for each."""
    model = Model()
    main = model.main
    x, y = main.tensor((1, 1, 4, 2)), main.tensor((1, 1, 3, 2))
    kernel = main.constant([[[[1.0, 10.0], [-0.5, 5.0]]]], name="kernel")
    inputs = [x, kernel, main.constant([0.25, -1.0], name="bias")]
    fields = {"padding": 1, "strideW": 1, "strideH": 1, "depthMultiplier": 1}
    fields |= {"dilationWFactor": 1, "dilationHFactor": 1}
    op = main.add("DEPTHWISE_CONV_2D", inputs, [y], "DepthwiseConv2DOptions", **fields)
    main.ends([x], [y])
    return model, op, {x: (-1.0, 1.0), y: (-20.0, 20.0)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_channels_of_a_depthwise_convolution_are_its_last_axis(precision):
    model, op, ranges = depthwise()
    rewritten(model, ranges, precision)
    kernel, bias = op.inputs[1:]
    assert kernel.quantization.axis == 3
    # A step of 1/102 holds both 1 and 1/2, one of 1/127 does not.
    np.testing.assert_allclose(kernel.quantization.scales, [1 / 102, 10 / 102], rtol=1e-3)
    np.testing.assert_array_equal(kernel.data, [[[[102, 102], [-51, 51]]]])
    # Its kernel for int16 adds biases of 64 bits alone.
    assert bias.type == ("int64" if precision == "int16" else "int32")
    x = np.array([[1, 1], [0.5, -1], [-1, 0.5], [0, 0]], np.float32).reshape(1, 1, 4, 2)
    (found,) = run(model.bytes(), x)
    a, b = x[0, 0, :-1], x[0, 0, 1:]
    wanted = a * [1.0, 10.0] + b * [-0.5, 5.0] + [0.25, -1.0]
    step = 44 / 255 if precision == "int8" else 40 / 32767
    np.testing.assert_allclose(found[0, 0], wanted, atol=2 * step)
