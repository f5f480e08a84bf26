"""The front end of TensorFlow's graphs: frozen ones, SavedModels, checkpoints, live functions.

What enters: a source, and the user's request. What leaves: a `Program` with an `Entry` for each
signature that is named, or a graph without variables.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlite.frontends.program import FrozenGraph, Program
from rnnlite.frontends.registry import Confidence, FrontEnd, Match
from rnnlite.frontends.tensorflow import detection
from rnnlite.frontends.tensorflow.detection import detect
from rnnlite.frontends.tensorflow.request import TensorFlowRequest

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.frozen import Frozen

KERAS = ("keras", "tf_keras")
"""Packages whose layers are tf.Modules too, but belong to another front end."""


class TensorFlowFrontEnd(FrontEnd[TensorFlowRequest]):
    """Graphs of TensorFlow 1 and 2, and live functions and modules."""

    name = "tensorflow"
    files = "SavedModel folder, frozen graph (.pb), checkpoint (.meta)"
    objects = "a tf.Module or tf.function"
    request = TensorFlowRequest
    kinds = (
        detection.LIVE,
        detection.SAVED_MODEL,
        detection.KERAS_SAVED_MODEL,
        detection.GRAPH,
        detection.CHECKPOINT,
    )

    def recognise(self, source: object) -> Match | None:
        """See `FrontEnd.recognise`."""
        if not isinstance(source, Path):
            return Match(detection.LIVE) if _is_live(source) else None
        kind = detect(source)
        if kind is detection.KERAS_SAVED_MODEL:
            note = "read by its signature, without its Keras classes"
            return Match(kind, Confidence.POSSIBLE, note)
        if kind is detection.GRAPH and source.suffix.lower() == ".onnx":
            # What is called so and is no ONNX model begins like a graph more often than it is one.
            return Match(kind, Confidence.POSSIBLE, "read as a graph of TensorFlow")
        return None if kind is None else Match(kind)

    def open(self, source: object, request: TensorFlowRequest) -> Program:
        """See `FrontEnd.open`: an entry for each signature that is named."""
        from rnnlite.frontends.tensorflow.entry import entry_of
        from rnnlite.frontends.tensorflow.several import asked, origin_of

        requests = asked(source, request)
        entries = [
            replace(entry_of(_frozen(source, one), one), signature=key)
            for key, one in requests.items()
        ]
        return Program(origin_of(source, entries), tuple(entries))

    def freeze(self, source: object, request: TensorFlowRequest) -> FrozenGraph:
        """See `FrontEnd.freeze`: the graph as it stands."""
        from rnnlite.frontends.tensorflow.several import asked_one
        from rnnlite.frontends.tensorflow.writing import writable

        one = asked_one(source, request)
        return writable(_frozen(source, one), one)


def _is_live(source: object) -> bool:
    """Whether a live object is of TensorFlow and not of Keras; imports neither."""
    if any(base.__module__.split(".")[0] in KERAS for base in type(source).__mro__):
        return False
    if "tensorflow" not in sys.modules:
        return False
    from rnnlite.frontends.tensorflow.live import is_live

    return is_live(source)


def _frozen(source: object, request: TensorFlowRequest) -> Frozen:
    """The source as a graph without variables, its constants in their places."""
    if isinstance(source, Path):
        from rnnlite.frontends.tensorflow.files import read_frozen

        return read_frozen(source, request)
    from rnnlite.frontends.tensorflow.constants import fixed
    from rnnlite.frontends.tensorflow.live import from_live

    return fixed(from_live(source, request), request)


FRONT_END = TensorFlowFrontEnd()
