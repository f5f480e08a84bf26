"""If, Loop and Scan against ONNX Runtime."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper

from onnx_nodes import check_model, floats, function_of, model, node
from onnx_rules import called
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.emit import Emitter
from rnnlite.frontends.onnx.nodes import Graph, Node, ValueInfo
from rnnlite.frontends.onnx.rules.control import (
    LAST,
    Outside,
    _always,
    _is_squeeze,
    _limit,
    _placed,
)
from rnnlite.frontends.onnx.values import Dims, Value
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


def value_of(name):
    return ValueInfo(name, "float32", None)


def body_of(*nodes, condition="go", constants=None):
    """The body of a Loop that takes i and go."""
    ends = (value_of("i"), value_of("go")), (value_of(condition),)
    return Graph("body", nodes, *ends, constants or {})


def one(op, inputs, outputs, **attributes):
    return Node(op, "", op, tuple(inputs), tuple(outputs), attributes, 17)


TRUE = np.asarray(True)


@pytest.mark.parametrize(
    ("body", "go", "always"),
    [
        (body_of(), TRUE, True),
        (body_of(), None, True),
        (body_of(), np.asarray(False), False),
        (body_of(one("Identity", ["go"], ["c"]), condition="c"), TRUE, True),
        (body_of(one("Cast", ["go"], ["c"], to=9), condition="c"), TRUE, True),
        (body_of(one("Constant", [], ["c"], value=TRUE), condition="c"), TRUE, True),
        (body_of(one("Constant", [], ["c"], value=~TRUE), condition="c"), TRUE, False),
        (body_of(condition="c", constants={"c": TRUE}), TRUE, True),
        (body_of(condition="c", constants={"c": ~TRUE}), TRUE, False),
        (body_of(condition="outside"), TRUE, True),
        (body_of(one("Not", ["go"], ["c"]), condition="c"), TRUE, False),
        # What is computed before the loop may be false.
        (body_of(), Value.of(tf.constant(True)), False),
    ],
)
def test_whether_a_body_never_ends_its_loop(body, go, always):
    around = Graph("net", (), (), (), {"outside": TRUE})
    emitter = Emitter(around, {}, Recurrences(Options()), [])
    assert _always(emitter, body, go) is always


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        (np.asarray(5), 5),
        (np.asarray([5]), 5),
        (np.asarray(np.iinfo(np.int64).max), LAST),
        (Dims(7), 7),
        (Dims(tf.constant(7)), 7),
        (Value.of(tf.constant([7], tf.int64)), 7),
    ],
    ids=["number", "vector", "no end", "size", "computed size", "tensor"],
)
def test_how_many_iterations_at_most(limit, wanted):
    found = _limit(limit)
    assert (found.dtype, found.shape, int(found)) == (tf.int32, (), wanted)
    assert _limit(None) is None


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [
        ([one("Squeeze", ["x"], ["y"])], True),
        ([one("Constant", [], ["a"]), one("Squeeze", ["x", "a"], ["y"])], True),
        ([one("Squeeze", ["x"], ["a"]), one("Relu", ["a"], ["y"])], False),
        ([one("Identity", ["x"], ["y"])], False),
    ],
)
def test_a_branch_that_squeezes_and_does_nothing_else(nodes, wanted):
    assert _is_squeeze(Graph("b", tuple(nodes), (), ())) is wanted


@pytest.mark.parametrize(("axis", "backward"), [(0, 0), (1, 0), (-1, 1), (2, 1)])
def test_where_time_stands_in_what_a_scan_gives(axis, backward):
    node = one("Scan", [], ["y"], scan_output_axes=[axis], scan_output_directions=[backward])
    (found,) = _placed(node, [tf.constant(X)], 1)
    wanted = np.moveaxis(X[::-1] if backward else X, 0, axis)
    np.testing.assert_array_equal(found.plain(), wanted)


def test_rows_stand_in_front_where_nothing_is_said():
    (found,) = _placed(one("Scan", [], ["y"]), [tf.constant(X)], 1)
    assert found.is_plain


def test_what_bodies_read_from_around_them():
    """Numbers stay numbers; tensors become inputs, each once."""
    tensor = Value.of(tf.ones([2]))
    given = {"n": np.asarray(3), "size": Dims.vector([4]), "t": tensor}
    emitter = Emitter(Graph("net", (), (), ()), given, Recurrences(Options()), [])
    bodies = [
        Graph("a", (one("Add", ["t", "n"], ["y"]),), (), (value_of("y"),)),
        Graph("b", (one("Mul", ["t", "size"], ["z"]),), (), (value_of("z"),)),
    ]
    found = Outside(emitter, *bodies)
    assert found.names == ["t"]
    assert {k: np.asarray(v).tolist() for k, v in found.fixed.items()} == {"n": 3, "size": [4]}
    inner = found.given([tf.zeros([2])])
    assert sorted(inner) == ["n", "size", "t"]
    assert inner["t"] is not tensor


def test_the_oldest_form_of_a_scan_is_refused():
    with pytest.raises(UnsupportedError, match="has the form of operator set 8; expected"):
        called("Scan", opset=8, outputs=1)
