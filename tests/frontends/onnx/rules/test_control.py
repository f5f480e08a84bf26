"""If, Loop and Scan against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper

from onnx_nodes import check_model, floats, function_of, model, node
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options

T, B, F = 6, 2, 3
X, W, H = floats(T, B, F), floats(F, F, scale=0.4), floats(B, F)


def value_info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def graph(nodes, inputs, outputs):
    return helper.make_graph(nodes, "body", inputs, outputs)


def step(h, x, made):
    """h' = tanh(h W + x)."""
    return [
        node("MatMul", h, "W", outputs=[f"{made}_m"]),
        node("Add", f"{made}_m", x, outputs=[f"{made}_a"]),
        node("Tanh", f"{made}_a", outputs=[made]),
        node("Identity", made, outputs=[f"{made}_row"]),
    ]


def scan(**attributes):
    float_ = TensorProto.FLOAT
    body = graph(
        step("h", "x_t", "new"),
        [value_info("h", float_, [B, F]), value_info("x_t", float_, [B, F])],
        [value_info("new", float_, [B, F]), value_info("new_row", float_, [B, F])],
    )
    return node(
        "Scan", "h0", "x", outputs=["last", "y"], body=body, num_scan_inputs=1, **attributes
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"scan_input_directions": [1]},
        {"scan_input_directions": [1], "scan_output_directions": [1]},
        {"scan_output_axes": [1]},
        {"scan_input_axes": [0], "scan_output_axes": [-1]},
    ],
    ids=str,
)
def test_scan(attributes):
    data = {"x": X}
    proto = model([scan(**attributes)], data, {"W": W, "h0": H}, ["last", "y"])
    taken = Recurrences(Options())
    check_model(proto, data, free={"x": (None, B, F)}, recurrences=taken)
    assert len(taken.records) == 1


def loop_body(condition):
    """i, go, h -> go, h', row; the row of x is taken by number."""
    return graph(
        [
            node("Gather", "x", "i", outputs=["x_t"], axis=0),
            *step("h", "x_t", "new"),
            *condition,
        ],
        [
            value_info("i", TensorProto.INT64, []),
            value_info("go", TensorProto.BOOL, []),
            value_info("h", TensorProto.FLOAT, [B, F]),
        ],
        [
            value_info("more", TensorProto.BOOL, []),
            value_info("new", TensorProto.FLOAT, [B, F]),
            value_info("new_row", TensorProto.FLOAT, [B, F]),
        ],
    )


ALWAYS = [node("Identity", "go", outputs=["more"])]
UNTIL = [
    node("ReduceMax", "new", outputs=["top"], keepdims=0),
    node("Less", "top", "limit", outputs=["more"]),
]
AT_THE_END = [
    node("Add", "i", "one", outputs=["next"]),
    node("Less", "next", "count", outputs=["more"]),
]


def loop(condition, limit="count"):
    """A loop over the rows of x."""
    before = [
        node("Shape", "x", outputs=["s"], start=0, end=1),
        node("Squeeze", "s", outputs=["count"]),
        node("Loop", limit, "true", "h0", outputs=["last", "y"], body=loop_body(condition)),
    ]
    constants = {"W": W, "h0": H, "true": np.asarray(True)}
    names = {i for n in condition for i in n.input}
    numbers = {"limit": np.float32(0.9), "one": np.asarray(1)}
    constants |= {n: np.asarray(a) for n, a in numbers.items() if n in names}
    if limit == "most":
        constants["most"] = np.asarray(np.iinfo(np.int64).max)
    return model(before, {"x": X}, constants, ["last", "y"])


def test_a_loop_over_rows_is_a_recurrence():
    taken = Recurrences(Options())
    check_model(loop(ALWAYS), {"x": X}, free={"x": (None, B, F)}, recurrences=taken)
    assert len(taken.records) == 1


def test_a_loop_that_may_end_early_stays_one():
    taken = Recurrences(Options())
    check_model(loop(UNTIL), {"x": X}, free={"x": (None, B, F)}, recurrences=taken)
    assert not taken.records


def branch(op, name):
    return graph([node(op, "x", outputs=[name])], [], [value_info(name, TensorProto.FLOAT, None)])


@pytest.mark.parametrize("chosen", [True, False])
def test_if_of_a_known_condition_is_decided(chosen):
    made = node("If", "c", then_branch=branch("Relu", "a"), else_branch=branch("Neg", "b"))
    proto = model([made], {"x": X}, {"c": np.asarray(chosen)})
    check_model(proto, {"x": X})
    kinds = {o.type for o in function_of(proto, {"x": X}).graph.get_operations()}
    assert ("Relu" if chosen else "Neg") in kinds
    assert ("Neg" if chosen else "Relu") not in kinds


def test_if_of_data():
    nodes = [
        node("ReduceSum", "x", outputs=["sum"], keepdims=0),
        node("Greater", "sum", "zero", outputs=["c"]),
        node("If", "c", then_branch=branch("Relu", "a"), else_branch=branch("Neg", "b")),
    ]
    for x in (np.abs(X), -np.abs(X)):
        proto = model(nodes, {"x": x}, {"zero": np.asarray(0, np.float32)})
        check_model(proto, {"x": x})
