"""Ops that move elements against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, floats, model, node
from rnnlite.errors import UnsupportedError

X = floats(2, 3, 4)
IMAGE = floats(1, 8, 2, 3)


@pytest.mark.parametrize("free", [False, True])
def test_of_any_size(free):
    lengths = np.asarray([2, 3, 1])
    check(
        case("Transpose", X),
        case("Transpose", X, perm=[1, 2, 0]),
        case("Unsqueeze", X, np.asarray([0, -1])),
        case("Squeeze", X[:1], np.asarray([0])),
        case("Flatten", X, axis=2),
        case("Flatten", X, axis=-1),
        case("Flatten", X, axis=0),
        *(case("Concat", X, X[:, :, ::-1].copy(), data=2, axis=a) for a in (0, -1)),
        case("Concat", X, floats(2, 3, 4), axis=2),
        case("Split", X, np.asarray([1, 2]), axis=1, outputs=2),
        case("Tile", X, np.asarray([1, 2, 3])),
        *(case("Trilu", X, upper=u) for u in (0, 1)),
        case("Trilu", X, np.asarray(1), upper=1),
        case("Trilu", X, np.asarray(-1), upper=0),
        *(case("CumSum", X, np.asarray(a)) for a in (0, -1)),
        case("CumSum", X, np.asarray(1), exclusive=1, reverse=1),
        case("ReverseSequence", floats(3, 3, 2), lengths, data=2, time_axis=0, batch_axis=1),
        case("ReverseSequence", X, np.asarray([3, 2]), time_axis=1, batch_axis=0),
        free=free,
    )


def test_of_known_size():
    check(
        case("Split", X, axis=2, outputs=2),
        case("Squeeze", X[:1, :, :1]),
        case(
            "OneHot", np.asarray([[0, 2], [-1, 1]]), np.asarray(4), np.asarray([2, 5], np.float32)
        ),
        case("OneHot", np.asarray([0, 2]), np.asarray(3), floats(2), axis=0),
        *(case("DepthToSpace", IMAGE, blocksize=2, mode=m) for m in ("DCR", "CRD")),
        case("SpaceToDepth", floats(1, 2, 4, 6), blocksize=2),
        case("ReverseSequence", X, np.asarray([3, 3]), time_axis=1, batch_axis=0),
    )


def test_parts_that_do_not_come_out_even():
    check(case("Split", floats(7, 2), axis=0, outputs=3, num_outputs=3), opset=18)


def test_equal_parts_of_any_size_are_refused():
    proto = model(
        [node("Split", "x", outputs=["y", "z"])], {"x": X}, outputs=["y", "z"], opset=13, free="x"
    )
    with pytest.raises(UnsupportedError, match="equal parts of an axis of any size; expected an"):
        by_rules(proto, {"x": X}, free=("x",))
