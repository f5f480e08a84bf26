"""Files of fixed length on LiteRT.js, in headless Chromium.

What enters: jobs of `models.make`. What leaves: a `Trial` for each file. Node, Chromium and the
packages of `make browser-setup` are needed; where one is not there, `Missing` says which.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from runtimes.models import CASES, Case
from runtimes.runner import difference, given
from runtimes.trials import Trial
from runtimes.wheels import Missing, Runtime

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).parent / "browser.mjs"
PACKAGE = ROOT / ".browser" / "node_modules" / "@litertjs" / "core" / "package.json"
LENGTH = 20
"""Of all sequences: LiteRT.js takes inputs of the file's own shape alone."""
RUNS = 3
KINDS = (
    *("lstm", "gru sequence", "masked sequence", "embedding, masked", "exits", "conv"),
    "stream of single steps",
)


def litert_js() -> Runtime:
    """The version of LiteRT.js that is installed.

    Raises:
        Missing: it, Node or Chromium is not.
    """
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            raise Missing(f"LiteRT.js: no {program} here (make browser-setup)")
    if not PACKAGE.exists():
        raise Missing("LiteRT.js: not installed (make browser-setup)")
    version = json.loads(PACKAGE.read_text())["version"]
    return Runtime("LiteRT 2.2", "@litertjs/core", version, ())


def fixed(case: Case, mode: str) -> Case:
    """A case of one length with float borders: LiteRT.js has no arrays of int8 and int16.

    Of a file with a stream, that alone is run: the whole has a free length.
    """
    options = dict(case.options or {})
    if mode in ("int8", "int16x8"):
        options["io"] = "float32"
    if "streaming" in options:
        return replace(case, options=options, lengths=(0,) * RUNS)
    options["sequence_length"] = LENGTH
    return replace(case, options=options, lengths=(LENGTH,) * RUNS)


def fixable() -> list[Case]:
    """One of each kind that can have a fixed shape; no stream whose states are int16."""
    return [
        replace(c, modes=("float32", "float16", "dynamic")) if c.plan else c
        for c in CASES
        if c.name in KINDS
    ]


def try_in_browser(jobs: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """Run files, as `models.make` describes them.

    Raises:
        Missing: the browser or the packages are not there.
        CalledProcessError: the browser did not come up.
    """
    runtime = litert_js()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        todo = []
        for k, job in enumerate(jobs):
            shutil.copy(job["model"], folder / f"{k}.tflite")
            todo.append({"model": f"{k}.tflite", "runs": _inputs(job)})
        (folder / "jobs.json").write_text(json.dumps(todo))
        subprocess.run(
            [
                str(shutil.which("node")),
                str(SCRIPT),
                str(shutil.which("chromium")),
                str(folder / "jobs.json"),
                str(folder / "results.json"),
            ],
            check=True,
            capture_output=True,
            timeout=900,
        )
        results = json.loads((folder / "results.json").read_text())
    trials = []
    for job, result in zip(jobs, results, strict=True):
        claimed = rnnlite.inspect(job["model"]).min_runtime
        state, detail = _judged(job, result)
        trials.append(Trial(job["name"], job["mode"], runtime, True, claimed, state, detail))
    return trials


def _names(model: str) -> tuple[dict[str, str], list[str]]:
    """The signature's name of each input by tensor name, and of the outputs in the file's order."""
    interpreter = Interpreter(model_path=model)
    runner = interpreter.get_signature_runner("serving_default")
    inputs = {d["name"]: name for name, d in runner.get_input_details().items()}
    numbers = {d["index"]: name for name, d in runner.get_output_details().items()}
    return inputs, [numbers[d["index"]] for d in interpreter.get_output_details()]


def _inputs(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The signature of each run, and its inputs by the signature's names."""
    names, _ = _names(job["model"])
    samples = np.load(job["samples"])
    runs = []
    for k in range(_count(samples)):
        named = f"signature/{k}" in samples.files
        inputs = {
            tensor if named else names[tensor]: {
                "dtype": str(x.dtype),
                "shape": x.shape,
                "data": x.ravel().tolist(),
            }
            for tensor, x in given(samples, f"in/{k}/").items()
        }
        signature = str(samples[f"signature/{k}"]) if named else ""
        runs.append({"signature": signature, "inputs": inputs})
    return runs


def _count(samples: Any) -> int:
    """Runs."""
    return len({key.split("/")[1] for key in samples.files})


def _judged(job: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, str]:
    """State and detail as `runner` gives them; an error in the console is a fault too."""
    if "failed" in result:
        return f"refused at {result['failed']}", result["detail"].splitlines()[0][:200]
    if result["errors"]:
        return "WRONG", f"the console says {result['errors'][0]}"
    _, names = _names(job["model"])
    samples = np.load(job["samples"])
    worst = 0.0
    for k, outputs in enumerate(result["runs"]):
        for key, expected in given(samples, f"out/{k}/").items():
            found = outputs[key if f"signature/{k}" in samples.files else names[int(key)]]
            value = np.array(found["data"], found["dtype"]).reshape(found["shape"])
            worst = max(worst, difference(value, expected))
    state = "right" if worst <= job["tolerance"] else "WRONG"
    return state, f"{worst:.2g}" if state == "right" else f"off by {worst:.3g}"
