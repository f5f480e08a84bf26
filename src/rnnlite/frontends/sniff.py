"""What kind of file or folder a source is, told by its content, not its ending. No TensorFlow."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rnnlite.errors import DependencyError, SourceError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


class Kind(Enum):
    """The kinds of sources that can be told apart."""

    KERAS_ARCHIVE = ".keras archive"
    KERAS_HDF5 = "Keras HDF5 file"
    KERAS_WEIGHTS = "HDF5 file of Keras weights"
    KERAS_SAVED_MODEL = "Keras SavedModel"
    SAVED_MODEL = "SavedModel"
    GRAPH = "graph"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Found:
    """A recognised source.

    Attributes:
        kind: what it is.
        keras_version: of the Keras that wrote it, e.g. "3.15.1"; "" if it does not say.
        config: the model's configuration, where the file holds one.
    """

    kind: Kind
    keras_version: str
    config: Any

    @property
    def is_keras3(self) -> bool:
        """Whether Keras 3 wrote it."""
        return (
            self.keras_version.split(".")[0].isdigit()
            and int(self.keras_version.split(".")[0]) >= 3
        )


def sniff(path: Path) -> Found:
    """Recognise a source.

    Raises:
        SourceError: nothing there, empty, truncated, or no model; the message says which.
    """
    if not path.exists():
        if path.with_name(path.name + ".meta").exists():
            return Found(Kind.CHECKPOINT, "", None)
        raise SourceError(f"there is no file or folder '{path}'")
    if path.is_dir():
        return _folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as e:
        raise SourceError(f"cannot read '{path}': {e.strerror or e}") from e
    if not head:
        raise SourceError(f"'{path}' is empty")
    if head[:8] == HDF5_MAGIC:
        return _hdf5(path)
    if head[:4] == b"PK\x03\x04":
        return _archive(path)
    if head[4:8] == b"TFL3":
        raise SourceError(
            f"'{path}' is a LiteRT model already",
            expected="a Keras model",
            remedy="Run it with rnnlite predict, or look into it with rnnlite inspect",
        )
    if path.suffix in (".meta", ".index") and path.with_suffix(".meta").exists():
        return Found(Kind.CHECKPOINT, "", None)
    if head[:1] == b"\x08" and path.name == "saved_model.pb":
        return _folder(path.parent)
    # The first field of a GraphDef is a node; written as text, its name.
    if head[:1] == b"\n" or head.lstrip()[:4] == b"node":
        return Found(Kind.GRAPH, "", None)
    raise SourceError(
        f"'{path}' is no model that rnnlite knows",
        expected="a .keras or .h5 file, a SavedModel folder, a frozen graph (.pb), or a checkpoint "
        "(.meta)",
        found=f"a file beginning with {head[:8]!r}",
    )


def _archive(path: Path) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "config.json" not in names or "model.weights.h5" not in names:
                raise SourceError(
                    f"'{path}' is a zip archive, but no .keras model",
                    expected="config.json and model.weights.h5 in it",
                    found=", ".join(sorted(names)[:5]) or "nothing",
                )
            config = json.loads(archive.read("config.json"))
            metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in names else {}
            bad = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as e:
        raise SourceError(
            f"the .keras archive '{path}' is truncated or damaged",
            found=str(e),
            remedy="Save the model again",
        ) from e
    if bad is not None:
        raise SourceError(
            f"the .keras archive '{path}' is damaged", found=f"a bad checksum in {bad}"
        )
    return Found(Kind.KERAS_ARCHIVE, str(metadata.get("keras_version", "")), config)


def _hdf5(path: Path) -> Found:
    try:
        import h5py
    except ImportError as e:
        raise DependencyError(
            "the package h5py is not installed",
            remedy="Install it with: pip install 'rnnlite[convert]'",
        ) from e
    try:
        with h5py.File(path, "r") as file:
            config = _text(file.attrs.get("model_config"))
            version = _text(file.attrs.get("keras_version"))
            if not version and "model_weights" in file:
                version = _text(file["model_weights"].attrs.get("keras_version"))
            layers = "layers" in file
            weights_only = "layer_names" in file.attrs or layers
    except (OSError, RuntimeError, KeyError) as e:
        raise SourceError(
            f"the HDF5 file '{path}' is truncated or damaged",
            found=str(e).splitlines()[0],
            remedy="Save or download the model again",
        ) from e
    if not config and weights_only:
        return Found(Kind.KERAS_WEIGHTS, version or ("3" if layers else "2"), None)
    if not config:
        raise SourceError(
            f"the HDF5 file '{path}' holds no Keras model",
            expected="a model saved with model.save(path)",
            found="no attribute model_config",
        )
    try:
        return Found(Kind.KERAS_HDF5, version, json.loads(config))
    except ValueError as e:
        raise SourceError(f"the configuration in '{path}' is damaged", found=str(e)) from e


def _folder(path: Path) -> Found:
    saved = path / "saved_model.pb"
    if not saved.exists():
        if (path / "checkpoint").exists() and any(path.glob("*.meta")):
            return Found(Kind.CHECKPOINT, "", None)
        raise SourceError(
            f"the folder '{path}' is no SavedModel",
            expected="saved_model.pb in it, or a checkpoint with its .meta",
            found=", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing",
        )
    metadata = path / "keras_metadata.pb"
    if not metadata.exists():
        return Found(Kind.SAVED_MODEL, "", None)
    if not metadata.stat().st_size:
        raise SourceError(f"the SavedModel '{path}' is damaged", found="an empty keras_metadata.pb")
    return Found(Kind.KERAS_SAVED_MODEL, "2", None)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
