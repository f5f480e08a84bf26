"""Reductions against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, floats

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
