"""The front end of both Keras packages, live and from files.

What enters: a source, and the user's request. What leaves: a `Program`, or a graph without
variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rnnlite.errors import SourceError
from rnnlite.frontends.keras import detection
from rnnlite.frontends.keras.detection import detect
from rnnlite.frontends.keras.request import KerasRequest
from rnnlite.frontends.program import FrozenGraph, Program
from rnnlite.frontends.registry import FrontEnd, Match

if TYPE_CHECKING:
    from rnnlite.frontends.keras.flavour import Flavour
    from rnnlite.frontends.keras.types import KerasModel

ON_TENSORFLOW = {"KERAS_BACKEND": "tensorflow"}
"""The environment of a process with Keras on TensorFlow; a process has one Keras backend."""


class KerasFrontEnd(FrontEnd[KerasRequest]):
    """Keras 2 and 3; a live model, .keras, .h5, .weights.h5, a SavedModel of Keras 2."""

    name = "keras"
    files = ".keras, .h5"
    objects = "a Keras 2 or 3 model"
    request = KerasRequest
    kinds = (
        detection.LIVE,
        detection.ARCHIVE,
        detection.HDF5,
        detection.WEIGHTS,
        detection.SAVED_MODEL,
    )

    def recognise(self, source: object) -> Match | None:
        """See `FrontEnd.recognise`."""
        if isinstance(source, Path):
            found = detect(source)
            return None if found is None else Match(found.kind)
        from rnnlite.frontends.keras.flavour import flavour_of

        return None if flavour_of(source) is None else Match(detection.LIVE)

    def open(self, source: object, request: KerasRequest) -> Program:
        """See `FrontEnd.open`."""
        from rnnlite.frontends.keras.program import program_from

        return program_from(*_model(source, request), request)

    def freeze(self, source: object, request: KerasRequest) -> FrozenGraph:
        """See `FrontEnd.freeze`: the model's own computation, with its recurrences unchanged."""
        from rnnlite.frontends.keras.program import function_of
        from rnnlite.frontends.tensorflow.writing import frozen_function

        return frozen_function(*function_of(*_model(source, request)))

    def environment(self, source: object) -> Mapping[str, str]:
        """See `FrontEnd.environment`: Keras 3 may run on another backend here."""
        if _backend() == "tensorflow":
            return {}
        if isinstance(source, Path):
            found = detect(source)
            return ON_TENSORFLOW if found is not None and found.is_keras3 else {}
        keras = sys.modules.get("keras")
        live = keras is not None and isinstance(source, keras.Model)
        return ON_TENSORFLOW if live else {}


def _model(source: object, request: KerasRequest) -> tuple[Flavour, KerasModel]:
    """The Keras package of a source, and its live model."""
    from rnnlite.frontends.keras.flavour import flavour_of, keras2, keras3

    found = detect(source) if isinstance(source, Path) else None
    if found is not None and isinstance(source, Path):
        from rnnlite.frontends.keras.files import load_model

        flavour = keras3() if found.is_keras3 else keras2()
        return flavour, load_model(flavour, source, found, request)
    live = flavour_of(source)
    if live is None or not isinstance(source, live.keras.Model):
        raise SourceError(
            f"the source is of class {type(source).__name__}, not a model",
            remedy="Wrap it: keras.Sequential([keras.Input(shape), layer])",
        )
    return live, cast("KerasModel", source)


def _backend() -> str:
    """The backend of Keras 3 in this process, or that it will have once it is imported."""
    keras = sys.modules.get("keras")
    if keras is None:
        return os.environ.get("KERAS_BACKEND", "tensorflow")
    name: str = keras.config.backend()
    return name


FRONT_END = KerasFrontEnd()
