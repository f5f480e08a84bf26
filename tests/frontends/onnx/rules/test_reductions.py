"""Reductions against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats
from onnx_rules import arrays, called, check_forms, value
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.values import Dims

X = floats(2, 3, 4)
OPS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")


@pytest.mark.parametrize("free", [False, True])
def test_over_axes(free):
    check(
        *(case(op, X, axes=[1], keepdims=k) for op in OPS for k in (0, 1)),
        *(case(op, X, axes=[0, -1]) for op in OPS),
        *(case(op, X, keepdims=0) for op in OPS),
        case("ReduceSumSquare", X, axes=[1]),
        case("ReduceLogSumExp", X, axes=[2]),
        case("ReduceLogSum", np.abs(X) + 0.1, axes=[2]),
        case("ReduceSum", X, np.asarray([1])),
        case("ReduceSum", X, np.asarray([1, 2]), keepdims=0),
        case("ReduceSum", X, noop_with_empty_axes=1),
        free=free,
        opset=13,
        tolerance=2e-5,
    )


def test_axes_as_inputs():
    check(*(case(op, X, np.asarray([1])) for op in OPS), opset=18, tolerance=2e-5)


def test_places():
    twice = np.round(X)
    check(
        *(
            case(op, X, axis=a, keepdims=k)
            for op in ("ArgMax", "ArgMin")
            for a in (0, 2)
            for k in (0, 1)
        ),
        *(case(op, twice, axis=1, select_last_index=1) for op in ("ArgMax", "ArgMin")),
        case("TopK", X, np.asarray([2]), outputs=2),
        case("TopK", X, np.asarray([3]), axis=1, outputs=2),
        case("TopK", X, np.asarray([2]), largest=0, outputs=2),
    )


ONE = floats(2, 1, 4)


@pytest.mark.parametrize("op", [*OPS, "ReduceSum", "ReduceSumSquare", "ReduceLogSumExp"])
def test_any_axes_in_any_order(op):
    for keepdims in (0, 1):
        for axes in ([0], [1], [0, 2], [-1, 1], [0, 1, 2]):
            given = np.asarray(axes)
            check_forms(op, ONE, given, keepdims=keepdims, opset=18, tolerance=2e-5)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("axes", [None, np.zeros(0, np.int64)])
def test_no_axes_are_all_of_them_or_none(op, axes):
    given = () if axes is None else (axes,)
    check_forms(op, ONE, *given, opset=18, tolerance=2e-5)
    (same,) = called(op, value(ONE), *given, noop_with_empty_axes=1, opset=18)
    np.testing.assert_array_equal(arrays([same])[0], ONE)


def test_whole_numbers_and_truths():
    whole = np.asarray([[5, -3, 2], [4, 9, -9]], np.int32)
    for op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"):
        check_forms(op, whole, np.asarray([1]), opset=18)
    for op in ("ReduceMax", "ReduceMin"):
        check_forms(op, whole > 3, np.asarray([1]), opset=20)


def test_large_exponents_overflow_nowhere():
    x = np.asarray([[1000.0, 999.0], [-1000.0, -1001.0]], np.float32)
    check_forms("ReduceLogSumExp", x, np.asarray([1]), opset=18)


def test_the_product_of_a_shape():
    (known,) = called("ReduceProd", Dims.vector([2, 3, 4]), keepdims=0)
    (kept,) = called("ReduceProd", Dims.vector([2, 3]), keepdims=1)
    (computed,) = called("ReduceProd", Dims.vector([2, tf.constant(5)]), keepdims=0)
    assert (known.known().tolist(), kept.known().tolist()) == (24, [6])
    assert computed.tensor().numpy() == 10


def test_the_largest_of_a_shape_is_a_tensor():
    (found,) = arrays(called("ReduceMax", Dims.vector([2, tf.constant(5)]), keepdims=0))
    assert (found.tolist(), found.dtype) == (5, np.int64)


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_places_among_equals_in_any_order(op, last):
    x = np.asarray([[[1, 3, 3, 1]], [[2, 2, 2, 2]]], np.float32)
    for axis in (0, 1, -1):
        for keepdims in (0, 1):
            check_forms(op, x, axis=axis, keepdims=keepdims, select_last_index=last)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("largest", [0, 1])
def test_the_largest_in_any_order(axis, largest):
    check_forms("TopK", X, np.asarray([2]), outputs=2, axis=axis, largest=largest)


def test_the_number_of_the_largest():
    """An attribute once, an input now; a size too."""
    x = floats(3, 6)
    old = called("TopK", value(x), outputs=2, k=2, opset=9)
    size = called("TopK", value(x), Dims.vector([tf.constant(2)]), outputs=2)
    for one in (old, size):
        np.testing.assert_array_equal(arrays(one)[0], -np.sort(-x)[:, :2])


def test_a_number_that_is_computed_is_refused():
    with pytest.raises(UnsupportedError, match="the number k of TopK 'it' is computed from"):
        called("TopK", value(X), value(np.asarray([2])), outputs=2)


@pytest.mark.parametrize(
    ("op", "wanted"), [("ReduceMin", [3]), ("ReduceMax", [9]), ("ReduceSum", [19])]
)
def test_one_number_of_sizes(op, wanted):
    (found,) = called(op, Dims.vector([7, 3, 9]))
    assert found.known().tolist() == wanted
    (found,) = called(op, Dims.vector([7, 3, 9]), keepdims=0)
    assert found.known() == wanted[0]


def test_the_least_of_a_size_and_no_limit_is_the_size():
    """How often a loop over the steps of a tensor runs."""
    size = tf.constant(4)
    (found,) = called("ReduceMin", Dims.vector([np.iinfo(np.int64).max, size]), keepdims=0)
    assert found.flat() == [size]
