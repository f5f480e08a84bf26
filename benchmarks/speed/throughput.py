"""`predict` over many sequences of different lengths, against running them one by one.

The loop is the plain interpreter's: resize, allocate, set, invoke, get, for each sequence in turn,
one thread, on the same weights (a file of batch 1, its fastest form). Prints throughput ratios.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import rnnlite
from speed.cases import FEATURES, Case, calibration, layer

LENGTHS = (5, 200)


def files(case: Case, mode: str) -> tuple[bytes, bytes]:
    """The layer with batch 1 and with a free batch."""
    options: dict[str, Any] = {"verify": False}
    if mode != "float32":
        options |= {"quantize": mode, "calibration": calibration(case)}
    if mode == "int8":
        options |= {"io": "float32"}
    one = rnnlite.convert(layer(case), **options)
    free = rnnlite.convert(layer(case, batch=None), batch_size=None, **options)
    return one.tflite, free.tflite


def one_by_one(data: bytes, samples: list[np.ndarray]) -> list[np.ndarray]:
    """The loop that users write today."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    found = []
    for x in samples:
        interpreter.resize_tensor_input(place, (1, *x.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, x[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(result)[0])
    return found


def measure(units: int, count: int) -> list[dict[str, Any]]:
    """Seconds and ratios for a job of `count` sequences, by mode and number of threads."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(LENGTHS[0], LENGTHS[1] + 1, count)
    samples = [rng.standard_normal((t, FEATURES)).astype(np.float32) for t in lengths]
    rows = []
    for mode in ("float32", "dynamic", "int8"):
        one, free = files(Case("LSTM", units, 100, 1, False), mode)
        begin = time.perf_counter()
        one_by_one(one, samples)
        loop = time.perf_counter() - begin
        expected = np.stack(one_by_one(free, samples[:500]))
        for threads in (1, 2):
            model = rnnlite.load(free, num_threads=threads)
            model.predict(samples[:64])
            begin = time.perf_counter()
            found = model.predict(samples)
            spent = time.perf_counter() - begin
            rows.append(
                {
                    "units": units,
                    "sequences": count,
                    "mode": mode,
                    "threads": threads,
                    "loop_seconds": loop,
                    "predict_seconds": spent,
                    "ratio": loop / spent,
                    "largest_difference": float(np.abs(expected - found[:500]).max()),
                }
            )
    return rows
