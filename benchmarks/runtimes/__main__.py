"""Run the matrix and write docs/RUNTIMES.md: `python -m runtimes`, in the folder `benchmarks`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from rnnlite.errors import RnnliteError
from runtimes import aarch64, micro
from runtimes.browser import fixable, fixed, litert_js, try_in_browser
from runtimes.models import CASES, Case, expected, make
from runtimes.output import text
from runtimes.trials import Trial, try_files
from runtimes.wheels import RUNTIMES, Missing

TARGET = Path(__file__).parent.parent.parent / "docs" / "RUNTIMES.md"


def convert(cases: Iterable[Case], folder: Path, refused: list[str]) -> list[dict[str, Any]]:
    """The jobs of cases in their modes; adds a line to `refused` where one is not converted."""
    jobs = []
    for case in cases:
        for mode in case.modes:
            print(f"converting {case.name}, {mode}", flush=True)
            try:
                jobs.append(make(case, mode, folder))
            except RnnliteError as e:
                made = (
                    f", target {target}" if (target := (case.options or {}).get("target")) else ""
                )
                refused.append(f"{case.name}, {mode}{made}: {e}")
    return jobs


def in_browser(missing: list[str], refused: list[str]) -> list[Trial]:
    """The trials on LiteRT.js; none, and a line in `missing`, where it cannot be had."""
    try:
        print(litert_js().name, flush=True)
    except Missing as e:
        missing.append(str(e))
        return []
    with tempfile.TemporaryDirectory() as name:
        chosen = [replace(fixed(c, mode), modes=(mode,)) for c in fixable() for mode in c.modes]
        return try_in_browser(convert(chosen, Path(name), refused))


def on_micro(missing: list[str], refused: list[str]) -> list[Trial]:
    """The trials on LiteRT for Microcontrollers; none, and a line in `missing`, where it is not."""
    try:
        print(micro.runtime().name, flush=True)
    except Missing as e:
        missing.append(str(e))
        return []
    with tempfile.TemporaryDirectory() as name:
        return micro.try_on_micro(convert(micro.fixed(), Path(name), refused))


def on_aarch64(missing: list[str], refused: list[str]) -> dict[bool, list[Trial]]:
    """The trials under qemu, by whether XNNPACK runs there and here; none where there is none."""
    try:
        aarch64.python_with(aarch64.RUNTIME)
    except Missing as e:
        missing.append(str(e))
        return {}
    found = {}
    cases = {case.name: case for case in aarch64.cases()}
    with tempfile.TemporaryDirectory() as name:
        jobs = convert(cases.values(), Path(name), refused)
        for delegates in (True, False):
            for job in jobs:
                data, rng = Path(job["model"]).read_bytes(), np.random.default_rng(3)
                arrays = expected(cases[job["name"]], data, rng, delegates=delegates)
                np.savez(job["samples"], **arrays)
            print(f"{aarch64.RUNTIME.name} on aarch64", flush=True)
            found[delegates] = try_files(
                jobs, aarch64.RUNTIME, delegates=delegates, start=aarch64.python_with
            )
    return found


def main() -> None:
    """Convert, run, write; ends with 1 where a file did not do as it claims."""
    trials: list[Trial] = []
    missing: list[str] = []
    refused: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        jobs = convert(CASES, Path(name), refused)
        for runtime in RUNTIMES:
            for delegates in (True, False):
                print(f"{runtime.name}, {'XNNPACK' if delegates else 'plain'}", flush=True)
                try:
                    trials += try_files(jobs, runtime, delegates=delegates)
                except Missing as e:
                    missing.append(str(e))
                    break
    seen = in_browser(missing, refused)
    small = on_micro(missing, refused)
    arm = on_aarch64(missing, refused)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(trials, missing, refused, seen, small, arm))
    wrong = [t for t in (*trials, *seen, *small, *chain(*arm.values())) if not t.as_claimed]
    for trial in wrong:
        print(f"{trial.model}, {trial.mode} on {trial.runtime.name}: {trial.state} {trial.detail}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
