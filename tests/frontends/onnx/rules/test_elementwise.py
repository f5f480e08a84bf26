"""Ops of two operands and more against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats

A, B = floats(2, 3), floats(2, 3)
N, M = np.asarray([[7, -7, 5], [-5, 9, 2]]), np.asarray([[3, 3, -3], [-3, 4, 5]])
T, F = np.asarray([[True, False, True]]), np.asarray([[True, True, False]])


@pytest.mark.parametrize("free", [False, True])
def test_of_floats(free):
    check(
        *(case(op, A, B, data=2) for op in ("Add", "Sub", "Mul", "Div")),
        case("Pow", np.abs(A) + 0.1, B, data=2),
        case("Pow", A, np.asarray(2.0, np.float32)),
        case("Pow", A, np.asarray(3)),
        *(case(op, A, np.where(A > 0, A, B)) for op in ("Equal", "Less", "Greater")),
        *(case(op, A, B) for op in ("LessOrEqual", "GreaterOrEqual")),
        *(case(op, A, B, A * B, data=3) for op in ("Max", "Min", "Sum", "Mean")),
        case("Mod", A, np.abs(B) + 0.5, fmod=1),
        case("Where", A > 0, A, B, data=3),
        case("Where", A > 0, A, np.asarray(0, np.float32)),
        free=free,
    )


def test_of_integers():
    check(
        *(case(op, N, M, data=2) for op in ("Add", "Sub", "Mul", "Mod")),
        case("Mod", N, M, fmod=1),
        case("Div", np.abs(N), np.abs(M), data=2),
        case("Div", N, M),
        case("Equal", N, np.asarray(7)),
        *(case(op, T, F, data=2) for op in ("And", "Or", "Xor")),
        case("Where", T, N[:1], M[:1]),
    )


def test_clip():
    low, high = np.asarray(-0.5, np.float32), np.asarray(0.4, np.float32)
    check(
        case("Clip", A, low, high),
        case("Clip", A, None, high),
        case("Clip", A, low),
        case("Clip", A),
        case("Clip", N, np.asarray(-5), np.asarray(5)),
    )
    check(case("Clip", A, min=-0.5, max=0.5), opset=10)


def test_cast():
    kinds = {"float": 1, "int32": 6, "int64": 7, "bool": 9}
    check(
        *(case("Cast", A * 4, to=k) for k in kinds.values()),
        *(case("Cast", N, to=kinds[k]) for k in ("float", "int32", "bool")),
        case("Cast", T, to=kinds["float"]),
        case("CastLike", N, A, data=2),
    )
