"""Operands of two shapes, and sizes that stay known."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, check_model, floats, function_of, model, node
from rnnlite.frontends.onnx.rules.broadcasting import of_sizes
from rnnlite.frontends.onnx.values import Dims

X = floats(2, 3, 4)
IMAGE = floats(1, 3, 5, 4)


@pytest.mark.parametrize("free", [False, True])
def test_shapes(free):
    check(
        *(case("Add", X, b) for b in (floats(4), floats(3, 1), floats(1), floats(2, 1, 1))),
        case("Mul", floats(4), X, data=2),
        case("Sub", X, floats(5, 1, 1, 1)),
        case("Div", X, floats(2, 3, 4), data=2),
        free=free,
    )


def test_beside_a_convolution_nothing_is_turned():
    nodes = [
        node("Conv", "x", "w", outputs=["a"]),
        node("Mul", "a", "s", outputs=["b"]),
        node("Conv", "x", "v", outputs=["c"]),
        node("Add", "b", "c"),
    ]
    constants = {"w": floats(2, 3, 1, 1), "v": floats(2, 3, 1, 1), "s": floats(2, 1, 1)}
    proto = model(nodes, {"x": IMAGE}, constants)
    check_model(proto, {"x": IMAGE})
    kinds = [o.type for o in function_of(proto, {"x": IMAGE}).graph.get_operations()]
    assert kinds.count("Transpose") <= 3


@pytest.mark.parametrize(
    ("op", "a", "b", "wanted"),
    [
        ("Add", [2, 3], [1, 1], [3, 4]),
        ("Sub", [2, 3], [1], [1, 2]),
        ("Mul", [2, 3], [4, 5], [8, 15]),
        ("Div", [7, 8], [2, 4], [3, 2]),
    ],
)
def test_sizes_stay_known(op, a, b, wanted):
    found = of_sizes(op, Dims.vector(a), np.asarray(b))
    assert found is not None
    assert list(found.known()) == wanted
