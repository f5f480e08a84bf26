"""Convert a model and compare it with the live model, called as a user calls it.

`convert` makes its own check; here all is done anew: at the least length that the live model takes,
and at longer ones, by `predict` and by a plain interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import field_graphs
import rnnlite
from field_parts import VOCABULARY

TOLERANCE = 2e-4
"""Float32, relative to the largest value of an output."""

LIMITS = {"float16": 0.01, "dynamic": 0.05, "int8": 0.12, "int16x8": 0.03}
"""Quantized, error over values, both as RMS over all test samples, for each output."""

FURTHEST = 100
CALIBRATION, TESTS = 60, 8

Arrays = list[np.ndarray]


class ImpossibleError(Exception):
    """Keras itself cannot build such a model, or run it."""


def sample(model: Any, length: int, seed: int) -> Arrays:
    """One array (1, ...) an input, as a user would feed it; padded behind where that is masked."""
    rng = np.random.default_rng(seed)
    valid = length - int(rng.integers(0, length // 3 + 1))
    arrays = []
    for spec in model.inputs:
        dtype = getattr(spec.dtype, "name", spec.dtype)
        name = spec.name.split(":")[0]
        free = length // 2 + 2 if name in ("other", "target") else length
        shape = [1, *(d or free for d in spec.shape[1:])]
        if dtype == "bool":
            arrays.append(np.arange(shape[1])[None] < valid)
        elif dtype.startswith("int"):
            ids = rng.integers(1, VOCABULARY, shape).astype(np.int32)
            ids[:, valid:] = 0
            arrays.append(ids)
        else:
            arrays.append(np.clip(rng.standard_normal(shape), -2.5, 2.5).astype(np.float32))
    return arrays


def call(model: Any, arrays: Arrays) -> Arrays:
    """The live model's outputs, flat."""
    return _flat(model(arrays if len(arrays) > 1 else arrays[0], training=False))


def _flat(value: Any) -> Arrays:
    if isinstance(value, (list, tuple)):
        return [y for item in value for y in _flat(item)]
    return [np.asarray(value)]


def lengths_of(model: Any) -> list[int]:
    """The least length that the live model takes and two longer ones; one if none is free.

    Raises:
        ImpossibleError: it takes none.
    """
    free = [d for x in model.inputs for d in x.shape[1:] if d is None]
    # Keras runs some layers on no time step at all, or on less than a window.
    layers = [layer for layer in model.layers if not layer.__class__.__name__.startswith("Input")]
    windowed = [layer for layer in layers if _window(layer)]
    whole = type(model)(
        model.inputs,
        [[layer.output for layer in layers], [layer.input for layer in windowed]],
    )
    for length in range(1, FURTHEST):
        try:
            results = call(whole, sample(model, length, 0))
            outputs = results[: len(results) - len(windowed)]
            if any(
                any(d < w for d, w in zip(x.shape[1:], _window(layer), strict=False))
                for layer, x in zip(windowed, results[len(outputs) :], strict=True)
            ):
                continue
        except Exception as e:
            if not free:
                raise ImpossibleError(str(e)[:200]) from e
            continue
        if all(y.size and (y.dtype.kind != "f" or np.isfinite(y).all()) for y in outputs):
            return [length, length + 7, 2 * length + 23] if free else [length]
        if not free:
            break
    raise ImpossibleError("no length gives finite outputs")


def _window(layer: Any) -> list[int]:
    """What a convolution or pooling without padding needs of each axis behind the batch."""
    if getattr(layer, "padding", None) != "valid":
        return []
    kernel = getattr(layer, "kernel_size", None)
    if kernel is None:
        return list(getattr(layer, "pool_size", None) or [])
    return [(k - 1) * d + 1 for k, d in zip(kernel, layer.dilation_rate, strict=True)]


def predicted(data: bytes) -> Callable[[Arrays], Arrays]:
    """Runs by `rnnlite.load(...).predict`."""
    loaded = rnnlite.load(data)

    def run(arrays: Arrays) -> Arrays:
        rows = [a[0] for a in arrays]
        result = loaded.predict([rows[0] if len(rows) == 1 else tuple(rows)])
        columns = result.values() if isinstance(result, dict) else [result]
        return [
            np.asarray(column[0])
            if spec.batch_axis is None
            else np.expand_dims(column[0], spec.batch_axis)
            for column, spec in zip(columns, loaded.outputs, strict=True)
        ]

    return run


def plain(data: bytes, *, names: Sequence[str]) -> Callable[[Arrays], Arrays]:
    """Runs by one of LiteRT's own interpreters, resized to each sample."""
    interpreter = Interpreter(model_content=data)
    order = [spec.name for spec in rnnlite.load(data).outputs]

    def run(arrays: Arrays) -> Arrays:
        inputs, outputs = _details(interpreter)
        for detail, a in zip((inputs[n] for n in names), arrays, strict=True):
            interpreter.resize_tensor_input(detail["index"], a.shape)
        interpreter.allocate_tensors()
        for detail, a in zip((inputs[n] for n in names), arrays, strict=True):
            interpreter.set_tensor(detail["index"], _stored(a, detail))
        interpreter.invoke()
        return [_real(interpreter.get_tensor(outputs[n]["index"]), outputs[n]) for n in order]

    return run


def _details(interpreter: Interpreter) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs by name. A runner that lives would keep the interpreter from resizing."""
    runner = interpreter.get_signature_runner("serving_default")
    return runner.get_input_details(), runner.get_output_details()


def _stored(a: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero_point = detail["quantization"]
    if not scale or a.dtype.kind != "f":
        return a.astype(detail["dtype"])
    info = np.iinfo(detail["dtype"])
    return np.clip(np.round(a / scale) + zero_point, info.min, info.max).astype(detail["dtype"])


def _real(a: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero_point = detail["quantization"]
    return (a.astype(np.float32) - zero_point) * np.float32(scale) if scale else a


def check_float(model: Any, lengths: list[int], batch_size: int | str | None) -> None:
    """Convert with the default check, and compare at the lengths, grown and shrunk."""
    converted = rnnlite.convert(model, batch_size=batch_size)
    assert not rnnlite.inspect(converted.tflite).custom_ops
    names = [x.name.split(":")[0] for x in model.inputs]
    runs = [predicted(converted.tflite), plain(converted.tflite, names=names)]
    for length in [*lengths, lengths[0]]:
        arrays = sample(model, length, length)
        expected = call(model, arrays)
        for run in runs:
            for found, y in zip(run(arrays), expected, strict=True):
                scale = float(np.max(np.abs(y))) or 1.0
                np.testing.assert_allclose(found, y, atol=TOLERANCE * scale, rtol=0)


def check_quantized(
    model: Any, lengths: list[int], batch_size: int | str | None, mode: str
) -> float:
    """Convert in a mode, measure it on samples that it has not seen; gives the largest error."""
    calibration = [sample(model, lengths[0] + k % 25, 1000 + k) for k in range(CALIBRATION)]
    rows = [[a[0] for a in arrays] for arrays in calibration]
    converted = rnnlite.convert(
        model,
        quantize=mode,
        calibration=[r[0] if len(r) == 1 else tuple(r) for r in rows],
        batch_size=batch_size,
    )
    tests = [sample(model, lengths[0] + 3 * k, 2000 + k) for k in range(TESTS)]
    expected = [call(model, arrays) for arrays in tests]
    names = [x.name.split(":")[0] for x in model.inputs]
    worst = 0.0
    for run in (predicted(converted.tflite), plain(converted.tflite, names=names)):
        found = [run(arrays) for arrays in tests]
        for a, b in zip(zip(*found, strict=True), zip(*expected, strict=True), strict=True):
            worst = max(worst, relative_rms(a, b))
    assert worst < LIMITS[mode], (mode, worst)
    return worst


def relative_rms(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """The RMS of the differences over that of the expected values; shapes must agree."""
    assert [a.shape for a in found] == [b.shape for b in expected]
    a = np.concatenate([np.ravel(y) for y in found]).astype(np.float64)
    b = np.concatenate([np.ravel(y) for y in expected]).astype(np.float64)
    return float(np.sqrt(np.mean((a - b) ** 2) / max(np.mean(b**2), 1e-30)))


def check_graph(draw: dict[str, Any], path: Path) -> None:
    """Freeze the graph of a draw, convert it with the default check, compare with a session."""
    made, inputs, outputs = field_graphs.build(draw)
    path.write_bytes(made.as_graph_def().SerializeToString())
    converted = rnnlite.convert(path, inputs=inputs, outputs=outputs)
    assert not rnnlite.inspect(converted.tflite).custom_ops
    names = [n.split(":")[0] for n in inputs]
    runs = [predicted(converted.tflite), plain(converted.tflite, names=names)]
    with field_graphs.tf1.Session(graph=made) as session:
        for length in (1, 9, 30):
            given = field_graphs.feeds(made, inputs, length, length)
            expected = session.run(outputs, given)
            for run in runs:
                found = run([given[n] for n in inputs])
                for a, y in zip(found, expected, strict=True):
                    scale = float(np.max(np.abs(y))) or 1.0
                    np.testing.assert_allclose(a, y, atol=TOLERANCE * scale, rtol=0)
