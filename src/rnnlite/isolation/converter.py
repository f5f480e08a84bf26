"""The native part of the official converter, in a worker.

What enters: what `tf.lite` hands to the native part, as bytes. What leaves: a flatbuffer, or a
refusal and what was written to standard error. The worker loads only the native libraries, not all
of TensorFlow's Python (1 s instead of 5 s).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnlite.isolation.process import borrowed, start_early

KIND = "converter"
CONVERT_SECONDS = 1800.0

NATIVE = "tensorflow.compiler.mlir.lite.python"
LIBRARY = "tensorflow.compiler.mlir.quantization.tensorflow.python"
"""The packages that hold the converter, and the type of one of its arguments."""


@dataclass(frozen=True)
class Translated:
    """The result of a conversion.

    Attributes:
        data: the flatbuffer; empty where the converter refused.
        refusal: the message of the converter; empty where it converted.
        errors: the errors that the converter collected, for `tf.lite`.
        log: what the converter wrote to standard error.
    """

    data: bytes
    refusal: str
    errors: Sequence[bytes]
    log: str


def warm() -> None:
    """Start a worker, so that it is ready when it is needed."""
    start_early(KIND, "rnnlite.isolation.native")


def convert_apart(
    model_flags: bytes, flags: bytes, graph: bytes, debug: bytes | None
) -> Translated:
    """Convert in a worker.

    Args:
        model_flags, flags, debug: serialized protocol buffers.
        graph: a serialized GraphDef.

    Raises:
        WorkerDied: the converter ended its process, or took too long.
    """
    with borrowed(KIND) as worker:
        before = len(worker.log())
        data, refusal, errors = worker.call(
            "rnnlite.isolation.native:convert",
            model_flags,
            flags,
            graph,
            debug,
            seconds=CONVERT_SECONDS,
        )
        return Translated(data, refusal, errors, worker.log()[before:])


def native_converter() -> Any:
    """The module of the native converter, without the rest of TensorFlow where that is possible.

    Only workers call this.

    Raises:
        ImportError: TensorFlow is not installed.
    """
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        raise ImportError("TensorFlow is not installed")
    folder = os.path.dirname(found.origin)
    for path in ("tensorflow.python", NATIVE, LIBRARY):
        parts = path.split(".")
        for k in range(len(parts)):
            # A package without its __init__, which would import all of TensorFlow.
            package = types.ModuleType(".".join(parts[: k + 1]))
            package.__path__ = [os.path.join(folder, *parts[1 : k + 1])]
            sys.modules.setdefault(package.__name__, package)
    try:
        return _loaded()
    except ImportError:
        for name in [n for n in sys.modules if n.split(".")[0] == "tensorflow"]:
            del sys.modules[name]
        importlib.import_module("tensorflow")
        return _loaded()


def _loaded() -> Any:
    importlib.import_module("tensorflow.python.pywrap_tensorflow")
    importlib.import_module(f"{LIBRARY}.pywrap_function_lib")
    return importlib.import_module(f"{NATIVE}._pywrap_converter_api")
