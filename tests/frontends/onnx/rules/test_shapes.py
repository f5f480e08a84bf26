"""Shapes, and what is computed of them, against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")


from onnx_nodes import case, check, check_model, floats, function_of, model, node

X = floats(2, 3, 4)


@pytest.mark.parametrize("free", [False, True])
def test_of_a_tensor(free):
    check(
        case("Shape", X),
        case("Shape", X, start=1),
        case("Shape", X, start=-2, end=-1),
        case("Size", X),
        case("Reshape", X, np.asarray([0, -1])),
        case("Reshape", X, np.asarray([6, 4])),
        case("Reshape", X, np.asarray([2, 0, 2, -1])),
        case("Expand", X[:1], np.asarray([5, 1, 4])),
        case("Expand", X, np.asarray([3, 1, 1, 1])),
        case("Identity", X),
        case("Dropout", X),
        free=free,
    )


def test_of_numbers():
    shape = np.asarray([2, 3])
    check(
        case("Add", X, np.asarray([1.0], np.float32)),
        case("ConstantOfShape", shape, data=0),
        case("Range", np.asarray(1), np.asarray(9), np.asarray(3), data=0),
        case(
            "Range",
            np.asarray(1.0, np.float32),
            np.asarray(2.5, np.float32),
            np.asarray(0.5, np.float32),
            data=0,
        ),
    )


CHAINS = {
    # x (B, T, F): heads of attention and back, a row of zeros a sample, places along time
    "heads": [
        node("Shape", "x", outputs=["s"]),
        node("Slice", "s", "zero", "two", outputs=["lead"]),
        node("Concat", "lead", "four", "minus", outputs=["split"], axis=0),
        node("Reshape", "x", "split", outputs=["y"]),
    ],
    "zeros": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "first", outputs=["n"], axis=0),
        node("Unsqueeze", "n", "zero", outputs=["u"]),
        node("Concat", "u", "four", outputs=["z"], axis=0),
        node("ConstantOfShape", "z", outputs=["y"]),
    ],
    "places": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "second", outputs=["n"], axis=0),
        node("Range", "first", "n", "second", outputs=["y"]),
    ],
    "arithmetic": [
        node("Shape", "x", outputs=["s"]),
        node("Gather", "s", "second", outputs=["n"], axis=0),
        node("Mul", "n", "three", outputs=["m"]),
        node("Sub", "m", "second", outputs=["k"]),
        node("Div", "k", "three", outputs=["d"]),
        node("Cast", "d", outputs=["y"], to=1),
    ],
}
NUMBERS = {
    "zero": [0],
    "two": [2],
    "four": [4],
    "minus": [-1],
    "first": 0,
    "second": 1,
    "three": 3,
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("free", [(), ("x",)])
def test_chains(name, free):
    nodes = CHAINS[name]
    read = {i for n in nodes for i in n.input}
    constants = {k: np.asarray(v) for k, v in NUMBERS.items() if k in read}
    data = {"x": floats(3, 5, 8)}
    check_model(model(nodes, data, constants, free=free), data, free=free)


def test_sizes_that_are_known_stay_known():
    read = {i for n in CHAINS["heads"] for i in n.input}
    constants = {k: np.asarray(v) for k, v in NUMBERS.items() if k in read}
    data = {"x": floats(3, 5, 8)}
    proto = model(CHAINS["heads"], data, constants, free=("x",))
    function = function_of(proto, data, free={"x": (None, 5, 8)})
    assert function.outputs[0].shape.as_list() == [None, 5, 4, 2]
