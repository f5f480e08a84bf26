"""Run LiteRT files on the interpreter of this Python, whatever its version, and compare.

Started as a script, with NumPy and one of `ai_edge_litert`, `tflite_runtime` or `tflite_micro`
beside it and nothing of rnnlite: it has to run on Python 3.9. Each file runs in a process of its
own, so that one which ends its process is a result like any other.

    python runner.py JOBS.json RESULTS.json

JOBS.json: a list of {"model": path, "samples": path of an .npz, "delegates": bool, "tolerance":
number}. The .npz holds for each run k, in the order of runs, "in/k/NAME" and "out/k/NUMBER" (the
expected outputs, in the file's order). RESULTS.json: for each job {"state": one of `STATES`,
"detail": text}, with "steps" where it is right: the largest difference of an integer.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import numpy as np

STATES = ("right", "refused at load", "refused at run", "WRONG", "CRASH")


def make_interpreter(path: str, delegates: bool) -> Any:
    """The interpreter of whichever package is there."""
    try:
        from ai_edge_litert import interpreter as package
    except ImportError:
        from tflite_runtime import interpreter as package
    plain = package.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    options = {} if delegates else {"experimental_op_resolver_type": plain}
    return package.Interpreter(model_path=path, num_threads=1, **options)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run one file at all its lengths, on one interpreter."""
    samples = np.load(job["samples"])
    try:
        interpreter = make_interpreter(job["model"], job["delegates"])
        names = {d["name"]: d["index"] for d in interpreter.get_input_details()}
    except Exception as e:  # noqa: BLE001 - whatever it is, it is the result
        return {"state": "refused at load", "detail": _line(e)}
    count = 1 + max(int(key.split("/")[1]) for key in samples.files)
    worst, steps = 0.0, 0
    for k in range(count):
        inputs = {n: samples[f"in/{k}/{n}"] for n in names}
        shapes = {n: list(v.shape) for n, v in inputs.items()}
        try:
            for name, shape in shapes.items():
                interpreter.resize_tensor_input(names[name], shape)
            interpreter.allocate_tensors()
            for name, value in inputs.items():
                interpreter.set_tensor(names[name], value)
            interpreter.invoke()
            outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        except Exception as e:  # noqa: BLE001 - as above
            return {"state": "refused at run", "detail": f"run {k}, {shapes}: {_line(e)}"}
        for number, found in enumerate(outputs):
            expected = samples[f"out/{k}/{number}"]
            error = difference(found, expected)
            worst = max(worst, error)
            if not error <= job["tolerance"]:
                detail = f"run {k}, {shapes}: output {number} off by {error:.3g}"
                return {"state": "WRONG", "detail": detail}
            if found.dtype.kind == "i":
                gap = found.astype(np.int64) - expected.astype(np.int64)
                steps = max(steps, int(np.max(np.abs(gap), initial=0)))
    return {"state": "right", "detail": f"{worst:.2g}", "steps": steps}


def difference(found: Any, expected: Any) -> float:
    """RMS of the difference over the RMS of what is expected; infinite where shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    gap = found.astype(np.float64) - expected.astype(np.float64)
    scale = np.sqrt(np.mean(np.square(expected.astype(np.float64)))) + 1e-9
    return float(np.sqrt(np.mean(np.square(gap))) / scale) if gap.size else 0.0


def _line(error: Exception) -> str:
    """The first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else repr(error))[:200]


def apart(job: dict[str, Any]) -> dict[str, Any]:
    """`run` in a process of its own."""
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        child = os.fork()
        if child == 0:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 2)
            with open(target.name, "w") as stream:
                json.dump(run(job), stream)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        content = target.read()
    if status or not content:
        return {"state": "CRASH", "detail": f"signal {status & 127}"}
    return dict(json.loads(content))


def main(jobs: str, results: str) -> None:
    """Run all jobs."""
    with open(jobs) as stream:
        todo = json.load(stream)
    try:
        import ai_edge_litert.interpreter  # noqa: F401 - once, for all children
    except ImportError:
        import tflite_runtime.interpreter  # noqa: F401
    found = [apart(job) for job in todo]
    with open(results, "w") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    main(*sys.argv[1:])
