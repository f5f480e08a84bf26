"""Pooling against ONNX Runtime: along one to three axes, with pads, holes and rounding."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnx_nodes import by_rules, case, check, floats, model, node, traced
from rnnlite.errors import UnsupportedError

INPUTS = {1: floats(2, 3, 11), 2: floats(2, 3, 9, 8), 3: floats(1, 2, 6, 7, 5)}
FORMS = [
    {"kernel_shape": [3]},
    {"kernel_shape": [3], "strides": [2], "pads": [1, 0]},
    {"kernel_shape": [2], "strides": [2], "ceil_mode": 1},
    {"kernel_shape": [3], "strides": [2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [0, 1, 1, 0]},
    {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1, "pads": [1, 0, 1, 0]},
    {"kernel_shape": [2, 2], "strides": [2, 1], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 2, 3]},
    {"kernel_shape": [2, 2, 1], "strides": [2, 1, 1], "pads": [1, 0, 0, 0, 1, 0]},
]
HOLES = [
    {"kernel_shape": [3], "dilations": [2]},
    {"kernel_shape": [2, 3], "dilations": [2, 1], "strides": [1, 2], "pads": [1, 1, 0, 0]},
    {"kernel_shape": [3], "dilations": [2], "strides": [3], "ceil_mode": 1},
]


def made(op, form, **more):
    return case(op, INPUTS[len(form["kernel_shape"])], **form, **more)


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    given = [made(op, f) for op in ("MaxPool", "AveragePool") for f in FORMS]
    # A mean with holes: of operator set 19.
    given += [made(op, f) for op in ("MaxPool", "AveragePool") for f in HOLES]
    check(*given, free=free, opset=19)


def test_pads_that_count():
    check(*(made("AveragePool", f, count_include_pad=1) for f in FORMS[:7]), opset=19)


def test_lower_pads():
    form = {"kernel_shape": [2], "auto_pad": "SAME_LOWER"}
    check(*(made(op, form) for op in ("MaxPool", "AveragePool")), opset=19)


def test_the_whole():
    check(*(case(op, x) for op in ("GlobalAveragePool", "GlobalMaxPool") for x in INPUTS.values()))


def test_pads_of_any_size_are_left_to_the_op():
    kinds = {o.type for o in traced(made("MaxPool", FORMS[3]), free=True)}
    assert "MaxPool" in kinds
    assert not any(k.startswith("Pad") for k in kinds)


def test_windows_shorter_than_a_step_are_refused():
    proto = model(
        [node("MaxPool", "x", kernel_shape=[1], strides=[2], ceil_mode=1)],
        {"x": INPUTS[1]},
        free=("x",),
    )
    with pytest.raises(UnsupportedError, match="ceil_mode over an axis of any size with windows"):
        by_rules(proto, {"x": INPUTS[1]}, free=("x",))
    assert np.shape(by_rules(proto, {"x": INPUTS[1]})[0]) == (2, 3, 6)
