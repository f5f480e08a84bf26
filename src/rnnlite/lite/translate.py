"""From a TensorFlow function of plain ops to a flatbuffer, by the official converter.

What enters: a ConcreteFunction without recurrent ops. What leaves: bytes with builtin ops alone.
What it refuses: ops that have no builtin form, by name and with the layer they came from.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from rnnlite.errors import UnsupportedError

_LOCK = threading.Lock()


def translate(function: Any) -> bytes:
    """Run the official converter with builtin ops only.

    Raises:
        UnsupportedError: an op has no builtin form.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], None)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    log: list[str] = []
    try:
        with _LOCK, _captured_stderr(log):
            return bytes(converter.convert())
    except Exception as e:
        raise _refusal(f"{e}\n{''.join(log)}") from e


@contextmanager
def _captured_stderr(log: list[str]) -> Iterator[None]:
    """Collect what native code writes to standard error; MLIR writes its diagnostics there."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            log.append(sink.read().decode("utf-8", "replace"))


def _refusal(message: str) -> UnsupportedError:
    """Turn the converter's diagnostics into one sentence that names ops and places."""
    ops = re.findall(r"'(tf\.[A-Za-z0-9_]+)' op is neither", message)
    if not ops:
        ops = re.findall(r"\b(tf\.[A-Z][A-Za-z0-9]+)\b", message)
    ops = sorted(set(ops))
    places = re.findall(r'loc\((?:fused\[)?"[^"]*?:", "([^"]+)"', message)
    if not places:
        places = re.findall(r'loc\("([^"]+)"', message)
    place = places[0].split("@")[0] if places else ""
    if ops:
        return UnsupportedError(
            f"{', '.join(ops)} {'has' if len(ops) == 1 else 'have'} no builtin LiteRT form"
            + (f" (at '{place}')" if place else ""),
            remedy="Replace the layer that uses it, or take it out of the model and run it outside",
        )
    first = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return UnsupportedError(
        "the official converter refused the model" + (f" at '{place}'" if place else ""),
        found=first.strip()[:300],
    )
