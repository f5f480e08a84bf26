"""Functions of each element against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats

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
