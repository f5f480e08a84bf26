"""Products of matrices against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node, traced
from onnx_rules import arrays, called, check_forms, forms
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.rules.products import times

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
    proto = model([node("MatMul", "x", "w")], {"x": floats(2, 3)}, {"w": floats(4, 5)})
    with pytest.raises(UnsupportedError, match="node MatMul 'y' does not fit its inputs"):
        by_rules(proto, {"x": floats(2, 3)})


def test_products_in_any_order_of_axes():
    check_forms("MatMul", floats(2, 1, 4), B)
    check_forms("MatMul", floats(2, 1, 4), floats(1, 4, 3), data=2)
    check_forms("MatMul", floats(3, 1), floats(1, 2))
    check_forms("MatMul", floats(4), B)
    check_forms("MatMul", floats(1, 4), floats(4), data=2)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("data", [1, 2, 3])
def test_gemm_of_what_is_known_and_what_is_computed(trans_a, trans_b, data):
    a, b = floats(3, 4), floats(4, 5)
    a, b = a.T.copy() if trans_a else a, b.T.copy() if trans_b else b
    flags = {"transA": trans_a, "transB": trans_b}
    for bias in (floats(5), floats(3, 1), floats(1)):
        check_forms("Gemm", a, b, bias, data=data, alpha=0.5, beta=2.0, **flags)
    if data < 3:
        check_forms("Gemm", a, b, data=data, **flags)


def test_a_bias_that_counts_nothing():
    check_forms("Gemm", floats(3, 4), B, floats(5), beta=0.0)


def test_equations():
    """Spaces, dots and a result that is not named."""
    for equation in ("ij , jk -> ik", "ij,jk", "...ij,...jk->...ik", "ij,jk->"):
        check_forms("Einsum", floats(2, 3), floats(3, 4), data=2, equation=equation)
    check_forms("Einsum", floats(3, 3), equation="ij->j")
    check_forms("Einsum", floats(2), floats(3), floats(4), data=3, equation="i,j,k->kij")


def test_features_that_stand_last_are_multiplied_where_they_stand():
    """The order of the others is kept as it is."""
    x = forms(floats(3, 2, 4))[0].transposed([1, 0, 2])
    (found,) = called("MatMul", x, B)
    assert found.axes == (1, 0, 2)
    np.testing.assert_allclose(arrays([found])[0], x.plain().numpy() @ B, rtol=1e-5, atol=1e-5)


def test_rows_of_a_sequence_are_one_product():
    x, w = floats(2, 3, 4), floats(4, 5)
    np.testing.assert_allclose(times(tf.constant(x), w), x @ w, rtol=1e-5, atol=1e-5)
    kinds = [o.type for o in traced(case("MatMul", x, w))]
    assert kinds.count("MatMul") == 1
    assert not any("Batch" in k for k in kinds)
