"""Products of matrices against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node

A, B, C = floats(2, 3, 4), floats(4, 5), floats(2, 4, 3)


@pytest.mark.parametrize("free", [False, True])
def test_matmul(free):
    check(
        case("MatMul", A, B),
        case("MatMul", A, C, data=2),
        case("MatMul", A[0], B),
        case("MatMul", B.T.copy(), A[0].T.copy(), data=1),
        case("MatMul", floats(2, 2, 3, 4), floats(4, 5)),
        free=free,
    )


def test_vectors():
    check(case("MatMul", A, floats(4)), case("MatMul", floats(3), A[0]))


def test_gemm():
    check(
        case("Gemm", A[0], B, floats(5)),
        case("Gemm", A[0], B, floats(3, 5), alpha=0.5, beta=2.0),
        case("Gemm", A[0], B.T.copy(), floats(5), transB=1),
        case("Gemm", A[0].T.copy(), B, transA=1),
    )


@pytest.mark.parametrize("free", [False, True])
def test_einsum(free):
    check(
        case("Einsum", A, B, equation="btf,fg->btg"),
        case("Einsum", A, C, data=2, equation="bij,bjk->bik"),
        case("Einsum", A, equation="bij->bji"),
        case("Einsum", A, A[:, :2].copy(), data=2, equation="bif,bjf->bij"),
        free=free,
    )


def test_shapes_that_do_not_go_together_are_refused():
    from rnnlite.errors import RnnliteError

    proto = model([node("MatMul", "x", "w")], {"x": floats(2, 3)}, {"w": floats(4, 5)})
    with pytest.raises(RnnliteError):
        by_rules(proto, {"x": floats(2, 3)})
    assert np.ndim(A) == 3
