"""ONNX Runtime as the reference: types are the model's within, the file's outside."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from rnnlite.errors import SourceError
from rnnlite.frontends.onnx.reference import runner

pytest.importorskip("onnxruntime")


def model(op="Mul", dtype=TensorProto.FLOAT16):
    """y = x times scale, z = x."""
    x, scale, y, z = (
        helper.make_tensor_value_info(n, dtype, None) for n in ("x", "scale", "y", "z")
    )
    nodes = [
        helper.make_node(op, ["x", "scale"], ["y"]),
        helper.make_node("Identity", ["x"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "g", [x, scale], [y, z])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_halves_in_float32():
    fixed = {"scale": np.array(0.5, np.float16)}
    run = runner(model(), "it", [("x", "float16")], [("y", "float32")], fixed)
    (found,) = run([np.array([2, 1 / 3], np.float32)])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([1, np.float16(1 / 3) / 2], np.float32))


def test_outputs_in_the_order_asked_for():
    inputs = [("scale", "float32"), ("x", "float32")]
    outputs = [("z", "float32"), ("y", "float32")]
    run = runner(model(dtype=TensorProto.FLOAT), "it", inputs, outputs, {})
    z, y = run([np.float32(3), np.arange(3)])
    np.testing.assert_array_equal(z, [0, 1, 2])
    np.testing.assert_array_equal(y, [0, 3, 6])


def test_what_onnx_runtime_refuses():
    with pytest.raises(SourceError, match=r"ONNX Runtime refuses it; found .*Nonsense"):
        runner(model("Nonsense"), "it", [("x", "float16")], [("y", "float32")], {})


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_batches_that_stand_first(op):
    """ONNX Runtime has no layout 1: the same with axes turned round."""
    gates, rng = {"LSTM": 4, "GRU": 3, "RNN": 1}[op], np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(2, 5, 3)),
        "W": rng.normal(size=(2, 4 * gates, 3)),
        "R": rng.normal(size=(2, 4 * gates, 4)),
        "h": rng.normal(size=(2, 2, 4)),
    }
    arrays = {n: a.astype(np.float32) for n, a in arrays.items()}
    inputs = [(n, "float32") for n in arrays]
    outputs = [("y", "float32"), ("last", "float32")]

    def run(layout, given):
        node = helper.make_node(
            op,
            ["x", "W", "R", "", "", "h"],
            ["y", "last"],
            hidden_size=4,
            direction="bidirectional",
            layout=layout,
        )
        ends = [
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names]
            for names in (arrays, ("y", "last"))
        ]
        proto = helper.make_model(
            helper.make_graph([node], "g", *ends),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=9,
        )
        before = proto.SerializeToString()
        found = runner(proto, "it", inputs, outputs, {})(list(given.values()))
        assert proto.SerializeToString() == before
        return found

    turned = {n: a.swapaxes(0, 1) if n in ("x", "h") else a for n, a in arrays.items()}
    y, last = run(0, turned)
    found, state = run(1, arrays)
    np.testing.assert_array_equal(found, y.transpose(2, 0, 1, 3))
    np.testing.assert_array_equal(state, last.swapaxes(0, 1))
