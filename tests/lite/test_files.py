"""Whole files or none."""

import os

import pytest

from rnnlite.errors import ModelError, OutputError
from rnnlite.lite.files import read_model, require_place, write_whole


def test_replaces_the_old_file(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model.tflite"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.tflite"]


def test_a_folder_or_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_whole(tmp_path, b"x")
    with pytest.raises(OutputError, match="No such file"):
        write_whole(tmp_path / "a" / "b", b"x")


def test_a_conversion_is_read_as_its_file():
    class Converted:
        tflite = b"file"

    assert read_model(Converted()) == b"file"


@pytest.mark.parametrize(("source", "found"), [(3, "int"), (None, "NoneType"), ([], "list")])
def test_what_is_no_model_is_refused(source, found):
    with pytest.raises(ModelError, match=f"this is no LiteRT model; .*; found {found}"):
        read_model(source)


def test_an_empty_model_file_is_refused(tmp_path):
    (tmp_path / "e.tflite").touch()
    with pytest.raises(ModelError, match="is empty"):
        read_model(tmp_path / "e.tflite")


@pytest.mark.parametrize(
    ("out", "others", "message"),
    [
        ("new", ["old", "folder", b"content"], ""),
        ("old", ["new"], ""),
        ("old", ["old"], "'old': the same call reads it, or writes it too. Give another output"),
        ("old", ["folder/../old"], "the same call reads it"),
        ("old", ["link"], "the same call reads it"),
        ("link", ["old"], "the same call reads it"),
        ("hard", ["old"], "the same call reads it"),
        ("new", ["folder/../new"], "the same call reads it"),
        ("folder", [], "'folder': it is a folder"),
        ("none/new", [], "'none/new': there is no folder 'none'"),
    ],
)
def test_places_to_write_to(tmp_path, monkeypatch, out, others, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "hard").hardlink_to(tmp_path / "old")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    if not message:
        require_place(out, others)
        return
    with pytest.raises(OutputError, match=message):
        require_place(out, others)
