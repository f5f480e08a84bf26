"""Files for LiteRT for Microcontrollers, on its interpreter from PyPI.

What enters: jobs of `models.make`. What leaves: a `Trial` for each. The package `tflite-micro` is
needed; where it is not there, `Missing` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from runtimes.models import CASES, Case
from runtimes.runner import apart, compared
from runtimes.trials import Trial
from runtimes.wheels import Missing, Runtime

LENGTH = 40
"""Of all sequences: it takes no free shapes."""
RUNS = 3
ARENA = 4 << 20
MODES = ("float32", "int8", "int16x8")
KINDS = (
    *("lstm", "lstm sequence", "gru sequence", "simple", "bidirectional sequence", "stacked"),
    *("masked lstm", "masked sequence", "embedding", "embedding, masked", "exits", "conv", "crnn"),
    "attention",
)


def runtime() -> Runtime:
    """The version that is installed.

    Raises:
        Missing: there is none.
    """
    try:
        found = version("tflite-micro")
    except PackageNotFoundError:
        raise Missing("tflite-micro: not installed (the extra `dev`)") from None
    return Runtime("LiteRT 2.2", "tflite-micro", found, ())


def fixed() -> list[Case]:
    """Cases of one length, or streams of single steps, made for it."""
    options = {"sequence_length": LENGTH, "target": "tflite-micro"}
    found = [
        replace(case, options=options, modes=MODES, lengths=(LENGTH,) * RUNS)
        for case in CASES
        if case.name in KINDS
    ]
    steps = {"streaming": 1, "target": "tflite-micro"}
    (stream,) = (case for case in CASES if case.name == "stream of single steps")
    return [*found, replace(stream, options=steps, modes=MODES, lengths=(0,) * RUNS)]


def try_on_micro(jobs: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """Run files, as `models.make` describes them.

    Raises:
        Missing: the interpreter is not there.
    """
    used = runtime()
    trials = []
    for job in jobs:
        found = apart(dict(job), run)
        claimed = rnnlite.inspect(job["model"]).min_runtime
        steps = found.get("steps")
        outcome = found["state"], found["detail"]
        trials.append(Trial(job["name"], job["mode"], used, False, claimed, *outcome, steps))
    return trials


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run one file, as `runner.run` does."""
    from tflite_micro.python.tflite_micro import runtime

    try:
        data = Path(job["model"]).read_bytes()
        interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA)
    except Exception as e:  # noqa: BLE001 - whatever it is, it is the result
        return {"state": "refused at load", "detail": str(e)[:200]}
    names = _ends(data) if "signature/0" in np.load(job["samples"]).files else None

    def call(signature: str | None, inputs: dict[str, Any]) -> dict[str, Any]:
        taken, given = names or (list(inputs), [str(k) for k in range(_count(data))])
        for number, name in enumerate(taken):
            interpreter.set_input(inputs[name], number)
        interpreter.invoke()
        return {name: interpreter.get_output(k) for k, name in enumerate(given)}

    return compared(job, call)


def _count(data: bytes) -> int:
    """How many outputs a file has."""
    return len(Interpreter(model_content=data).get_output_details())


def _ends(data: bytes) -> tuple[list[str], list[str]]:
    """What the only signature calls inputs and outputs, in the file's order."""
    interpreter = Interpreter(model_content=data)
    runner = interpreter.get_signature_runner()
    pairs = (
        (runner.get_input_details(), interpreter.get_input_details()),
        (runner.get_output_details(), interpreter.get_output_details()),
    )
    found = []
    for named, ordered in pairs:
        by_index = {d["index"]: name for name, d in named.items()}
        found.append([by_index[d["index"]] for d in ordered])
    return found[0], found[1]
