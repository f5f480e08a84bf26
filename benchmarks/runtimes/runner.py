"""Run LiteRT files on the interpreter of this Python, whatever its version, and compare.

Started as a script, with NumPy and `ai_edge_litert` or `tflite_runtime` beside it and nothing of
rnnlite: it has to run on Python 3.9. Each file runs in a process of its own, so that one which ends
its process is a result like any other.

    python runner.py JOBS.json RESULTS.json

JOBS.json: a list of {"model": path, "samples": path of an .npz, "delegates": bool, "tolerance":
number} and, where integers may be off by some steps whatever the tolerance, "near": steps. The .npz
holds for each run k, in the order of runs, "in/k/NAME" and "out/k/NUMBER" (the expected outputs,
in the file's order); or, with a signature's name in "signature/k", the inputs and outputs by its
names. RESULTS.json: for each job {"state": one of `STATES`, "detail": text}, with "steps" where it
is right: the largest difference of an integer.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Optional

import numpy as np

Call = Callable[[Optional[str], dict[str, Any]], dict[str, Any]]  # noqa: UP045 - Python 3.9
"""Runs a file once: the name of a signature or None, inputs -> outputs."""

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
    try:
        interpreter = make_interpreter(job["model"], job["delegates"])
        names = {d["name"]: d["index"] for d in interpreter.get_input_details()}
    except Exception as e:  # noqa: BLE001 - whatever it is, it is the result
        return {"state": "refused at load", "detail": _line(e)}

    def call(signature: str | None, inputs: dict[str, Any]) -> dict[str, Any]:
        if signature is None:
            return invoked(interpreter, names, inputs)
        return dict(interpreter.get_signature_runner(signature)(**inputs))

    return compared(job, call)


def compared(job: dict[str, Any], call: Call) -> dict[str, Any]:
    """What becomes of all runs of a job, one after the other."""
    samples = np.load(job["samples"])
    worst, steps = 0.0, 0
    for k in range(1 + max(int(key.split("/")[1]) for key in samples.files)):
        inputs, expected = given(samples, f"in/{k}/"), given(samples, f"out/{k}/")
        shapes = {n: list(v.shape) for n, v in inputs.items()}
        name = f"signature/{k}"
        try:
            found = call(str(samples[name]) if name in samples.files else None, inputs)
        except Exception as e:  # noqa: BLE001 - as above
            return {"state": "refused at run", "detail": f"run {k}, {shapes}: {_line(e)}"}
        for key, wanted in expected.items():
            error, gap = difference(found[key], wanted), furthest(found[key], wanted)
            worst, steps = max(worst, error), max(steps, gap)
            if not error <= job["tolerance"] and not 0 < gap <= job.get("near", 0):
                detail = f"run {k}, {shapes}: output {key} off by {error:.3g}"
                return {"state": "WRONG", "detail": detail}
    return {"state": "right", "detail": f"{worst:.2g}", "steps": steps}


def given(samples: Any, start: str) -> dict[str, Any]:
    """The arrays whose names begin so, by the rest of their names."""
    return {key[len(start) :]: samples[key] for key in samples.files if key.startswith(start)}


def invoked(interpreter: Any, names: dict[str, int], inputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs of the file's first signature by number, without its name."""
    for name, value in inputs.items():
        interpreter.resize_tensor_input(names[name], list(value.shape))
    interpreter.allocate_tensors()
    for name, value in inputs.items():
        interpreter.set_tensor(names[name], value)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return {str(k): interpreter.get_tensor(d["index"]) for k, d in enumerate(details)}


def difference(found: Any, expected: Any) -> float:
    """RMS of the difference over the RMS of what is expected; infinite where shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    gap = found.astype(np.float64) - expected.astype(np.float64)
    scale = np.sqrt(np.mean(np.square(expected.astype(np.float64)))) + 1e-9
    return float(np.sqrt(np.mean(np.square(gap))) / scale) if gap.size else 0.0


def furthest(found: Any, expected: Any) -> int:
    """The largest difference of integers, in steps; 0 for others."""
    if expected.dtype.kind != "i" or found.shape != expected.shape:
        return 0
    gaps = np.abs(found.astype(np.int64) - expected.astype(np.int64))
    return int(np.max(gaps, initial=0))


def _line(error: Exception) -> str:
    """The first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else repr(error))[:200]


def apart(
    job: dict[str, Any], work: Callable[[dict[str, Any]], dict[str, Any]] = run
) -> dict[str, Any]:
    """`run`, or what does the same by another runtime, in a process of its own."""
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        child = os.fork()
        if child == 0:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 2)
            with open(target.name, "w") as stream:
                json.dump(work(job), stream)
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
