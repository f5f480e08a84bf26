"""The rules hold for LiteRT's kernels: each op, quantized alone, computes its function."""

import numpy as np
import pytest

from graphs import Model, run
from rnnlite.quantization.calibration import Samples, calibrate
from rnnlite.quantization.ops import RULES, VERSIONS, Kind
from rnnlite.quantization.plan.plan import make_plan
from rnnlite.quantization.prepare.decompose import decompose
from rnnlite.quantization.recipes import all_int8, all_int16
from rnnlite.quantization.rewrite.integer import rewrite_to_integers

SHAPE = (1, 6, 8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def elu(x):
    return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)


UNARY = {
    "LOGISTIC": (sigmoid, ""),
    "TANH": (np.tanh, ""),
    "SOFTMAX": (softmax, "SoftmaxOptions"),
    "RELU": (lambda x: np.maximum(x, 0), ""),
    "RELU6": (lambda x: np.clip(x, 0, 6), ""),
    "RELU_0_TO_1": (lambda x: np.clip(x, 0, 1), ""),
    "ELU": (elu, ""),
    "ABS": (np.abs, ""),
    "EXP": (np.exp, ""),
    "NEG": (np.negative, "NegOptions"),
    "SQUARE": (np.square, ""),
    "HARD_SWISH": (lambda x: x * np.clip(x + 3, 0, 6) / 6, ""),
    "LEAKY_RELU": (lambda x: np.where(x > 0, x, 0.2 * x), "LeakyReluOptions"),
    "RSQRT": (lambda x: 1 / np.sqrt(x), ""),
    "LOG": (np.log, ""),
}
POSITIVE = ("RSQRT", "LOG", "DIV")
BINARY = {
    "ADD": (np.add, "AddOptions"),
    "SUB": (np.subtract, "SubOptions"),
    "MUL": (np.multiply, "MulOptions"),
    "DIV": (np.divide, "DivOptions"),
    "MAXIMUM": (np.maximum, "MaximumMinimumOptions"),
    "MINIMUM": (np.minimum, "MaximumMinimumOptions"),
    "SQUARED_DIFFERENCE": (lambda x, y: (x - y) ** 2, "SquaredDifferenceOptions"),
}


def samples(count, op):
    rng = np.random.default_rng(count)
    if op in POSITIVE:
        return rng.uniform(0.5, 4.0, SHAPE).astype(np.float32)
    return rng.uniform(-4.0, 4.0, SHAPE).astype(np.float32)


def relative_error(model, arrays, expected, dtype, delegates):
    """Quantize a model of one op in code; its error on the calibration data itself."""
    precision = all_int8 if dtype == "int8" else all_int16
    tree = model.ir
    wide = decompose(tree, precision)
    ranges = calibrate(tree, Samples([[a[0] for a in arrays]], [], ()))
    plan = make_plan(tree, ranges.values, precision, allow_float=False, wide=wide)
    rewrite_to_integers(tree, plan, "float32")
    (found,) = run(model.bytes(), *arrays, delegates=delegates)
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("delegates", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("op", UNARY)
def test_unary(op, dtype, delegates):
    function, options = UNARY[op]
    model = Model()
    x, y = model.main.tensor(SHAPE), model.main.tensor(SHAPE)
    fields = {"SOFTMAX": {"beta": 1.0}, "LEAKY_RELU": {"alpha": 0.2}}.get(op, {})
    model.main.add(op, [x], [y], options, **fields)
    model.main.ends([x], [y])
    array = samples(1, op)
    error = relative_error(model, [array], function(array.astype(np.float64)), dtype, delegates)
    assert error < (0.02 if dtype == "int8" else 0.001)


@pytest.mark.parametrize("delegates", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("op", BINARY)
def test_binary(op, dtype, delegates):
    function, options = BINARY[op]
    model = Model()
    x, y, z = (model.main.tensor(SHAPE) for _ in range(3))
    model.main.add(op, [x, y], [z], options)
    model.main.ends([x, y], [z])
    a, b = samples(1, op), samples(2, op)
    expected = function(a.astype(np.float64), b.astype(np.float64))
    error = relative_error(model, [a, b], expected, dtype, delegates)
    assert error < (0.02 if dtype == "int8" else 0.001)


@pytest.mark.parametrize("scale", [0.03, 1.0, 30.0])
def test_inverse_roots_of_variances_near_their_epsilon(scale):
    """As of a layer normalization: LiteRT's kernel alone is off by up to 70 %."""
    model = Model()
    x, v, y = (model.main.tensor(SHAPE) for _ in range(3))
    model.main.add("ADD", [x, model.main.constant(1e-3)], [v], "AddOptions")
    model.main.add("RSQRT", [v], [y])
    model.main.ends([x], [y])
    array = scale * np.geomspace(1e-3, 1.0, 48).astype(np.float32).reshape(SHAPE)
    expected = (array.astype(np.float64) + 1e-3) ** -0.5
    error = relative_error(model, [array], expected, "int16", True)
    # A step of x is scale / 32767 to begin with.
    assert error < 0.002 + 0.5 * scale / 32767 / 1e-3


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("op", ["EQUAL", "NOT_EQUAL", "LESS", "GREATER_EQUAL"])
def test_comparisons_tell_every_step_apart(op, dtype):
    """The kernels for int8 and int16 take values that are closer than 1/256 for equal."""
    options = "".join(part.capitalize() for part in op.split("_")) + "Options"
    model = Model()
    x, flag, y = (
        model.main.tensor(SHAPE),
        model.main.tensor(SHAPE, "bool"),
        model.main.tensor(SHAPE),
    )
    model.main.add(op, [x, model.main.constant(0.0)], [flag], options)
    model.main.add("SELECT_V2", [flag, x, model.main.constant(0.01)], [y], "SelectV2Options")
    model.main.ends([x], [y])
    array = np.linspace(-0.012, 0.012, 240).astype(np.float32).reshape(1, 240)
    x.shape = y.shape = flag.shape = [1, 240]
    array[0, 120] = 0.0
    compare = {
        "EQUAL": np.equal,
        "NOT_EQUAL": np.not_equal,
        "LESS": np.less,
        "GREATER_EQUAL": np.greater_equal,
    }[op]
    step = 0.024 * (1.1 / 255 if dtype == "int8" else 1.0 / 32767)
    clear = (np.abs(array) > step) | (array == 0)
    expected = np.where(compare(array, 0), array, 0.01)
    tree = model.ir
    ranges = calibrate(tree, Samples([[array[0]]], [], ()))
    plan = make_plan(
        tree, ranges.values, all_int8 if dtype == "int8" else all_int16, allow_float=False
    )
    rewrite_to_integers(tree, plan, "float32")
    (found,) = run(model.bytes(), array)
    assert np.max(np.abs(found - expected)[clear]) <= step


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("kind", ["bool", "int32"])
def test_cast(kind, dtype):
    model = Model()
    x, y = model.main.tensor(SHAPE, kind), model.main.tensor(SHAPE)
    model.main.add("CAST", [x], [y])
    model.main.ends([x], [y])
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE) * 7 - 100
    array = (values > 50) if kind == "bool" else values.astype(np.int32)
    assert relative_error(model, [array], array.astype(np.float64), dtype, False) < 0.01


def test_the_table_is_consistent():
    for name, rule in RULES.items():
        assert rule.fixed is None or rule.kind in (Kind.FREE_SCALE, Kind.INT32), name
        assert not rule.joined or rule.kind is Kind.SAME_SCALE, name
        low, high = VERSIONS.get(name, (1, 1))
        assert low <= high, name


@pytest.mark.parametrize("delegates", [False, True])
@pytest.mark.parametrize("op", ["FULLY_CONNECTED", "CONV_2D"])
def test_results_far_below_a_step_of_their_product(op, delegates):
    """Each product cancels but for 1e-6 of it; XNNPACK takes its step up to 256 of the result's."""
    model = Model()
    main = model.main
    shape = (1, 4) if op == "FULLY_CONNECTED" else (1, 3, 3, 4)
    x, y = main.tensor(shape), main.tensor((*shape[:-1], 2))
    kernel = np.array([[4.0, -4.0, 0, 0], [0, 0, 2.0, -2.0]])
    if op == "FULLY_CONNECTED":
        main.add(op, [x, main.constant(kernel), None], [y], "FullyConnectedOptions")
    else:
        weights, bias = main.constant(kernel[:, None, None]), main.constant(np.zeros(2))
        strides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        main.add(op, [x, weights, bias], [y], "Conv2DOptions", **strides)
    main.ends([x], [y])
    halves = np.random.default_rng(0).uniform(-9, 9, (*shape[:-1], 2)).astype(np.float32)
    data = np.repeat(halves, 2, axis=-1) * np.float32([1, 1 + 1e-6, 1, 1 + 1e-6])
    ranges = calibrate(model.ir, Samples([[data[0]]], [], ()))
    plan = make_plan(model.ir, ranges.values, all_int8, allow_float=False)
    rewrite_to_integers(model.ir, plan, "float32")
    (found,) = run(model.bytes(), data, delegates=delegates)
    np.testing.assert_allclose(found, 0, atol=1e-2)
