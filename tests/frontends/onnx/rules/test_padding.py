"""Pads against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import by_rules, case, check, check_model, floats, model, node
from rnnlite.errors import UnsupportedError

X = floats(2, 3, 5)
PADS = np.asarray([0, 1, 2, 0, 0, 1])
CUT = np.asarray([0, -1, 1, 0, 0, -2])
NUMBER = np.asarray(1.5, np.float32)


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    check(
        case("Pad", X, PADS),
        case("Pad", X, PADS, NUMBER),
        case("Pad", X, CUT),
        *(case("Pad", X, PADS, mode=m) for m in ("edge", "reflect")),
        case("Pad", X, np.asarray([1, 2]), NUMBER, np.asarray([-1])),
        free=free,
        opset=18,
    )


def test_of_older_operator_sets():
    check(case("Pad", X, pads=PADS.tolist(), value=2.5, mode="constant"), opset=10)


def test_pads_that_follow_from_a_size():
    """As what makes a length a multiple of a number."""
    nodes = [
        node("Shape", "x", outputs=["s"], start=2),
        node("Concat", "z", "s", outputs=["pads"], axis=0),
        node("Pad", "x", "pads"),
    ]
    data = {"x": X}
    proto = model(nodes, data, {"z": np.asarray([0, 0, 0, 0, 0])}, free=("x",))
    check_model(proto, data, free=("x",))


def test_a_mode_without_a_rule_is_refused():
    proto = model([node("Pad", "x", "p", mode="wrap")], {"x": X}, {"p": PADS}, opset=19)
    with pytest.raises(UnsupportedError, match="mode='wrap'; expected constant, reflect or edge"):
        by_rules(proto, {"x": X})
