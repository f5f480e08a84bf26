"""Functions of each element against ONNX Runtime."""

import math

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats
from onnx_rules import arrays, called, forms, value
from rnnlite.frontends.onnx.rules.activations import ACTIVATIONS, activation, erf

X = floats(2, 3, 4, scale=2.0)
WHOLE = ("Abs", "Neg", "Exp", "Sigmoid", "Tanh", "Relu", "Sin", "Cos", "Floor", "Ceil", "Round")
MORE = ("Sign", "Erf", "Softplus", "Softsign")
POSITIVE = ("Log", "Sqrt", "Reciprocal")
INSIDE = ["Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh"]


def test_functions():
    near = np.clip(X / 8, -0.9, 0.9)
    check(
        *(case(op, X) for op in (*WHOLE, *MORE)),
        *(case(op, np.abs(X) + 0.1) for op in POSITIVE),
        *(case(op, near) for op in INSIDE),
        case("Acosh", np.abs(X) + 1.1),
        case("IsNaN", np.where(X > 1, np.nan, X).astype(np.float32)),
        case("Not", X > 0),
        free=True,
    )


@pytest.mark.parametrize("free", [False, True])
def test_with_constants(free):
    check(
        *(case(op, X) for op in ("Elu", "Selu", "Celu", "LeakyRelu", "HardSigmoid", "HardSwish")),
        *(case(op, X, alpha=0.3) for op in ("Elu", "Celu", "ThresholdedRelu", "LeakyRelu")),
        case("Selu", X, alpha=1.5, gamma=1.1),
        case("HardSigmoid", X, alpha=0.3, beta=0.4),
        case("Mish", X),
        case("PRelu", X, floats(3, 1)),
        case("PRelu", X, floats(1)),
        free=free,
        opset=18,
    )


def test_gelu():
    check(case("Gelu", X), case("Gelu", X, approximate="tanh"), opset=20)


LINE = np.linspace(-6, 6, 49, dtype=np.float32)


def test_the_error_function_is_within_3e_7():
    wanted = [math.erf(float(x)) for x in LINE]
    np.testing.assert_allclose(erf(tf.constant(LINE)), wanted, rtol=0, atol=3e-7)
    assert erf(tf.constant(0.0)) == 0


@pytest.mark.parametrize("op", [*WHOLE, *MORE])
def test_a_tensor_stays_in_its_order(op):
    for given in forms(floats(2, 1, 3)):
        (found,) = called(op, given)
        assert found.axes == given.axes


@pytest.mark.parametrize(
    ("op", "alpha", "beta", "wanted"),
    [
        ("Elu", None, None, lambda x: np.where(x > 0, x, np.expm1(x))),
        ("Elu", 0.5, None, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
        ("Celu", 2.0, None, lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
        ("ThresholdedRelu", None, None, lambda x: np.where(x > 1, x, 0)),
        ("ThresholdedRelu", -1.0, None, lambda x: np.where(x > -1, x, 0)),
        ("LeakyRelu", None, None, lambda x: np.where(x > 0, x, 0.01 * x)),
        ("LeakyRelu", 0.3, None, lambda x: np.where(x > 0, x, 0.3 * x)),
        ("HardSigmoid", None, None, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
        ("HardSigmoid", 0.5, 0.1, lambda x: np.clip(0.5 * x + 0.1, 0, 1)),
        ("Swish", None, None, lambda x: x / (1 + np.exp(-x))),
        ("Swish", 2.0, None, lambda x: x / (1 + np.exp(-2 * x))),
        ("Affine", None, None, lambda x: x),
        ("Affine", 2.0, 1.0, lambda x: 2 * x + 1),
        ("ScaledTanh", None, None, np.tanh),
        ("ScaledTanh", 2.0, 0.5, lambda x: 2 * np.tanh(0.5 * x)),
        ("Softsign", None, None, lambda x: x / (1 + np.abs(x))),
        ("Sigmoid", None, None, lambda x: 1 / (1 + np.exp(-x))),
    ],
)
def test_numbers_and_their_defaults(op, alpha, beta, wanted):
    """A number of zero is no default."""
    found = activation(op, tf.constant(LINE), alpha, beta)
    np.testing.assert_allclose(found, wanted(LINE), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("op", ["HardSigmoid", "Affine"])
def test_zero_is_a_number(op):
    np.testing.assert_array_equal(activation(op, tf.constant(LINE), 0.0, 0.0), 0 * LINE)


@pytest.mark.parametrize("op", sorted(ACTIVATIONS))
def test_every_activation_of_recurrent_ops_has_its_function(op):
    assert activation(op, tf.constant(LINE), None, None).shape == LINE.shape


@pytest.mark.parametrize("op", ["Elu", "Selu", "Celu", "Softplus", "Mish", "Gelu"])
def test_large_numbers_stay_finite(op):
    """Both branches of a choice are computed."""
    x = np.asarray([[-200.0, -90.0, 0.0, 90.0, 200.0]], np.float32)
    (found,) = arrays(called(op, value(x), alpha=0.5))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(
        found[0, 3:], x[0, 3:] * (1.05070098 if op == "Selu" else 1), rtol=1e-6
    )
