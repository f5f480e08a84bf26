"""Convert, verify or freeze a Keras 3 model that lives on another backend than TensorFlow.

What enters: a live model or a path, and what `conversion`, `verification` or `freezing` would take.
What leaves: what these give.

A process has one Keras backend. The model is saved, a worker (`isolation`) opens it with the
TensorFlow backend and does what is asked, and the live model's own results are compared with the
LiteRT model.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite import errors
from rnnlite.errors import SourceError
from rnnlite.frontends.keras.elsewhere import custom_classes, results, stated_shapes
from rnnlite.frontends.keras.frontend import ON_TENSORFLOW
from rnnlite.frontends.keras.request import KerasRequest
from rnnlite.frontends.opening import chosen
from rnnlite.frontends.request import Request
from rnnlite.isolation.process import WorkerDied, borrowed
from rnnlite.pipeline.converted import Converted
from rnnlite.pipeline.freezing import GraphSignature
from rnnlite.quantization.config import QuantizationConfig
from rnnlite.report.records import Report
from rnnlite.specs import Array

KIND = "keras on tensorflow"
SECONDS = 24 * 3600.0
"""How long a task may take; conversions of large models take minutes."""

TOLERANCE = 1e-4
"""Allowed between two backends, which round differently; the strict check runs in the child."""


@dataclass(frozen=True)
class Task:
    """What the child process is to do. It is pickled as a whole, so that no option is forgotten.

    Attributes:
        action: "convert", "verify" or "freeze".
        source: the path of the source.
        request: what to open the source with; `custom_objects` are given by module and name.
        config: the quantization, with its samples as arrays.
        verify: whether a conversion is checked.
        data: the LiteRT file that is verified.
        samples: further samples to verify the file on.
        max_error: see `rnnlite.verify`.
    """

    action: str
    source: str
    request: Request
    config: QuantizationConfig | None = None
    verify: bool = True
    data: bytes = b""
    samples: list[Any] | None = None
    max_error: float | None = None


def convert(
    source: Any, request: Request, config: QuantizationConfig | None, *, verify: bool
) -> Converted:
    """Save, convert in a child process with the TensorFlow backend, compare.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    if config is not None:
        # The bar would be drawn in another process.
        config = replace(config, calibration=_samples(config.calibration), progress=False)
    converted, plain = _answer(source, Task("convert", "", request, config, verify))
    if verify and _is_live(source):
        _compare(source, plain, converted.report)
    result: Converted = converted
    return result


def verify(
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
    equal = report.parity is not None and report.parity.within
    if report.quantization is None and equal and _is_live(source):
        _compare(source, data, report)
    return report


def freeze(source: Any, request: Request) -> tuple[bytes, GraphSignature]:
    """Save, and freeze in a child process with the TensorFlow backend.

    Returns:
        as `freezing.freeze`.

    Raises:
        RnnliteError: what the child refuses, as the same kind of error.
    """
    found: tuple[bytes, GraphSignature] = _answer(source, Task("freeze", "", request))
    return found


def _is_live(source: Any) -> bool:
    return not isinstance(source, (str, Path))


def _answer(source: Any, task: Task) -> Any:
    """What the child process gives for a task, whose source is filled in here.

    A live model is saved to a temporary folder, from which the child opens it.
    """
    live = _is_live(source)
    chosen(source, task.request)
    asked = KerasRequest.of(task.request)
    objects = {**(custom_classes(source) if live else {}), **(asked.custom_objects or {})}
    with tempfile.TemporaryDirectory(prefix="rnnlite-") as folder:
        saved = Path(folder) / "model.keras"
        if live:
            source.save(saved)
        else:
            saved = Path(source).resolve()
        architecture = asked.architecture
        options = {
            **task.request.options,
            "architecture": None if architecture is None else Path(architecture).resolve(),
            "custom_objects": _by_reference(objects),
            # A live model's code is the caller's own; a file's is not.
            "trust": asked.trust or live,
        }
        request = replace(task.request, options=options)
        task = replace(task, source=str(saved), request=request)
        try:
            with borrowed(KIND, ON_TENSORFLOW) as worker:
                return worker.call(f"{__name__}:done", sys.path, task, seconds=SECONDS)
        except (WorkerDied, RuntimeError) as e:
            raise SourceError(
                "the child process that works with the TensorFlow backend failed",
                found=e.reason if isinstance(e, WorkerDied) else str(e),
            ) from e


def _samples(samples: Any) -> Any:
    """Samples as NumPy arrays, nested as they were; a path is made absolute."""
    if samples is None:
        return None
    if isinstance(samples, (str, Path)):
        return Path(samples).resolve()
    if isinstance(samples, Mapping):
        return {name: _samples(data) for name, data in samples.items()}
    return [_sample(sample) for sample in samples]


def _sample(sample: Any) -> Any:
    if isinstance(sample, Mapping):
        return {name: np.asarray(value) for name, value in sample.items()}
    if isinstance(sample, (tuple, list)):
        return type(sample)(np.asarray(value) for value in sample)
    return np.asarray(sample)


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
    """Compare the live model, on its own backend, with the LiteRT model, on one random batch.

    Raises:
        ParityError: they differ.
    """
    from rnnlite.frontends.random_inputs import random_inputs
    from rnnlite.runtime.model import load

    model = load(data)
    shapes = _shapes(source, report)
    inputs = [replace(s, shape=shape) for s, shape in zip(model.inputs, shapes, strict=True)]
    arrays = random_inputs(inputs, length={}, batch=1)
    expected = results(source, arrays)
    _require_close(model.run(arrays), expected, report)


def _shapes(source: Any, report: Report) -> list[tuple[int, ...]]:
    """Shapes for the inputs: of those that the check ran, medium ones that the live model takes.

    Lengths that the model's Inputs state may have been made free. If no shapes of the check fit the
    stated ones, the stated sizes are put into them.
    """
    stated = stated_shapes(source)
    shapes = report.parity.shapes if report.parity is not None else ()
    runs = sorted(map(list, shapes), key=lambda run: sum(map(math.prod, run)))
    suited = [[_suited(s, w) for s, w in zip_longest(run, stated, fillvalue=())] for run in runs]
    found = [run for run, other in zip(runs, suited, strict=True) if run == other] or suited
    return found[len(found) // 2]


def _suited(shape: tuple[int, ...], stated: tuple[int | None, ...]) -> tuple[int, ...]:
    """A shape with the stated sizes put in."""
    pairs = zip_longest(shape, stated[: len(shape)])
    return tuple(size if wanted is None else wanted for size, wanted in pairs)


def _require_close(found: Sequence[Array], expected: Sequence[Array], report: Report) -> None:
    from rnnlite.parity import difference

    for spec, a, b in zip(report.outputs, found, expected, strict=True):
        scale = float(np.max(np.abs(b), initial=0.0)) or 1.0
        if difference(a, b) > TOLERANCE * scale:
            raise errors.ParityError(
                f"output '{spec['name']}' of the LiteRT model differs from the live model",
                expected=f"within {TOLERANCE:.0e} of its scale",
                found=f"{difference(a, b) / scale:.2e}",
            )


def done(path: list[str], task: Task) -> Any:
    """Do a task; called in the worker.

    Args:
        path: the caller's `sys.path`.
        task: what to do, with the path of the source.
    """
    from rnnlite.pipeline import conversion, freezing, verification

    sys.path[:] = path
    references = KerasRequest.of(task.request).custom_objects or {}
    objects = {n: _imported(*r) for n, r in references.items()}
    request = replace(task.request, options={**task.request.options, "custom_objects": objects})
    if task.action == "convert":
        return conversion.convert(task.source, request, task.config, verify=task.verify)
    if task.action == "verify":
        return verification.verify(task.source, task.data, task.samples, request, task.max_error)
    return freezing.freeze(task.source, request)


def _imported(module: str, qualified: str) -> Any:
    import importlib

    value: Any = importlib.import_module(module)
    for part in qualified.split("."):
        value = getattr(value, part)
    return value
