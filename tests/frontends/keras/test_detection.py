"""Files of Keras, told by content: archives and HDF5 files made by hand, with what is wrong."""

import json
import zipfile

import h5py
import pytest

from rnnlite.errors import SourceError
from rnnlite.frontends.keras import detection
from rnnlite.frontends.keras.detection import Detected, detect

CONFIG = {"class_name": "Sequential", "config": {"layers": []}}


def archive(path, **members):
    """A zip archive of these members; '__' stands for a dot."""
    with zipfile.ZipFile(path, "w") as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "."), text)
    return path


def whole(**more):
    return {"config__json": json.dumps(CONFIG), "model__weights__h5": "weights", **more}


def test_an_archive(tmp_path):
    version = json.dumps({"keras_version": "3.4.1"})
    found = detect(archive(tmp_path / "any.name", **whole(metadata__json=version)))
    assert (found.kind, found.keras_version, found.config) == (detection.ARCHIVE, "3.4.1", CONFIG)
    assert found.is_keras3
    # One that does not say is taken for what it was then.
    assert not detect(archive(tmp_path / "old", **whole())).is_keras3


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, None),
        ({"a__txt": ""}, "a.txt"),
        ({"config__json": "{}"}, "config.json"),
        (dict.fromkeys(["f", "e", "d", "c", "b", "a"], ""), "a, b, c, d, e"),
    ],
    ids=str,
)
def test_another_archive(tmp_path, members, found):
    path = archive(tmp_path / "a.keras", **members)
    if found is None:
        # An archive without members begins with its end.
        assert detect(path) is None
        return
    with pytest.raises(SourceError) as error:
        detect(path)
    assert str(error.value) == (
        f"'{path}' is a zip archive, but no .keras model; expected config.json and "
        f"model.weights.h5 in it; found {found}."
    )


def test_an_archive_whose_configuration_is_no_json(tmp_path):
    path = archive(tmp_path / "a.keras", **whole(config__json="{"))
    with pytest.raises(SourceError, match=r"the \.keras archive '.*' is truncated or damaged"):
        detect(path)


def test_an_archive_with_a_bad_checksum(tmp_path):
    path = archive(tmp_path / "a.keras", **whole(model__weights__h5="0123456789"))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"0123456789", b"0123456780"))
    with pytest.raises(SourceError) as found:
        detect(path)
    assert str(found.value) == (
        f"the .keras archive '{path}' is damaged; found a bad checksum in model.weights.h5."
    )


def hdf5(path, attributes=(), groups=()):
    with h5py.File(path, "w") as file:
        file.attrs.update(dict(attributes))
        for name, values in dict(groups).items():
            file.create_group(name).attrs.update(values)
    return path


MODEL = {"model_config": json.dumps(CONFIG)}


@pytest.mark.parametrize(
    ("attributes", "groups", "version"),
    [
        ({**MODEL, "keras_version": "2.2.4"}, {}, "2.2.4"),
        ({**MODEL, "keras_version": b"3.0.0"}, {}, "3.0.0"),
        (MODEL, {"model_weights": {"keras_version": b"2.1.0"}}, "2.1.0"),
        (MODEL, {"model_weights": {}}, ""),
        (MODEL, {}, ""),
    ],
    ids=str,
)
def test_a_model_in_hdf5(tmp_path, attributes, groups, version):
    found = detect(hdf5(tmp_path / "m.bin", attributes, groups))
    assert found == Detected(detection.HDF5, version, CONFIG)
    assert found.is_keras3 == version.startswith("3")


@pytest.mark.parametrize(
    ("attributes", "groups", "version"),
    [
        ({"layer_names": [b"lstm"], "keras_version": "2.3.1"}, {}, "2.3.1"),
        ({"layer_names": [b"lstm"]}, {}, "2"),
        ({}, {"layers": {}}, "3"),
    ],
    ids=str,
)
def test_weights_alone(tmp_path, attributes, groups, version):
    found = detect(hdf5(tmp_path / "w.h5", attributes, groups))
    assert found == Detected(detection.WEIGHTS, version, None)
    assert "architecture" in found.kind.options


def test_hdf5_of_something_else(tmp_path):
    path = hdf5(tmp_path / "data.h5", {"title": "rain"}, {"days": {}})
    with pytest.raises(SourceError) as found:
        detect(path)
    assert str(found.value) == (
        f"the HDF5 file '{path}' holds no Keras model; expected a model saved with "
        "model.save(path); found no attribute model_config."
    )


def test_hdf5_whose_configuration_is_no_json(tmp_path):
    path = hdf5(tmp_path / "m.h5", {"model_config": "{'single': quotes}"})
    with pytest.raises(SourceError, match=f"^the configuration in '{path}' is damaged; found"):
        detect(path)


def test_hdf5_that_ends_early(tmp_path):
    path = hdf5(tmp_path / "m.h5", MODEL)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match=f"^the HDF5 file '{path}' is truncated or damaged"):
        detect(path)


def folder(path, *, metadata=b"\x0a", graph=b"\x08\x01"):
    path.mkdir()
    if metadata is not None:
        (path / "keras_metadata.pb").write_bytes(metadata)
    if graph is not None:
        (path / "saved_model.pb").write_bytes(graph)
    return path


def test_a_saved_model(tmp_path):
    path = folder(tmp_path / "m")
    assert detect(path) == Detected(detection.SAVED_MODEL, "2", None)
    assert detect(path / "saved_model.pb") == detect(path)


@pytest.mark.parametrize("missing", ["metadata", "graph"])
def test_a_folder_that_is_no_saved_model_of_keras(tmp_path, missing):
    assert detect(folder(tmp_path / "m", **{missing: None})) is None


def test_a_saved_model_whose_metadata_are_empty(tmp_path):
    path = folder(tmp_path / "m", metadata=b"")
    with pytest.raises(SourceError) as found:
        detect(path)
    message = f"the SavedModel '{path}' is damaged; found an empty keras_metadata.pb."
    assert str(found.value) == message


@pytest.mark.parametrize("data", [b"", b"\n\x05", b"PK\x05\x06", b"\x89HDF\r\n\x1a", b"text"])
def test_something_else(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    assert detect(tmp_path / "file") is None


@pytest.mark.parametrize(
    ("version", "three"),
    [
        ("3.15.1", True),
        ("3", True),
        ("10.0", True),
        ("2.15.0-tf", False),
        ("", False),
        ("x", False),
    ],
)
def test_versions(version, three):
    assert Detected(detection.HDF5, version, None).is_keras3 == three


def test_an_archive_whose_content_is_damaged(tmp_path):
    """What the decompressor raises is a refusal as well."""
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("config.json", "model.weights.h5"):
            made.writestr(name, "{" + " " * 1000 + "}")
    data = bytearray(path.read_bytes())
    start = data.find(b"config.json") + len("config.json")
    data[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"the \.keras archive '.*' is truncated or damaged"):
        detect(path)
