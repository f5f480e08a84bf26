"""What is asked of a Keras 3 model that lives on another backend than TensorFlow.

What enters: a live model, and what `conversion`, `verification` or `freezing` would take. What
leaves: what these give.

Keras has one backend a process. The model is saved, a worker (`isolation`) opens it with the
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
"""Between two backends, which round in their own ways; the strict check runs in the child."""


@dataclass(frozen=True)
class Task:
    """What the child is to do; pickled as it is, so that no option can be forgotten.

    Attributes:
        action: "convert", "verify" or "freeze".
        source: a path.
        request: with `custom_objects` by module and name.
        config: of the quantization, samples as a list of arrays.
        verify: whether a conversion is checked.
        data: the LiteRT file that is verified.
        samples: further ones that it is verified on.
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
    """What the child gives for a task, whose source is filled in here.

    A live model is saved to a folder of this call, which the child opens it from.
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
    """Samples as NumPy arrays in their nesting, by signature too; a path, from any folder."""
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
    """The live model, on its own backend, against the LiteRT model, on one random batch.

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
    """Shapes of inputs of medium size that the check ran, and that a live model's Inputs take.

    Where it ran none such, since the lengths were made free, they get the sizes that these state.
    """
    stated = stated_shapes(source)
    shapes = report.parity.shapes if report.parity is not None else ()
    runs = sorted(map(list, shapes), key=lambda run: sum(map(math.prod, run)))
    suited = [[_suited(s, w) for s, w in zip_longest(run, stated, fillvalue=())] for run in runs]
    found = [run for run, other in zip(runs, suited, strict=True) if run == other] or suited
    return found[len(found) // 2]


def _suited(shape: tuple[int, ...], stated: tuple[int | None, ...]) -> tuple[int, ...]:
    """A shape, with the sizes that are stated."""
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
    """The result of a task. For the worker alone.

    Args:
        path: the caller's `sys.path`.
        task: with the path of its source.
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
