"""Files are told by content; broken ones are refused in words."""

import zipfile

import keras
import pytest
import tf_keras

from rnnlite.errors import SourceError
from rnnlite.frontends.sniff import Kind, sniff


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
        ("three.keras", Kind.KERAS_ARCHIVE, True),
        ("three.h5", Kind.KERAS_HDF5, True),
        ("two.keras", Kind.KERAS_ARCHIVE, False),
        ("two.h5", Kind.KERAS_HDF5, False),
        ("two_saved", Kind.KERAS_SAVED_MODEL, False),
    ],
)
def test_kinds_whatever_the_name(files, tmp_path, name, kind, is_keras3):
    path = tmp_path / "renamed.bin"
    path.symlink_to(files / name)
    found = sniff(path)
    assert (found.kind, found.is_keras3) == (kind, is_keras3)


@pytest.mark.parametrize("name", ["three.keras", "three.h5", "two.keras", "two.h5"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_truncated_files(files, tmp_path, name, part):
    data = (files / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceError, match=f"'{path}' is truncated or damaged"):
        sniff(path)


def test_a_damaged_archive(files, tmp_path):
    data = bytearray((files / "three.keras").read_bytes())
    with zipfile.ZipFile(files / "three.keras") as archive:
        info = archive.getinfo("model.weights.h5")
    data[info.header_offset + 400] ^= 0xFF
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(SourceError, match="damaged"):
        sniff(tmp_path / "m.keras")


def test_what_is_no_model(files, tmp_path, exits):
    cases = {
        "missing": "there is no file or folder",
        "empty.h5": "is empty",
        "text.keras": "is no model that rnnlite knows",
        "model.tflite": "is a LiteRT model already",
        "other.zip": r"is a zip archive, but no \.keras model",
        "folder": "is no SavedModel",
    }
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.keras").write_text("hello")
    exits.save(tmp_path / "model.tflite")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "folder").mkdir()
    for name, message in cases.items():
        with pytest.raises(SourceError, match=message):
            sniff(tmp_path / name)


def test_kinds_without_a_model_of_keras(files, tmp_path):
    assert sniff(files / "weights.h5").kind is Kind.KERAS_WEIGHTS
    assert sniff(files / "exported").kind is Kind.SAVED_MODEL
    assert sniff(files / "exported" / "saved_model.pb").kind is Kind.SAVED_MODEL
    (tmp_path / "graph.pb").write_bytes(b"\n\x05")
    (tmp_path / "graph.pbtxt").write_text("node {")
    assert sniff(tmp_path / "graph.pb").kind is Kind.GRAPH
    assert sniff(tmp_path / "graph.pbtxt").kind is Kind.GRAPH
    (tmp_path / "model.ckpt.meta").write_bytes(b"x")
    (tmp_path / "model.ckpt.index").write_bytes(b"x")
    (tmp_path / "checkpoint").write_text("x")
    for path in ("model.ckpt", "model.ckpt.meta", "model.ckpt.index", "."):
        assert sniff(tmp_path / path).kind is Kind.CHECKPOINT
