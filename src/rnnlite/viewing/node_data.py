"""The time and the error of each op of a file, as node data for Model Explorer.

What enters: a file, and the report of its conversion. What leaves: JSON. To time the ops, the first
ops of the file are run alone, one more each time: the time of an op is what it adds. A loop is one
op, with all that it runs. The errors are those of the report.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rnnlite.errors import DataError
from rnnlite.isolation.locating import beginning
from rnnlite.lite import schema
from rnnlite.runtime.bench import random_arrays
from rnnlite.runtime.model import load

RUNS = 15
LENGTH = 100
"""Time steps of the sequence, if the length is free."""

GRADIENT = [
    {"stop": 0, "bgColor": "#e3effb"},
    {"stop": 0.5, "bgColor": "#5aaeff"},
    {"stop": 1, "bgColor": "#083f7a"},
]


def op_times(data: bytes, length: int = LENGTH) -> list[tuple[str, str, float]]:
    """(kind, name of the result, milliseconds) of each op of the main graph with a result.

    Args:
        data: the file.
        length: time steps of the sequence.

    Raises:
        ModelError: it is no LiteRT model.
        SampleError: the file does not run at that length.
    """
    with load(data) as model:
        arrays = random_arrays(model, length, np.random.default_rng(0))
        model.run(arrays)
    parsed = schema.read(data)
    found, before = [], 0.0
    for count, op in enumerate(parsed.main.ops, start=1):
        if not op.outputs:
            continue  # It writes a variable: its time is counted in the next op's.
        so_far = _fastest(beginning(parsed, count), arrays)
        found.append((op.kind, op.output.name, max(so_far - before, 0.0)))
        before = max(so_far, before)
    return found


def node_data(data: bytes, length: int = LENGTH) -> str:
    """`op_times` as JSON for Model Explorer, by the names of the results of ops."""
    results = {name: round(ms, 6) for _, name, ms in op_times(data, length)}
    return _as_json(f"milliseconds at {length} steps, by rnnlite", results)


def error_data(data: bytes, report: Path) -> str:
    """The error of each op against float32 in percent, as JSON for Model Explorer.

    Args:
        data: the file.
        report: the file of what `convert --json` printed when it made the file.

    Raises:
        ModelError: it is no LiteRT model.
        DataError: the report cannot be read, has no errors of ops, or is of another file.
    """
    made = {op.output.name for op in schema.read(data).main.ops if op.outputs}
    known = (e for e in _op_errors(report) if e.get("tensor") and e["error"] is not None)
    errors = {e["tensor"]: e["error"] for e in known}
    if not errors or not errors.keys() <= made:
        raise DataError(
            f"'{report}' is the report of another file",
            expected=", ".join(sorted(errors)[:4]) or "names of tensors",
            found=", ".join(sorted(made)[:4]),
            remedy="Give what convert --json printed when this file was made",
        )
    results = {name: round(100 * error, 4) for name, error in errors.items()}
    return _as_json("error against float32 in percent, by rnnlite", results)


def _op_errors(report: Path) -> list[dict[str, Any]]:
    """The errors of ops in a report, as in its JSON."""
    try:
        values = json.loads(report.read_text(encoding="utf-8"))
    except OSError as e:
        raise DataError(f"cannot read the report '{report}': {e.strerror or e}") from e
    except ValueError as e:
        raise DataError(
            f"'{report}' is no report", expected="what convert --json prints", found="no JSON"
        ) from e
    functions = values.get("signatures") or [values] if isinstance(values, Mapping) else [{}]
    found: list[dict[str, Any]] = (functions[0].get("quantization") or {}).get("op_errors") or []
    if not found:
        raise DataError(
            f"the report '{report}' has no errors of ops",
            expected="that of a conversion to int8 or int16x8, as JSON",
        )
    return found


def _as_json(title: str, values: Mapping[str, float]) -> str:
    results = {name: {"value": value} for name, value in values.items()}
    return json.dumps({"main": {"name": title, "results": results, "gradient": GRADIENT}})


def _fastest(data: bytes, arrays: list[np.ndarray]) -> float:
    """Milliseconds of the fastest of `RUNS` runs."""
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
