"""How often a Loop runs, from the condition that its body computes."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper

from onnx_nodes import check_model, floats, model, node
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options

T, B, F = 6, 2, 3
X, W, H = floats(T, B, F), floats(F, F, scale=0.4), floats(B, F)
INT64, FLOAT, BOOL = TensorProto.INT64, TensorProto.FLOAT, TensorProto.BOOL


def value_info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def loop(condition, *, go="go0", limit="", first=0, more=(), rows="k"):
    """go, k, n, h -> go', k + 1, n, h', row: as tf2onnx writes a while loop over the rows of x."""
    body = helper.make_graph(
        [
            node("Add", "k", "one", outputs=["next"]),
            node("Gather", "x", rows, outputs=["x_t"], axis=0),
            node("MatMul", "h", "W", outputs=["m"]),
            node("Add", "m", "x_t", outputs=["a"]),
            node("Tanh", "a", outputs=["new"]),
            node("Identity", "new", outputs=["row"]),
            node("Identity", "n", outputs=["n_out"]),
            *condition,
        ],
        "body",
        [
            value_info("i", INT64, []),
            value_info("go", BOOL, []),
            value_info("k", INT64, []),
            value_info("n", INT64, []),
            value_info("h", FLOAT, [B, F]),
        ],
        [
            value_info("more", BOOL, []),
            value_info("next", INT64, []),
            value_info("n_out", INT64, []),
            value_info("new", FLOAT, [B, F]),
            value_info("row", FLOAT, [B, F]),
        ],
    )
    nodes = [
        node("Shape", "x", outputs=["s"], start=0, end=1),
        node("Squeeze", "s", outputs=["count"]),
        node("Cast", "k0", outputs=["k0_float"], to=FLOAT),
        node("Cast", "count", outputs=["count_float"], to=FLOAT),
        node("Less", "k0_float", "count_float", outputs=["go0"]),
        *more,
        node("Loop", limit, go, "k0", "count", "h0", outputs=["k1", "n1", "h1", "y"], body=body),
    ]
    numbers = {"k0": np.asarray(first), "one": np.asarray(1), "true": np.asarray(True)}
    numbers |= {"two": np.asarray(2), "four": np.asarray(4), "half": np.asarray(0.5, np.float32)}
    inner = {i for n in body.node for i in n.input}
    used = {i for n in nodes for i in n.input} | inner
    known = {n: a for n, a in numbers.items() if n in used}
    return model(nodes, {"x": X}, {"W": W, "h0": H, **known}, ["h1", "y", "k1"])


def in_float(low, high, op="Less"):
    return [
        node("Cast", low, outputs=["low"], to=FLOAT),
        node("Cast", high, outputs=["high"], to=FLOAT),
        node(op, "low", "high", outputs=["more"]),
    ]


IN_FLOAT = in_float("next", "n")
JOINED = [
    node("Less", "next", "n", outputs=["below"]),
    node("Add", "i", "one", outputs=["turn"]),
    node("Less", "turn", "four", outputs=["few"]),
    node("And", "below", "few", outputs=["more"]),
]


def recurrences(proto, free=True):
    taken = Recurrences(Options())
    check_model(proto, {"x": X}, free={"x": (None, B, F)} if free else None, recurrences=taken)
    return len(taken.records)


@pytest.mark.parametrize(
    ("condition", "options"),
    [
        (IN_FLOAT, {}),
        ([node("Less", "next", "n", outputs=["more"])], {}),
        (in_float("n", "next", "Greater"), {}),
        ([node("Less", "next", "count", outputs=["more"])], {}),
        ([node("Add", "one", "k", outputs=["later"]), *in_float("next", "n")], {}),
        (IN_FLOAT, {"limit": "four"}),
        (IN_FLOAT, {"go": "true"}),
        (JOINED, {}),
    ],
    ids=["float", "integers", "greater", "outside", "one first", "limit", "at the end", "two"],
)
def test_a_loop_whose_condition_bounds_a_counter_is_a_recurrence(condition, options):
    assert recurrences(loop(condition, **options)) == 1


def test_a_loop_that_does_not_begin_gives_what_comes_in():
    # 6 < 6 is false before the first iteration: the body's condition is never asked.
    proto = loop(IN_FLOAT, first=T)
    check_model(proto, {"x": X}, free={"x": (None, B, F)})


def test_a_counter_may_begin_further_on():
    check_model(loop(IN_FLOAT, first=2), {"x": X}, free={"x": (None, B, F)})


def test_one_more_by_less_or_equal():
    # next <= n - 1 is next < n.
    fewer = [node("Sub", "count", "one", outputs=["last"])]
    condition = [node("LessOrEqual", "next", "last", outputs=["more"])]
    assert recurrences(loop(condition, more=fewer)) == 1


@pytest.mark.parametrize(
    "condition",
    [
        [
            node("ReduceMax", "new", outputs=["top"], keepdims=0),
            node("Less", "top", "half", outputs=["more"]),
        ],
        [
            node("Mul", "next", "two", outputs=["twice"]),
            node("Less", "twice", "n", outputs=["more"]),
        ],
        [node("Add", "k", "two", outputs=["far"]), node("Less", "far", "n", outputs=["more"])],
    ],
    ids=["of a state", "of a product", "of two steps"],
)
def test_another_condition_stays_a_plain_loop_and_is_right(condition):
    assert recurrences(loop(condition)) == 0
