"""Files that are no ONNX models, or damaged ones: one message each."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rnnlite.errors import RnnliteError, SourceError, UnsupportedError
from rnnlite.frontends.onnx.reading import read


def small():
    """y = x w, twice."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "w"], ["a"], name="first"),
            helper.make_node("Mul", ["a", "w"], ["y"], name="second"),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 300])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 300])],
        [numpy_helper.from_array(np.arange(300, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_a_truncated_file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(small().SerializeToString()[:200])
    with pytest.raises(SourceError, match="is no ONNX model, or it is truncated"):
        read(path)


def test_a_cyclic_graph():
    model = small()
    model.graph.node[0].input[0] = "y"
    with pytest.raises(SourceError, match=r"'small' is damaged; .* must be topologically sorted"):
        read(model)


def test_missing_external_data(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(small(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    np.testing.assert_array_equal(read(path).graph.constants["w"], np.arange(300))
    (tmp_path / "w.bin").unlink()
    with pytest.raises(SourceError, match=r"the external data of .* cannot be read; .*w\.bin"):
        read(path)


def test_an_old_opset():
    model = small()
    model.opset_import[0].version = 6
    with pytest.raises(SourceError, match=r"set that is not read; expected 7 to \d+; found 6"):
        read(model)


def test_strings():
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    with pytest.raises(UnsupportedError, match="'x' takes or gives strings"):
        read(model)


def test_a_text_that_is_none():
    model = small()
    model.graph.node[0].attribute.append(helper.make_attribute("mode", b"rever\xfbe"))
    model.graph.node[0].op_type = "DepthToSpace"
    del model.graph.node[0].input[1]
    model.graph.node[0].attribute.append(helper.make_attribute("blocksize", 1))
    with pytest.raises(SourceError, match=r"is damaged; expected texts in UTF-8 .* UnicodeDecode"):
        read(model)


def test_a_name_that_is_no_text(tmp_path):
    model = small()
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString().replace(b"first", b"fir\xfbt"))
    with pytest.raises(SourceError, match="ValueError: node 0 has the name b"):
        read(path)


def test_a_type_that_there_is_none_of():
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = 2404
    with pytest.raises(SourceError, match="is damaged; expected texts in UTF-8 and types"):
        read(model)


def test_mutated_files_are_read_or_refused(tmp_path):
    rng = np.random.default_rng(0)
    content = np.frombuffer(small().SerializeToString(), np.uint8)
    path = tmp_path / "model.onnx"
    refused = 0
    for _ in range(1000):
        changed = content.copy()
        head = len(changed) if rng.random() < 0.5 else 100
        places = rng.integers(0, head, rng.integers(1, 6))
        changed[places] = rng.integers(0, 256, len(places))
        path.write_bytes(changed.tobytes())
        try:
            read(path)
        except RnnliteError:
            refused += 1
    assert refused > 100
