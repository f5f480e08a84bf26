"""Buffers that a loop writes a row of in each iteration become rows; others stay."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

pytest.importorskip("onnxruntime")

from onnx_nodes import check_model
from rnnlite.frontends.onnx.buffers import without_buffers
from rnnlite.frontends.onnx.reading import read
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.lowering.schedule import Options

ROWS = """
    at = Unsqueeze (i, zero1)
    places = Unsqueeze (at, zero1)
    shape = Shape (own)
    row = Unsqueeze (new, zero1)
"""
"""rows[i] = new"""

GRID = """
    shape = Shape (own)
    b = Gather (shape, zero)
    f = Gather (shape, two)
    bs = Range (zero, b, one)
    fs = Range (zero, f, one)
    bcol = Reshape (bs, tall)
    frow = Reshape (fs, flat)
    zeros = Mul (bcol, zero)
    zeros_f = Mul (frow, zero)
    base = Add (zeros, zeros_f)
    first = Add (base, bcol)
    second = Add (base, i)
    third = Add (base, frow)
    first1 = Unsqueeze (first, last)
    second1 = Unsqueeze (second, last)
    third1 = Unsqueeze (third, last)
    places = Concat <axis = -1> (first1, second1, third1)
    row = Unsqueeze (new, one1)
"""
"""rows[:, i] = new, as TorchScript is exported"""


def model(write, time, *, count="n", more="", behind=""):
    """h = tanh(h + x[i]) over time, each h written into a buffer of zeros."""
    shape = ["B", "T", "F"] if time else ["T", "B", "F"]
    text = f"""
    <ir_version: 9, opset_import: ["" : 17]>
    net (float[{",".join(shape)}] x, float[B,F] h0) => (float[{",".join(shape)}] y, float[B,F] h)
    {{
        whole = Shape (x)
        n = Gather (whole, time)
        less = Sub (n, one)
        buffer = ConstantOfShape (whole)
        h, y = Loop ({count}, yes, h0, buffer) <body = body (
            int64 i, bool go, float[B,F] old, float[{",".join(shape)}] own
        ) => (bool going, float[B,F] new, float[{",".join(shape)}] longer) {{
            step = Gather <axis = {time}> (x, i)
            sum = Add (old, step)
            new = Tanh (sum)
            {write}
            {more}
            longer = ScatterND (own, places, row)
            going = Identity (go)
        }}>
        {behind}
    }}
    """
    made = onnx.parser.parse_model(text)
    numbers = {
        "yes": np.array(True),
        "time": np.array(time),
        "zero": np.array(0),
        "one": np.array(1),
        "two": np.array(2),
        "zero1": np.array([0]),
        "one1": np.array([1]),
        "last": np.array([-1]),
        "tall": np.array([-1, 1, 1]),
        "flat": np.array([1, 1, -1]),
    }
    made.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in numbers.items())
    return made


def data(time, length):
    rng = np.random.default_rng(0)
    shape = (2, length, 3) if time else (length, 2, 3)
    return {n: rng.normal(size=s).astype("float32") for n, s in (("x", shape), ("h0", (2, 3)))}


def ops(proto):
    return [n.op for n in read(proto).graph.nodes]


@pytest.mark.parametrize(("write", "time"), [(ROWS, 0), (GRID, 1)])
def test_a_buffer_becomes_rows(write, time):
    proto = model(write, time)
    loop, end = read(proto).graph.nodes[-2:]
    assert (loop.op, end.op, end.attributes) == ("Loop", "WrittenRows", {"axis": time})
    assert end.inputs == (loop.outputs[1], "buffer", "n")
    assert loop.inputs == ("n", "yes", "h0")
    assert [p.name for p in loop.attributes["body"].inputs] == ["i", "go", "old"]
    recurrences = Recurrences(Options())
    check_model(proto, data(time, 7), free=("x",), recurrences=recurrences)
    assert len(recurrences.lowered) == 1


def test_what_the_loop_does_not_reach_is_the_buffers_own():
    proto = model(GRID, 1, count="less")
    assert ops(proto)[-1] == "WrittenRows"
    y, _ = check_model(proto, data(1, 6), free=("x",))
    assert not y[:, -1].any()
    assert y[:, -2].all()


@pytest.mark.parametrize(
    ("write", "more"),
    [
        (ROWS.replace("(i, zero1)", "(other, zero1)"), "other = Sub (i, i)"),
        (
            ROWS.replace("Unsqueeze (new, zero1)", "Add (wide, own_row)"),
            "own_row = Slice (own, zero1, one1) wide = Unsqueeze (new, zero1)",
        ),
    ],
    ids=["always the same row", "its own rows are read"],
)
def test_others_stay(write, more):
    # In the order that nodes need.
    proto = model(more + write, 0)
    assert ops(proto)[-1] == "Loop"
    check_model(proto, data(0, 4), free=("x",))


def test_graphs_without_loops_are_equal():
    graph = read(model(ROWS, 0)).graph
    plain = [n for n in graph.nodes if n.op != "Loop"]
    assert list(without_buffers(graph).nodes[: len(plain) - 1]) == plain[:-1]
