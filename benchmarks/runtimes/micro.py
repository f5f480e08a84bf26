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
    """Cases of one length, made for it."""
    options = {"sequence_length": LENGTH, "target": "tflite-micro"}
    return [
        replace(case, options=options, modes=MODES, lengths=(LENGTH,) * RUNS)
        for case in CASES
        if case.name in KINDS
    ]


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
    samples = np.load(job["samples"])
    count = sum(name.startswith("out/0/") for name in samples.files)

    def call(signature: str | None, inputs: dict[str, Any]) -> dict[str, Any]:
        if signature is not None:
            raise ValueError("it runs the first signature alone")
        for number, value in enumerate(inputs.values()):
            interpreter.set_input(value, number)
        interpreter.invoke()
        return {str(k): interpreter.get_output(k) for k in range(count)}

    return compared(job, call)
