"""Run files on a runtime, and compare what happened with what the files claim."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rnnlite
from rnnlite.lite.releases import RELEASES, release
from runtimes.wheels import Runtime, python_with

RUNNER = Path(__file__).parent / "runner.py"


@dataclass(frozen=True)
class Trial:
    """What became of one file on one runtime.

    Attributes:
        model, mode: of the file.
        runtime: on which it ran.
        delegates: whether XNNPACK was on.
        claimed: the least release that the file states.
        state, detail, steps: see `runner`.
    """

    model: str
    mode: str
    runtime: Runtime
    delegates: bool
    claimed: str
    state: str
    detail: str
    steps: int | None = None

    @property
    def as_claimed(self) -> bool:
        """Right where the file says that it runs, refused at load anywhere else."""
        ours = RELEASES.index(release(self.runtime.release))
        runs = ours >= RELEASES.index(release(self.claimed))
        return self.state == ("right" if runs else "refused at load")


def try_files(
    jobs: Sequence[Mapping[str, Any]],
    runtime: Runtime,
    *,
    delegates: bool,
    start: Callable[[Runtime], tuple[list[str], dict[str, str]]] = python_with,
) -> list[Trial]:
    """Run files, as `models.make` describes them, on a runtime; `start` says how Python starts.

    Raises:
        Missing: the runtime cannot be had here.
    """
    command, environment = start(runtime)
    with tempfile.TemporaryDirectory() as folder:
        todo, done = (Path(folder) / name for name in ("jobs.json", "results.json"))
        todo.write_text(json.dumps([{**job, "delegates": delegates} for job in jobs]))
        subprocess.run(
            [*command, str(RUNNER), str(todo), str(done)],
            env=environment,
            check=True,
            capture_output=True,
            timeout=1800,
        )
        results = json.loads(done.read_text())
    return [
        Trial(
            job["name"],
            job["mode"],
            runtime,
            delegates,
            rnnlite.inspect(job["model"]).min_runtime,
            result["state"],
            result["detail"],
            result.get("steps"),
        )
        for job, result in zip(jobs, results, strict=True)
    ]
