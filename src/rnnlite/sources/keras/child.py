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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlite import errors
from rnnlite.errors import RnnliteError, SourceError
from rnnlite.lengths.sizes import Axis
from rnnlite.quantization.modes import Order
from rnnlite.report import Report
from rnnlite.scan.schedule import Options
from rnnlite.sources.keras.flavour import layers_of
from rnnlite.sources.program import Array, Port, Request

if TYPE_CHECKING:
    from rnnlite.conversion import Converted

LENGTH = 5
TOLERANCE = 1e-4
"""Between two backends, which round in their own ways; the strict check runs in the child."""


def convert_in_child(
    source: Any, request: Request, quantization: Order | None, *, verify: bool
) -> Converted:
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
            "architecture": None
            if request.architecture is None
            else str(Path(request.architecture).resolve()),
            "integer": request.integer,
            "schedule": asdict(request.schedule),
            "custom_objects": references,
            # A live model's code is the caller's own; a file's is not.
            "trust": request.trust or live,
            "verify": verify,
            "path": sys.path,
            "quantization": _quantization_order(quantization, path),
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
        plain = (path / "plain.tflite").read_bytes()
        report = Report.from_dict(content["report"])
    if verify and live:
        _compare(source, plain, report)
    return Converted(data, report)


def _quantization_order(order: Order | None, folder: Path) -> dict[str, Any] | None:
    """The order as plain data; samples go to a file beside it."""
    if order is None:
        return None
    calibration = order.calibration
    if isinstance(calibration, (str, Path)):
        calibration = str(Path(calibration).resolve())
    elif calibration is not None:
        arrays: dict[str, Any] = {}
        for k, sample in enumerate(calibration):
            if isinstance(sample, dict):
                arrays.update({f"{k}/dict/{name}": value for name, value in sample.items()})
            elif isinstance(sample, (tuple, list)):
                arrays.update({f"{k}/tuple/{n}": value for n, value in enumerate(sample)})
            else:
                arrays[f"{k}/array/0"] = sample
        calibration = str(folder / "samples.npz")
        np.savez(calibration, **{"count": np.array(k + 1 if arrays else 0), **arrays})
    return {**vars(order), "calibration": calibration, "progress": False}


def _read_samples(path: str | None) -> Any:
    """The samples as they were given: a path, or what `_quantization_order` wrote."""
    if path is None or Path(path).name != "samples.npz":
        return path
    with np.load(path) as file:
        if "count" not in file.files:
            return path
        samples: list[Any] = [None] * int(file["count"])
        for key in file.files:
            if key == "count":
                continue
            place, form, name = key.split("/", 2)
            if form == "array":
                samples[int(place)] = file[key]
            elif form == "dict":
                samples[int(place)] = {**(samples[int(place)] or {}), name: file[key]}
            else:
                samples[int(place)] = (*(samples[int(place)] or ()), file[key])
    return samples


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

    ports = [Port(s.name, s.shape, s.dtype, least=s.least) for s in load(data).inputs]
    stated = [tuple(x.shape) for x in getattr(source, "inputs", None) or []]
    length = {
        Axis(k, axis): _length(port, axis, stated[k] if k < len(stated) else ())
        for k, port in enumerate(ports)
        for axis in range(len(port.shape))
    }
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


def _length(port: Port, axis: int, stated: Sequence[int | None]) -> int:
    """The size that a live model states for an axis; one that it takes, where it states none."""
    if axis < len(stated) and stated[axis] is not None:
        return stated[axis] or LENGTH
    return max(LENGTH, port.least[axis] if port.least else 1)


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
        from rnnlite.conversion import convert_here

        request = Request(
            batch_size=order["batch_size"],
            sequence_length=order["sequence_length"],
            architecture=order["architecture"],
            integer=order["integer"],
            schedule=Options(**order["schedule"]),
            custom_objects=objects,
            trust=order["trust"],
        )
        wanted = order["quantization"]
        quantization = None
        if wanted is not None:
            quantization = Order(**{**wanted, "calibration": _read_samples(wanted["calibration"])})
        converted, plain = convert_here(
            order["source"], request, quantization, verify=order["verify"]
        )
        (folder / "model.tflite").write_bytes(converted.tflite)
        (folder / "plain.tflite").write_bytes(plain)
        answer = {"report": converted.report.to_dict()}
    except RnnliteError as e:
        parts = {"expected": e.expected, "found": e.found, "remedy": e.remedy}
        answer = {"refused": type(e).__name__, "what": e.what, "parts": parts}
    (folder / "answer.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
