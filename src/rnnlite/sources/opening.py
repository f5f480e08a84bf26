"""Open any source and give its Program: the one entry to the front ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnlite.errors import DependencyError, SourceError
from rnnlite.sources.program import Program, Request
from rnnlite.sources.sniff import Found, sniff


def open_program(source: Any, request: Request) -> Program:
    """Open a path or a live Keras model.

    Raises:
        SourceError, TrustError, ShapeError, UnsupportedError, DependencyError: see there.
    """
    _require_tensorflow()
    from rnnlite.sources.keras.flavour import flavour_of, keras2, keras3
    from rnnlite.sources.keras.model import program_from

    if isinstance(source, (str, Path)):
        from rnnlite.sources.keras.files import load_model

        path = Path(source)
        found = sniff(path)
        flavour = keras3() if found.is_keras3 else keras2()
        return program_from(flavour, load_model(flavour, path, found, request), request)
    live = flavour_of(source)
    if live is None:
        raise SourceError(
            "the source is neither a path nor a Keras model",
            expected="str, Path, or a Keras 2 or 3 model",
            found=type(source).__name__,
        )
    if not isinstance(source, live.keras.Model):
        raise SourceError(
            f"the source is a {type(source).__name__}, not a model",
            remedy="Wrap it: keras.Sequential([keras.Input(shape), layer])",
        )
    return program_from(live, source, request)


def needs_tensorflow_backend(source: Any) -> bool:
    """Whether the source is Keras 3, and Keras 3 runs here on another backend than TensorFlow."""
    import sys

    keras = sys.modules.get("keras")
    if keras is None or keras.config.backend() == "tensorflow":
        return False
    if isinstance(source, (str, Path)):
        found: Found = sniff(Path(source))
        return found.is_keras3
    return isinstance(source, keras.Model)


def _require_tensorflow() -> None:
    try:
        import tensorflow  # noqa: F401
    except ImportError as e:
        raise DependencyError(
            "converting needs TensorFlow, which is not installed",
            remedy="Install it with: pip install 'rnnlite[convert]'",
        ) from e
