"""Files are told by content; broken ones are refused in words."""

import zipfile

import keras
import pytest
import tf_keras

from rnnlite.errors import SourceError
from rnnlite.frontends.keras import detection
from rnnlite.frontends.keras.detection import detect
from rnnlite.frontends.tensorflow import detection as graphs


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    three = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(2)])
    two = tf_keras.Sequential([tf_keras.Input((None, 2)), tf_keras.layers.LSTM(2)])
    three.save(folder / "three.keras")
    three.save(folder / "three.h5")
    two.save(folder / "two.keras")
    two.save(folder / "two.h5")
    two.save(folder / "two_saved")
    two.save_weights(folder / "weights.h5")
    three.export(folder / "exported", verbose=False)
    return folder


@pytest.mark.parametrize(
    ("name", "kind", "is_keras3"),
    [
        ("three.keras", detection.ARCHIVE, True),
        ("three.h5", detection.HDF5, True),
        ("two.keras", detection.ARCHIVE, False),
        ("two.h5", detection.HDF5, False),
        ("two_saved", detection.SAVED_MODEL, False),
    ],
)
def test_kinds_whatever_the_name(files, tmp_path, name, kind, is_keras3):
    path = tmp_path / "renamed.bin"
    path.symlink_to(files / name)
    found = detect(path)
    assert (found.kind, found.is_keras3) == (kind, is_keras3)


@pytest.mark.parametrize("name", ["three.keras", "three.h5", "two.keras", "two.h5"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_truncated_files(files, tmp_path, name, part):
    data = (files / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceError, match=f"'{path}' is truncated or damaged"):
        detect(path)


def test_a_damaged_archive(files, tmp_path):
    data = bytearray((files / "three.keras").read_bytes())
    with zipfile.ZipFile(files / "three.keras") as archive:
        info = archive.getinfo("model.weights.h5")
    data[info.header_offset + 400] ^= 0xFF
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(SourceError, match="damaged"):
        detect(tmp_path / "m.keras")


def test_kinds_without_a_model_of_keras(files, tmp_path):
    assert detect(files / "weights.h5").kind is detection.WEIGHTS
    for path in (files / "exported", files / "exported" / "saved_model.pb"):
        assert detect(path) is None
        assert graphs.detect(path) is graphs.SAVED_MODEL
    assert graphs.detect(files / "two_saved") is graphs.KERAS_SAVED_MODEL
    assert graphs.detect(files / "three.keras") is None
    (tmp_path / "graph.pb").write_bytes(b"\n\x05")
    (tmp_path / "graph.pbtxt").write_text("node {")
    assert graphs.detect(tmp_path / "graph.pb") is graphs.GRAPH
    assert graphs.detect(tmp_path / "graph.pbtxt") is graphs.GRAPH
    (tmp_path / "model.ckpt.meta").write_bytes(b"x")
    (tmp_path / "model.ckpt.index").write_bytes(b"x")
    (tmp_path / "checkpoint").write_text("x")
    for path in ("model.ckpt", "model.ckpt.meta", "model.ckpt.index", "."):
        assert graphs.detect(tmp_path / path) is graphs.CHECKPOINT
