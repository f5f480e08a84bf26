"""Open any source and give its Program: the one entry to the front ends."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlite.errors import (
    DependencyError,
    RnnliteError,
    SourceError,
    TrustError,
    UnsupportedError,
)
from rnnlite.frontends.accepted import reads_as_graph, require_taken
from rnnlite.frontends.program import Program, Request
from rnnlite.frontends.sniff import Found, Kind, sniff

if TYPE_CHECKING:
    from rnnlite.frontends.keras.flavour import Flavour

GRAPHS = (Kind.GRAPH, Kind.CHECKPOINT, Kind.SAVED_MODEL)


def open_program(source: Any, request: Request) -> Program:
    """Open a path, a live Keras model, a tf.Module or a tf.function.

    Raises:
        SourceError, OptionError, TrustError, ShapeError, UnsupportedError, DependencyError: see
            there.
    """
    _require_tensorflow()
    require_taken(source, request)
    graph = _graph(source, request)
    if graph is not None:
        from rnnlite.frontends.tensorflow.model import program_of

        return program_of(graph, request)
    from rnnlite.frontends.keras.model import program_from

    try:
        return program_from(*_keras(source, request), request)
    except (SourceError, TrustError, UnsupportedError) as refusal:
        program = _by_signature(source, request, refusal)
        if program is None:
            raise
        return program


def _by_signature(source: Any, request: Request, refusal: RnnliteError) -> Program | None:
    """A SavedModel of Keras whose classes are not at hand, by its functions; None for others."""
    if not isinstance(source, (str, Path)) or request.custom_objects:
        return None
    path = Path(source)
    if sniff(path).kind is not Kind.KERAS_SAVED_MODEL:
        return None
    from rnnlite.frontends.tensorflow.files import read_frozen
    from rnnlite.frontends.tensorflow.model import program_of

    try:
        program = program_of(read_frozen(path, sniff(path), request), request)
    except RnnliteError:
        return None
    note = f"read by its signature, without its Keras classes: {refusal.what}"
    return replace(program, notes=(note, *program.notes))


def open_frozen(source: Any, request: Request) -> Any:
    """Open a path or a live model as a graph to be written.

    Returns:
        the GraphDef, and (name, shape, dtype) of its inputs and of its outputs.

    Raises:
        SourceError, OptionError, TrustError, UnsupportedError, DependencyError: see there.
    """
    _require_tensorflow()
    require_taken(source, request)
    from rnnlite.frontends.tensorflow.frozen import writable
    from rnnlite.frontends.tensorflow.live import from_function

    graph = _graph(source, request)
    if graph is None:
        from rnnlite.frontends.keras.model import function_of

        concrete, inputs, outputs = function_of(*_keras(source, request))
        graph = from_function(concrete, (inputs, outputs), "", lower=True)
    return writable(graph, request)


def _graph(source: Any, request: Request) -> Any:
    """The frozen graph that the source is, or None where it is a Keras model."""
    if not isinstance(source, (str, Path)):
        return _live_graph(source, request)
    path = Path(source)
    found = sniff(path)
    if found.kind not in GRAPHS and not reads_as_graph(found.kind, request):
        return None
    from rnnlite.frontends.tensorflow.files import read_frozen

    return read_frozen(path, found, request)


def _live_graph(source: Any, request: Request) -> Any:
    """The frozen graph of a function of TensorFlow, or None where the source is something else."""
    from rnnlite.frontends.keras.flavour import flavour_of
    from rnnlite.frontends.tensorflow.constants import fixed
    from rnnlite.frontends.tensorflow.live import from_live, is_live

    if flavour_of(source) is not None or not is_live(source):
        return None
    return fixed(from_live(source, request), request)


def _keras(source: Any, request: Request) -> tuple[Flavour, Any]:
    """The Keras model, and the package that it is of."""
    from rnnlite.frontends.keras.flavour import flavour_of, keras2, keras3

    if isinstance(source, (str, Path)):
        from rnnlite.frontends.keras.files import load_model

        path = Path(source)
        found = sniff(path)
        flavour = keras3() if found.is_keras3 else keras2()
        return flavour, load_model(flavour, path, found, request)
    live = flavour_of(source)
    if live is None:
        raise SourceError(
            "the source is no path and no model",
            expected="str, Path, a Keras 2 or 3 model, a tf.Module or a tf.function",
            found=type(source).__name__,
        )
    if not isinstance(source, live.keras.Model):
        raise SourceError(
            f"the source is of class {type(source).__name__}, not a model",
            remedy="Wrap it: keras.Sequential([keras.Input(shape), layer])",
        )
    return live, source


def needs_tensorflow_backend(source: Any) -> bool:
    """Whether the source is Keras 3, and Keras 3 runs here on another backend than TensorFlow."""
    if _backend() == "tensorflow":
        return False
    if isinstance(source, (str, Path)):
        found: Found = sniff(Path(source))
        return found.is_keras3
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(source, keras.Model)


def _backend() -> str:
    """Keras 3's backend in this process; where it is not imported yet, what it will be."""
    keras = sys.modules.get("keras")
    if keras is None:
        return os.environ.get("KERAS_BACKEND", "tensorflow")
    name: str = keras.config.backend()
    return name


def _require_tensorflow() -> None:
    try:
        import tensorflow  # noqa: F401
    except ImportError as e:
        raise DependencyError(
            "converting needs TensorFlow, which is not installed",
            remedy="Install it with: pip install 'rnnlite[convert]'",
        ) from e
