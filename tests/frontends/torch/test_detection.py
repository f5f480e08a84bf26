"""What of PyTorch is told by its type, and what by the names in an archive."""

import zipfile

import keras
import pytest

torch = pytest.importorskip("torch")

from rnnlite.errors import SourceError  # noqa: E402
from rnnlite.frontends.opening import candidates  # noqa: E402
from rnnlite.frontends.torch import detection  # noqa: E402
from rnnlite.frontends.torch.calls import quiet  # noqa: E402
from rnnlite.frontends.torch.detection import detect  # noqa: E402

ARCHIVES = {
    "exported": (["net/archive_format", "net/data.pkl"], detection.PT2),
    "exported, older": (["serialized_exported_program.json"], detection.PT2),
    "script": (["net/data.pkl", "net/constants.pkl", "net/code/net.py"], detection.SCRIPT),
    "script without code": (["net/data.pkl", "net/constants.pkl"], detection.PICKLE),
    "weights": (["net/data.pkl", "net/data/0"], detection.PICKLE),
    "of something else": (["config.json", "model.weights.h5"], None),
    "package": (["net/.data/extern_modules", "net/model/model.pkl"], detection.PACKAGE),
    "empty": ([], None),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(tmp_path, case):
    names, kind = ARCHIVES[case]
    with zipfile.ZipFile(tmp_path / "any.name", "w") as archive:
        for name in names:
            archive.writestr(name, "")
    assert detect(tmp_path / "any.name") is kind


@pytest.mark.parametrize("data", [b"", b"PK", b"\x08\x07"])
def test_files_that_are_no_archives(tmp_path, data):
    (tmp_path / "net.pt").write_bytes(data)
    assert detect(tmp_path / "net.pt") is None


def test_folders_and_paths_of_nothing(tmp_path):
    assert detect(tmp_path) is None
    assert detect(tmp_path / "net.pt") is None


def test_live_sources():
    linear = torch.nn.Linear(2, 3)
    with quiet():
        script = torch.jit.script(linear)
    program = object.__new__(torch.export.ExportedProgram)
    assert detect(linear) is detection.MODULE
    assert detect(script) is detection.MODULE
    assert detect(program) is detection.EXPORTED
    assert detect(linear.weight) is None
    assert detect(torch.nn.Linear) is None


def test_files_as_pytorch_writes_them(tmp_path):
    linear = torch.nn.Linear(2, 3)
    torch.save(linear.state_dict(), tmp_path / "weights")
    with quiet():
        torch.jit.script(linear).save(str(tmp_path / "script"))
    torch.save(linear.state_dict(), tmp_path / "older", _use_new_zipfile_serialization=False)
    found = [detect(tmp_path / n) for n in ("weights", "script", "older")]
    assert found == [detection.PICKLE, detection.SCRIPT, detection.PICKLE]


def test_layers_of_keras_are_none():
    kind = type("Layer", (torch.nn.Module,), {"__module__": "keras.src.layers"})
    assert detect(kind()) is None
    assert detect(keras.layers.Dense(2)) is None


@pytest.mark.parametrize("end", [".pt", ".pth", ".pt2"])
def test_a_truncated_archive(tmp_path, end):
    path = tmp_path / f"net{end}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"x" * 1000)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SourceError, match=rf"the PyTorch archive .*net\{end}' is truncated or dam"):
        candidates(path)


@pytest.mark.parametrize("end", [".pt", ".pth", ".pt2", ".net"])
@pytest.mark.parametrize(
    ("place", "value"),
    [(8, 0x0800), (6, 0xFFFF), (42, 0xFFFF)],
    ids=["a name in UTF-8 that is none", "a version that there is none of", "an offset"],
)
def test_an_archive_whose_directory_is_damaged(tmp_path, end, place, value):
    """One message, that of this family where the file is called after it; no traceback."""
    path = tmp_path / f"net{end}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/\xfcber", "")
    data = bytearray(path.read_bytes())
    start = data.rfind(b"PK\x01\x02")
    data[start + place : start + place + 2] = value.to_bytes(2, "little")
    name = data.rfind(b"net/")
    data[name : name + 6] = b"net/\xff\xfe"
    path.write_bytes(data)
    if end == ".net":
        assert detect(path) is None
        return
    for found in (detect, candidates):
        with pytest.raises(SourceError, match=r"the PyTorch archive .* is truncated or damaged"):
            found(path)
