"""ONNX models are recognised, and opened as programs."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from rnnlite.errors import SourceError
from rnnlite.frontends.onnx import detection
from rnnlite.frontends.onnx.frontend import FRONT_END
from rnnlite.frontends.onnx.request import OnnxRequest


def doubled():
    """y = 2 x."""
    x, y = (
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "T", 3]) for n in ("x", "y")
    )
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["y"])],
        "doubled",
        [x],
        [y],
        [numpy_helper.from_array(np.float32(2), "two")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_what_is_recognised(tmp_path):
    assert FRONT_END.recognise(doubled()).kind is detection.LIVE
    (tmp_path / "a.onnx").write_bytes(doubled().SerializeToString())
    assert FRONT_END.recognise(tmp_path / "a.onnx").kind is detection.FILE
    assert FRONT_END.recognise("a.onnx") is None
    assert all(k.options == ("outputs", "constants") for k in FRONT_END.kinds)


def test_a_model_as_a_program():
    (entry,) = FRONT_END.open(doubled(), OnnxRequest()).entries
    assert [(s.name, s.shape, s.batch_axis) for s in entry.inputs] == [("x", (1, None, 3), 0)]
    assert [(s.name, s.batch_axis) for s in entry.outputs] == [("y", 0)]
    x = np.ones((1, 4, 3), np.float32)
    np.testing.assert_array_equal(entry.reference([x])[0], 2 * x)
    np.testing.assert_array_equal(entry.function(x)[0], 2 * x)
    assert "the model has no recurrence; it is converted as it is" in entry.notes


def test_a_file_that_is_damaged(tmp_path):
    (tmp_path / "a.onnx").write_bytes(doubled().SerializeToString()[:60])
    with pytest.raises(SourceError, match="is no ONNX model, or it is truncated"):
        FRONT_END.open(tmp_path / "a.onnx", OnnxRequest())
