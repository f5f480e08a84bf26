"""Time of one run, by engine, over a grid of layers; conversion time and size of the files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from speed import engines
from speed.cases import Case, sample
from speed.clock import medians

EXACT, QUANTIZED = 1e-4, 0.2
"""Largest relative RMS difference to the first engine, which is float32."""


class Files:
    """Converted files, each made once, with the seconds that took."""

    def __init__(self) -> None:
        self._made: dict[Any, tuple[bytes | None, float]] = {}

    def get(self, key: Any, make: Callable[[], bytes | None]) -> tuple[bytes | None, float]:
        """The file of a key."""
        if key not in self._made:
            begin = time.perf_counter()
            data = make()
            self._made[key] = data, time.perf_counter() - begin
        return self._made[key]


def runs_of(
    case: Case, files: Files, threads: int, modes: Iterable[str]
) -> tuple[dict[str, engines.Run], dict[str, dict[str, float]]]:
    """The engines that can run a case, and their files' bytes and seconds."""
    x = sample(case)
    free = replace(case, steps=0)
    runs: dict[str, engines.Run] = {}
    sizes: dict[str, dict[str, float]] = {}

    def add(name: str, made: tuple[bytes | None, float], load: Callable[..., engines.Run]) -> None:
        data, seconds = made
        if data is not None:
            runs[name] = load(data, x, threads)
            sizes[name] = {"bytes": len(data), "seconds": seconds}

    for mode in modes:
        made = files.get(
            (free, mode), lambda mode=mode: engines.rnnlite_file(replace(case, steps=100), mode)
        )
        add(f"rnnlite {mode}", made, engines.litert)
    for mode in ("float32", "int8"):
        made = files.get((case, "tf", mode), lambda mode=mode: engines.tensorflow_file(case, mode))
        add(f"TensorFlow {mode}", made, engines.litert)
    plain = files.get((free, "onnx"), lambda: engines.onnx_file(case))
    add("ONNX Runtime float32", plain, engines.onnx_runtime)
    if case.cell == "LSTM" and plain[0] is not None:
        made = files.get(
            (free, "onnx dynamic"), lambda data=plain[0]: engines.onnx_dynamic_file(data)
        )
        add("ONNX Runtime dynamic", made, engines.onnx_runtime)
    runs["PyTorch"] = engines.torch_layer(case, x, threads)
    runs["Keras"] = engines.keras_layer(case, x)
    return runs, sizes


def check(case: Case, runs: dict[str, engines.Run]) -> None:
    """All engines compute the same, but for quantization.

    Raises:
        ValueError: one does not.
    """
    reference = None
    for name, run in runs.items():
        found = run()
        scale = getattr(run, "scale", None)
        values = np.asarray(found if scale is None else scale(found), np.float64).reshape(-1)
        if reference is None:
            reference = values
        off = np.sqrt(np.mean((values - reference) ** 2) / np.mean(reference**2))
        limit = QUANTIZED if "int" in name or "dynamic" in name else EXACT
        if not off < limit:
            raise ValueError(f"{name} computes something else for {case.name}: off by {off:.3g}")


def measure(
    cases: Iterable[Case], *, threads: int, seconds: float, modes: Iterable[str], files: Files
) -> list[dict[str, Any]]:
    """Median seconds of each engine for each case."""
    rows = []
    for case in cases:
        runs, sizes = runs_of(case, files, threads, modes)
        check(case, runs)
        times = medians(runs, seconds=seconds)
        rows.append({**asdict(case), "threads": threads, "seconds": times, "files": sizes})
        shown = "  ".join(f"{n} {1e6 * t / case.steps:.2f}" for n, t in times.items())
        print(f"{case.name}, {threads} threads, us a step: {shown}", flush=True)
    return rows
