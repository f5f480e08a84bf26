"""Slices against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, check_model, floats, model, node

X = floats(4, 6, 5)
LAST = np.iinfo(np.int64).max


def part(starts, ends, axes, steps=None):
    more = [] if steps is None else [np.asarray(steps)]
    return case("Slice", X, np.asarray(starts), np.asarray(ends), np.asarray(axes), *more)


CASES = [
    part([1], [3], [0]),
    part([-2], [LAST], [1]),
    part([0], [-1], [-1]),
    part([1, 0], [100, -2], [0, 2]),
    part([5], [1], [1], [-2]),
    part([-1], [-LAST], [1], [-1]),
    part([0], [LAST], [2], [2]),
    part([3], [2], [0]),
]


@pytest.mark.parametrize("free", [False, True])
def test_forms(free):
    check(*CASES, case("Slice", X, np.asarray([1, 2]), np.asarray([3, 4])), free=free)


def test_of_older_operator_sets():
    check(case("Slice", X, starts=[1], ends=[-1], axes=[1]), opset=9)


def test_ends_that_follow_from_a_size():
    nodes = [
        node("Shape", "z", outputs=["s"], start=0, end=1),
        node("Slice", "x", "zero", "s", "zero"),
    ]
    data = {"x": X, "z": floats(3, 2)}
    proto = model(nodes, data, {"zero": np.asarray([0])}, free=("x", "z"))
    check_model(proto, data, free=("x", "z"))
