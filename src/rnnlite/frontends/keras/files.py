"""Load a Keras model from a file of either flavour: .keras, .h5, SavedModel folder of Keras 2.

What enters: a path, what `detection` found, the options of the user. What leaves: a live model of
the package that wrote the file, without its optimizer.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnlite.errors import RnnliteError, SourceError, TrustError
from rnnlite.frontends.keras import private
from rnnlite.frontends.keras.detection import ARCHIVE, HDF5, SAVED_MODEL, WEIGHTS, Detected
from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.legacy import upgrade
from rnnlite.frontends.keras.request import KerasRequest
from rnnlite.frontends.keras.types import KerasModel
from rnnlite.frontends.trust import check_config

MISSING = re.compile(
    r"(?:Unknown (?:layer|object|activation function|\w+)|Could not locate (?:class|function)|"
    r"Unable to (?:revive|restore) custom object of (?:class|type))"
    r"[^'\"]*['\"]?([A-Za-z_][\w>.]*)['\"]?"
)


def load_model(flavour: Flavour, path: Path, found: Detected, request: KerasRequest) -> KerasModel:
    """Load the model, without its optimizer.

    Raises:
        TrustError: the file needs code or custom objects that were not allowed.
        SourceError: Keras cannot read the file.
    """
    custom = dict(request.custom_objects or {})
    if found.kind is WEIGHTS:
        found = replace(found, config=_architecture(path, request))
    config = _saved_model_config(path) if found.kind is SAVED_MODEL else found.config
    check_config(
        config,
        origin=str(path),
        trust=request.trust,
        custom_objects=custom,
        registered=flavour.keras.saving.get_registered_object,
    )
    try:
        if found.kind is HDF5 and flavour.is_keras3:
            with flavour.keras.saving.custom_object_scope(custom):
                return private.load_hdf5_keras3(path, custom)
        if found.kind is HDF5:
            return _load_keras2_hdf5(path, found, custom)
        if found.kind is WEIGHTS:
            return _load_weights(flavour, path, found, custom)
        if found.kind is ARCHIVE:
            return _load_archive(flavour, path, custom, request)
        model = flavour.keras.models.load_model(str(path), custom_objects=custom, compile=False)
        _refuse_revived(model, path)
        return model
    except RnnliteError:
        raise
    except Exception as e:
        raise _refusal(path, found, flavour, e) from e


def _load_keras2_hdf5(path: Path, found: Detected, custom: dict[str, Any]) -> KerasModel:
    """Build the model from its upgraded configuration, then load the weights."""
    import h5py
    from tf_keras.utils import custom_object_scope

    with h5py.File(path, "r") as file, custom_object_scope(custom):
        model = private.model_of_config_keras2(upgrade(found.config), custom)
        private.load_hdf5_weights_keras2(file["model_weights"], model)
    return model


def _refuse_revived(model: KerasModel, path: Path) -> None:
    """Refuse layers whose class is missing: they are functions, whose recurrences Keras hides."""
    for layer in [model, *layers_of(model)]:
        own = type(layer).__name__ in ("Sequential", "Functional", "Model")
        if private.is_revived(layer) and not own:
            raise TrustError(
                f"layer '{layer.name}' of '{path}' is a {type(layer).__name__}, whose class is not "
                "at hand",
                remedy=f"Pass it: custom_objects={{'{type(layer).__name__}': ...}} "
                "(--custom-objects FILE.py), or convert by signature (--signature)",
            )


def _architecture(path: Path, request: KerasRequest) -> dict[str, Any]:
    """The configuration that the user gives for a file that holds only weights."""
    if request.architecture is None:
        raise SourceError(
            f"the HDF5 file '{path}' holds weights alone",
            expected="a model saved with model.save(path)",
            found="no attribute model_config",
            remedy="Give the model's configuration, as model.to_json() writes it "
            "(--architecture model.json), or build the model, load the weights, convert it live",
        )
    try:
        config = json.loads(Path(request.architecture).read_text())
    except (OSError, ValueError) as e:
        raise SourceError(
            f"the architecture '{request.architecture}' cannot be read",
            expected="JSON, as model.to_json() writes it",
            found=str(e)[:200],
        ) from e
    if not isinstance(config, dict) or "class_name" not in config:
        raise SourceError(
            f"the architecture '{request.architecture}' is no model's configuration",
            expected="an object with class_name and config",
        )
    return config


def _load_weights(
    flavour: Flavour, path: Path, found: Detected, custom: dict[str, Any]
) -> KerasModel:
    """Build the model from its configuration, then load the weights."""
    if flavour.is_keras3:
        model: KerasModel = flavour.keras.models.model_from_json(json.dumps(found.config), custom)
        # The loader tells the format by the ending of the name.
        with _named(path, "model.weights.h5") as named:
            flavour.keras.Model.load_weights(model, str(named))
        return model
    import h5py
    from tf_keras.utils import custom_object_scope

    with h5py.File(path, "r") as file, custom_object_scope(custom):
        model = private.model_of_config_keras2(upgrade(found.config), custom)
        private.load_hdf5_weights_keras2(file, model)
    return model


def _load_archive(
    flavour: Flavour, path: Path, custom: dict[str, Any], request: KerasRequest
) -> KerasModel:
    package = "keras" if flavour.is_keras3 else "tf_keras"
    with _named(path, "model.keras") as named:
        return private.load_archive(package, named, custom, trust=request.trust)


@contextmanager
def _named(path: Path, name: str) -> Iterator[Path]:
    """A context in which the file has another name, by a link."""
    with tempfile.TemporaryDirectory(prefix="rnnlite-") as folder:
        named = Path(folder) / name
        named.symlink_to(path.resolve())
        yield named


def _saved_model_config(path: Path) -> list[dict[str, Any]]:
    """The configurations of all layers of a Keras 2 SavedModel."""
    from google.protobuf.message import DecodeError

    try:
        metadata = private.saved_model_metadata().FromString(
            (path / "keras_metadata.pb").read_bytes()
        )
        configs = [json.loads(node.metadata) for node in metadata.nodes]
    except (DecodeError, ValueError) as e:
        raise SourceError(
            f"the SavedModel '{path}' is damaged", found=f"keras_metadata.pb: {e}"
        ) from e
    return [
        {"class_name": c.get("class_name"), "config": c.get("config")}
        for c in configs
        if isinstance(c, dict)
    ]


def _refusal(path: Path, found: Detected, flavour: Flavour, error: Exception) -> RnnliteError:
    message = str(error)
    missing = MISSING.search(message)
    name = missing.group(1).split(">")[-1] if missing else _unknown_class(found.config, flavour)
    if name:
        return TrustError(
            f"'{path}' needs the custom object '{name}'",
            remedy=f"Pass it: custom_objects={{'{name}': {name}}} (--custom-objects FILE.py)",
        )
    if "unsafe" in message or "safe_mode" in message:
        return TrustError(
            f"'{path}' holds code that loading would run",
            remedy="If you trust the file, allow it with trust=True (--trust)",
        )
    first = next((line for line in message.splitlines() if line.strip()), type(error).__name__)
    version = found.keras_version or "an unknown version"
    return SourceError(
        f"Keras cannot load '{path}' ({found.kind.name} of Keras {version})",
        found=first.strip()[:300],
        remedy="Save the model again, or convert it live",
    )


def _unknown_class(config: object, flavour: Flavour) -> str:
    """The first class in a configuration that Keras 2 has no layer for; "" if there is none.

    If a class has the name of another object, Keras 2 raises nothing: it gives the name as a str in
    place of the layer.
    """
    if flavour.is_keras3 or not isinstance(config, dict | list):
        return ""
    inner = config.values() if isinstance(config, dict) else config
    own = config.get("config") if isinstance(config, dict) else None
    if isinstance(config, dict) and isinstance(own, dict) and "trainable" in own:
        try:
            made = flavour.keras.layers.deserialize(config)
        except Exception:  # noqa: BLE001 - not what is looked for
            made = None
        if isinstance(made, str):
            return str(config["class_name"])
    return next(filter(None, (_unknown_class(value, flavour) for value in inner)), "")
