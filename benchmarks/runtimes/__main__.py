"""Run the matrix and write docs/RUNTIMES.md: `python -m runtimes`, in the folder `benchmarks`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from rnnlite.errors import RnnliteError
from runtimes.models import CASES, make
from runtimes.output import text
from runtimes.trials import Trial, try_files
from runtimes.wheels import RUNTIMES, Missing

TARGET = Path(__file__).parent.parent.parent / "docs" / "RUNTIMES.md"


def main() -> None:
    """Convert, run, write; ends with 1 where a file did not do as it claims."""
    trials: list[Trial] = []
    missing: list[str] = []
    refused: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        jobs = []
        for case in CASES:
            for mode in case.modes:
                print(f"converting {case.name}, {mode}", flush=True)
                try:
                    jobs.append(make(case, mode, Path(name)))
                except RnnliteError as e:
                    refused.append(f"{case.name}, {mode}: {e}")
        for runtime in RUNTIMES:
            for delegates in (True, False):
                print(f"{runtime.name}, {'XNNPACK' if delegates else 'plain'}", flush=True)
                try:
                    trials += try_files(jobs, runtime, delegates=delegates)
                except Missing as e:
                    missing.append(str(e))
                    break
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(trials, missing, refused))
    wrong = [t for t in trials if not t.as_claimed]
    for trial in wrong:
        print(f"{trial.model}, {trial.mode} on {trial.runtime.name}: {trial.state} {trial.detail}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
