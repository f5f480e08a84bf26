"""Recognise the kind of a Keras file by its content, not its ending. No TensorFlow.

What enters: a path. What leaves: a `Detected`, or None.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlite.errors import DependencyError, SourceError
from rnnlite.frontends.paths import DAMAGED, head_of
from rnnlite.frontends.registry import SourceKind

CODE = ("custom_objects", "trust")
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

LIVE = SourceKind("live Keras model", CODE)
ARCHIVE = SourceKind(".keras archive", CODE)
HDF5 = SourceKind("Keras HDF5 file", CODE)
WEIGHTS = SourceKind("HDF5 file of Keras weights", (*CODE, "architecture"))
SAVED_MODEL = SourceKind("SavedModel of Keras", CODE)


@dataclass(frozen=True)
class Detected:
    """A recognised file.

    Attributes:
        kind: the kind of file.
        keras_version: the version of Keras that wrote the file, e.g. "3.15.1"; "" if it is not
            stated.
        config: the model's configuration, as parsed JSON; None where the file holds none.
    """

    kind: SourceKind
    keras_version: str
    config: Any

    @property
    def is_keras3(self) -> bool:
        """Whether Keras 3 wrote the file."""
        major = self.keras_version.split(".")[0]
        return major.isdecimal() and int(major) >= 3


def detect(path: Path) -> Detected | None:
    """Recognise a file or folder of Keras; None where it is something else.

    Raises:
        SourceError: it is a file of Keras, but truncated, damaged or without a model.
    """
    head = head_of(path)
    if head[:8] == HDF5_MAGIC:
        return _hdf5(path)
    if head[:4] == b"PK\x03\x04":
        return _archive(path)
    if path.name == "saved_model.pb" and head:
        return _saved_model(path.parent)
    return _saved_model(path) if path.is_dir() else None


PYTORCH = frozenset([".pt", ".pth", ".pt2"])
"""Endings of PyTorch's archives: a damaged one is refused by that front end, not here."""


def _archive(path: Path) -> Detected | None:
    if path.suffix.lower() in PYTORCH and not zipfile.is_zipfile(path):
        return None
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
    except DAMAGED as e:
        if path.suffix.lower() in PYTORCH:
            return None
        raise SourceError(
            f"the .keras archive '{path}' is truncated or damaged",
            found=str(e),
            remedy="Save the model again",
        ) from e
    if bad is not None:
        raise SourceError(
            f"the .keras archive '{path}' is damaged", found=f"a bad checksum in {bad}"
        )
    return Detected(ARCHIVE, str(metadata.get("keras_version", "")), config)


def _hdf5(path: Path) -> Detected:
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
        return Detected(WEIGHTS, version or ("3" if layers else "2"), None)
    if not config:
        raise SourceError(
            f"the HDF5 file '{path}' holds no Keras model",
            expected="a model saved with model.save(path)",
            found="no attribute model_config",
        )
    try:
        return Detected(HDF5, version, json.loads(config))
    except ValueError as e:
        raise SourceError(f"the configuration in '{path}' is damaged", found=str(e)) from e


def _saved_model(folder: Path) -> Detected | None:
    metadata = folder / "keras_metadata.pb"
    if not metadata.exists() or not (folder / "saved_model.pb").exists():
        return None
    if not metadata.stat().st_size:
        raise SourceError(
            f"the SavedModel '{folder}' is damaged", found="an empty keras_metadata.pb"
        )
    return Detected(SAVED_MODEL, "2", None)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
