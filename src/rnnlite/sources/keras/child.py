"""What is asked of a Keras 3 model that lives on another backend than TensorFlow.

Keras has one backend a process. The model is saved, a child process opens it with the TensorFlow
backend and does what is asked, and the live model's own results are compared with the LiteRT model.

Run as a module, this file is that child: `python -m rnnlite.sources.keras.child FOLDER`.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlite import errors
from rnnlite.errors import RnnliteError, SourceError
from rnnlite.lengths.sizes import Axis
from rnnlite.quantization.modes import Order
from rnnlite.report import Report
from rnnlite.sources.accepted import require_taken
from rnnlite.sources.keras.flavour import layers_of
from rnnlite.sources.program import Array, Port, Request

if TYPE_CHECKING:
    from rnnlite.conversion import Converted

LENGTH = 5
TOLERANCE = 1e-4
"""Between two backends, which round in their own ways; the strict check runs in the child."""


@dataclass(frozen=True)
class Task:
    """What the child is to do; pickled as it is, so that no option can be forgotten.

    Attributes:
        action: "convert", "verify" or "freeze".
        source: a path.
        request: with `custom_objects` by module and name.
        order: of the quantization, samples as a list of arrays.
        verify: whether a conversion is checked.
        data: the LiteRT file that is verified.
        samples: further ones that it is verified on.
        max_error: see `rnnlite.verify`.
    """

    action: str
    source: str
    request: Request
    order: Order | None = None
    verify: bool = True
    data: bytes = b""
    samples: list[Any] | None = None
    max_error: float | None = None


def convert_in_child(
    source: Any, request: Request, quantization: Order | None, *, verify: bool
) -> Converted:
    """Save, convert in a child process with the TensorFlow backend, compare.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    order = quantization
    if order is not None:
        # The bar would be drawn in another process.
        order = replace(order, calibration=_samples(order.calibration), progress=False)
    converted, plain = _answer(source, Task("convert", "", request, order, verify))
    if verify and _is_live(source):
        _compare(source, plain, converted.report)
    result: Converted = converted
    return result


def verify_in_child(
    source: Any,
    data: bytes,
    samples: Sequence[Any] | None,
    request: Request,
    max_error: float | None,
) -> Report:
    """Save, verify a LiteRT file in a child process with the TensorFlow backend, compare.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    task = Task("verify", "", request, data=data, samples=_samples(samples), max_error=max_error)
    report: Report = _answer(source, task)
    if report.quantization is None and _is_live(source):
        _compare(source, data, report)
    return report


def freeze_in_child(source: Any, request: Request) -> tuple[bytes, Any]:
    """Save, and freeze in a child process with the TensorFlow backend.

    Returns:
        a GraphDef, and (name, shape, dtype) of its inputs and of its outputs.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    found: tuple[bytes, Any] = _answer(source, Task("freeze", "", request))
    return found


def _is_live(source: Any) -> bool:
    return not isinstance(source, (str, Path))


def _answer(source: Any, task: Task) -> Any:
    """What the child gives for a task, which lacks its source yet."""
    live = _is_live(source)
    request = task.request
    require_taken(source, request)
    objects = {**(_classes_of(source) if live else {}), **(request.custom_objects or {})}
    with tempfile.TemporaryDirectory(prefix="rnnlite-") as folder:
        path = Path(folder)
        saved = path / "model.keras"
        if live:
            source.save(saved)
        else:
            saved = Path(source).resolve()
        architecture = request.architecture
        request = replace(
            request,
            architecture=None if architecture is None else Path(architecture).resolve(),
            custom_objects=_by_reference(objects),
            # A live model's code is the caller's own; a file's is not.
            trust=request.trust or live,
        )
        (path / "path.json").write_text(json.dumps(sys.path))
        (path / "task").write_bytes(pickle.dumps(replace(task, source=str(saved), request=request)))
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "rnnlite.sources.keras.child", folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        answer = path / "answer"
        if not answer.exists():
            lines = done.stderr.strip().splitlines()
            raise SourceError(
                "the child process that works with the TensorFlow backend failed",
                found=lines[-1] if lines else f"exit status {done.returncode}",
            )
        content = pickle.loads(answer.read_bytes())  # noqa: S301 - our own child wrote it
    if "refused" in content:
        raise _raised(content["refused"], content["parts"])
    return content["result"]


def _parts(error: RnnliteError) -> dict[str, Any]:
    """All that an error says."""
    return {"refused": type(error).__name__, "parts": vars(error)}


def _raised(kind: str, parts: dict[str, Any]) -> RnnliteError:
    """The error that `_parts` was given."""
    texts = {name: parts[name] for name in ("expected", "found", "remedy")}
    error: RnnliteError = getattr(errors, kind, RnnliteError)(parts["what"], **texts)
    vars(error).update(parts)
    return error


def _samples(samples: Any) -> Any:
    """Samples as NumPy arrays in their nesting; a path as it stands, from any folder."""
    if samples is None:
        return None
    if isinstance(samples, (str, Path)):
        return Path(samples).resolve()
    return [_sample(sample) for sample in samples]


def _sample(sample: Any) -> Any:
    if isinstance(sample, Mapping):
        return {name: np.asarray(value) for name, value in sample.items()}
    if isinstance(sample, (tuple, list)):
        return type(sample)(np.asarray(value) for value in sample)
    return np.asarray(sample)


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
    sys.path[:] = json.loads((folder / "path.json").read_text())
    try:
        answer = {"result": _done(pickle.loads((folder / "task").read_bytes()))}  # noqa: S301
    except RnnliteError as e:
        answer = _parts(e)
    (folder / "answer").write_bytes(pickle.dumps(answer))


def _done(task: Task) -> Any:
    """The result of a task."""
    from rnnlite.conversion import convert_here, verify_here

    objects = {n: _imported(*r) for n, r in (task.request.custom_objects or {}).items()}
    request = replace(task.request, custom_objects=objects)
    if task.action == "convert":
        return convert_here(task.source, request, task.order, verify=task.verify)
    if task.action == "verify":
        return verify_here(task.source, task.data, task.samples, request, task.max_error)
    from rnnlite.sources.opening import open_frozen

    definition, ends = open_frozen(task.source, request)
    return definition.SerializeToString(), ends


def _imported(module: str, qualified: str) -> Any:
    import importlib

    value: Any = importlib.import_module(module)
    for part in qualified.split("."):
        value = getattr(value, part)
    return value


if __name__ == "__main__":
    # Classes of a module that runs have the name `__main__`, which no other process knows.
    from rnnlite.sources.keras import child

    child._main(Path(sys.argv[1]))
