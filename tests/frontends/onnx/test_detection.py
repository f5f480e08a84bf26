"""Which files are ONNX models: by name, or by how they begin."""

import onnx
import pytest
from onnx import TensorProto, helper

from rnnlite.frontends.onnx import detection
from rnnlite.frontends.onnx.detection import detect


def small(**fields):
    """y = tanh(x)."""
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Tanh", ["x"], ["y"])], "g", infos[:1], infos[1:])
    return helper.make_model(graph, **fields)


CONTENTS = {
    "version, then producer": (b"\x08\x09\x12\x03abc", True),
    "version, then the producer's version": (b"\x08\x07\x1a\x03abc", True),
    "version, then graph": (b"\x08\x0a\x3a\x03abc", True),
    "version, then operator sets": (b"\x08\x0a\x42\x03abc", True),
    "a SavedModel": (b"\x08\x01\x12\xff"[:2], False),
    "a GraphDef": (b"\x0a\x10\x0a\x01x", False),
    "an archive": (b"PK\x03\x04", False),
    "empty": (b"", False),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_contents(tmp_path, case):
    content, is_onnx = CONTENTS[case]
    (tmp_path / "model.bin").write_bytes(content)
    assert detect(tmp_path / "model.bin") is (detection.FILE if is_onnx else None)


@pytest.mark.parametrize(
    ("name", "is_onnx"), [("a.onnx", True), ("a.ONNX", True), ("a.ort", False)]
)
def test_names(tmp_path, name, is_onnx):
    """A damaged file of this name is taken too; ONNX Runtime's own files are not."""
    (tmp_path / name).write_bytes(b"nonsense")
    assert detect(tmp_path / name) is (detection.FILE if is_onnx else None)
    (tmp_path / name).unlink()
    assert detect(tmp_path / name) is None


@pytest.mark.parametrize("fields", [{}, {"producer_name": "someone"}])
def test_models_as_they_are_written(tmp_path, fields):
    model = small(**fields)
    onnx.save(model, tmp_path / "any.name")
    assert detect(tmp_path / "any.name") is detection.FILE
    assert detect(model) is detection.LIVE
    assert detect(model.graph) is None
    assert detect(tmp_path) is None
