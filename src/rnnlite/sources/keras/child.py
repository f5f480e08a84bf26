"""Convert a Keras 3 model that lives on another backend than TensorFlow.

Keras has one backend a process. The model is saved, a child process opens it with the TensorFlow
backend and converts it, and the live model's own results are compared with the LiteRT model.

Run as a module, this file is that child: `python -m rnnlite.sources.keras.child REQUEST`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlite import errors
from rnnlite.errors import RnnliteError, SourceError
from rnnlite.report import Report
from rnnlite.sources.keras.flavour import layers_of
from rnnlite.sources.program import Array, Port, Request

if TYPE_CHECKING:
    from rnnlite.conversion import Converted

LENGTH = 5
TOLERANCE = 1e-4
"""Between two backends, which round in their own ways; the strict check runs in the child."""


def convert_in_child(source: Any, request: Request, *, verify: bool) -> Converted:
    """Save, convert in a child process with the TensorFlow backend, compare.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    from rnnlite.conversion import Converted

    live = not isinstance(source, (str, Path))
    objects = {**(_classes_of(source) if live else {}), **(request.custom_objects or {})}
    references = _by_reference(objects)
    with tempfile.TemporaryDirectory(prefix="rnnlite-") as folder:
        path = Path(folder)
        if isinstance(source, (str, Path)):
            saved = Path(source).resolve()
        else:
            saved = path / "model.keras"
            source.save(saved)
        order = {
            "source": str(saved),
            "batch_size": request.batch_size,
            "sequence_length": request.sequence_length,
            "custom_objects": references,
            # A live model's code is the caller's own; a file's is not.
            "trust": request.trust or live,
            "verify": verify,
            "path": sys.path,
        }
        (path / "order.json").write_text(json.dumps(order))
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "rnnlite.sources.keras.child", folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        answer = path / "answer.json"
        if not answer.exists():
            lines = done.stderr.strip().splitlines()
            raise SourceError(
                "the child process that converts with the TensorFlow backend failed",
                found=lines[-1] if lines else f"exit status {done.returncode}",
            )
        content = json.loads(answer.read_text())
        if "refused" in content:
            kind = getattr(errors, content["refused"], RnnliteError)
            raise kind(content["what"], **content["parts"])
        data = (path / "model.tflite").read_bytes()
        report = Report.from_dict(content["report"])
    if verify and live:
        _compare(source, data, report)
    return Converted(data, report)


def _classes_of(model: Any) -> dict[str, Any]:
    """The classes of a live model's layers that are not Keras's own."""
    kinds = {type(layer) for layer in layers_of(model)}
    return {kind.__name__: kind for kind in kinds if kind.__module__.split(".")[0] != "keras"}


def _by_reference(objects: Any) -> dict[str, list[str]]:
    """Custom objects by module and name, as another process can import them."""
    found = {}
    for name, value in objects.items():
        module = getattr(value, "__module__", None)
        qualified = getattr(value, "__qualname__", "")
        if not module or module == "__main__" or "<locals>" in qualified:
            raise SourceError(
                f"the custom object '{name}' cannot be handed to the process that converts",
                expected="a class or function at the top of a module that can be imported",
                found=f"{module}.{qualified}",
                remedy="Move it to a module, or run Keras on the TensorFlow backend",
            )
        found[name] = [module, qualified]
    return found


def _compare(source: Any, data: bytes, report: Report) -> None:
    """The live model, on its own backend, against the LiteRT model, on one random batch.

    Raises:
        ParityError: they differ.
    """
    from rnnlite.runtime.model import load
    from rnnlite.sources.keras.interface import flat_outputs
    from rnnlite.sources.probe import random_inputs

    ports = [Port(p["name"], p["shape"], p["dtype"]) for p in report.inputs]
    stated = [tuple(x.shape) for x in getattr(source, "inputs", None) or []]
    length = next((s[1] for s in stated if len(s) > 1 and s[1] is not None), LENGTH)
    spans = {s.name: s.ids for s in load(data).inputs if s.ids is not None}
    arrays = random_inputs(ports, length=length, batch=2, id_ranges=spans, mask_values={})
    nested = getattr(source, "_inputs_struct", None)
    import keras

    inputs: Any = (
        keras.tree.pack_sequence_as(nested, arrays)
        if nested is not None
        else (arrays[0] if len(arrays) == 1 else arrays)
    )
    expected = [
        np.asarray(keras.ops.convert_to_numpy(y))
        for _, y in flat_outputs(source(inputs, training=False), None)
    ]
    _require_close(load(data).run(arrays), expected, report)


def _require_close(found: Sequence[Array], expected: Sequence[Array], report: Report) -> None:
    from rnnlite.parity import difference

    for port, a, b in zip(report.outputs, found, expected, strict=True):
        scale = float(np.max(np.abs(b), initial=0.0)) or 1.0
        if difference(a, b) > TOLERANCE * scale:
            raise errors.ParityError(
                f"output '{port['name']}' of the LiteRT model differs from the live model",
                expected=f"within {TOLERANCE:.0e} of its scale",
                found=f"{difference(a, b) / scale:.2e}",
            )


def _main(folder: Path) -> None:
    """What the child does."""
    import importlib

    order = json.loads((folder / "order.json").read_text())
    sys.path[:] = order["path"]
    objects = {}
    answer: dict[str, Any]
    try:
        for name, (module, qualified) in order["custom_objects"].items():
            value: Any = importlib.import_module(module)
            for part in qualified.split("."):
                value = getattr(value, part)
            objects[name] = value
        from rnnlite.conversion import convert

        converted = convert(
            order["source"],
            batch_size=order["batch_size"],
            sequence_length=order["sequence_length"],
            custom_objects=objects,
            trust=order["trust"],
            verify=order["verify"],
        )
        (folder / "model.tflite").write_bytes(converted.tflite)
        answer = {"report": converted.report.to_dict()}
    except RnnliteError as e:
        parts = {"expected": e.expected, "found": e.found, "remedy": e.remedy}
        answer = {"refused": type(e).__name__, "what": e.what, "parts": parts}
    (folder / "answer.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
