"""The time of each op of a file, as node data for Model Explorer.

What enters: a file. What leaves: JSON. The file's first ops are run alone, one more each time: what
an op takes is what it adds, a loop with all that it runs.
"""

from __future__ import annotations

import json
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rnnlite.isolation.locating import beginning
from rnnlite.lite import schema
from rnnlite.runtime.bench import random_arrays
from rnnlite.runtime.model import load

RUNS = 15
LENGTH = 100
"""Time steps of the sequence, where any number does."""

GRADIENT = [
    {"stop": 0, "bgColor": "#e3effb"},
    {"stop": 0.5, "bgColor": "#5aaeff"},
    {"stop": 1, "bgColor": "#083f7a"},
]


def op_times(data: bytes, length: int = LENGTH) -> list[tuple[str, str, float]]:
    """The kind of each op of the main graph, the tensor that it makes, and its milliseconds.

    Args:
        data: the file.
        length: time steps of the sequence.

    Raises:
        ModelError: it is no LiteRT model.
        SampleError: it does not run at that length.
    """
    with load(data) as model:
        arrays = random_arrays(model, length, np.random.default_rng(0))
        model.run(arrays)
    parsed = schema.read(data)
    found, before = [], 0.0
    for count, op in enumerate(parsed.main.ops, start=1):
        if not op.outputs:
            continue  # it writes a variable: its time is the next one's
        so_far = _fastest(beginning(parsed, count), arrays)
        found.append((op.kind, op.output.name, max(so_far - before, 0.0)))
        before = max(so_far, before)
    return found


def node_data(data: bytes, length: int = LENGTH) -> str:
    """`op_times` as Model Explorer reads them: by the names of the tensors that ops make."""
    results = {name: {"value": round(ms, 6)} for _, name, ms in op_times(data, length)}
    title = f"milliseconds at {length} steps, by rnnlite"
    return json.dumps({"main": {"name": title, "results": results, "gradient": GRADIENT}})


def _fastest(data: bytes, arrays: list[np.ndarray]) -> float:
    """Milliseconds of the fastest of some runs."""
    interpreter = Interpreter(model_content=data)
    places = [int(d["index"]) for d in interpreter.get_input_details()]
    for place, array in zip(places, arrays, strict=True):
        interpreter.resize_tensor_input(place, array.shape)
    interpreter.allocate_tensors()
    for place, array in zip(places, arrays, strict=True):
        interpreter.set_tensor(place, array)
    fastest = float("inf")
    for _ in range(RUNS):
        begin = time.perf_counter()
        interpreter.invoke()
        fastest = min(fastest, 1000 * (time.perf_counter() - begin))
    return fastest
