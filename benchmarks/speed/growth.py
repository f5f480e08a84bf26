"""Time of a step and memory by length: how both grow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from speed import engines
from speed.cases import Case, sample
from speed.clock import medians

LENGTHS = (10, 100, 1000, 4000, 10000)


def measure(units: tuple[int, ...], modes: tuple[str, ...], seconds: float) -> list[dict[str, Any]]:
    """Seconds of a step by length, one thread."""
    rows = []
    grid = product(("LSTM", "GRU"), units, (1, 8), (False, True), modes)
    for cell, width, batch, sequence, mode in grid:
        case = Case(cell, width, 100, batch, sequence)
        data = engines.rnnlite_file(case, mode)
        found = {}
        for steps in LENGTHS:
            longer = Case(cell, width, steps, batch, sequence)
            run = engines.litert(data, sample(longer), 1)
            found[steps] = medians({mode: run}, seconds=seconds, rounds=(3, 100))[mode] / steps
        rows.append({**asdict(case), "mode": mode, "seconds_a_step": found})
        ratio = found[10000] / found[100]
        print(f"{case.name} {mode}: T=10000 takes {ratio:.2f} of a step at T=100", flush=True)
    return rows


def memory(units: int = 256, lengths: tuple[int, ...] = (1, 1000, 10000)) -> list[dict[str, Any]]:
    """Peak resident memory of a child process that runs a file, by length."""
    rows = []
    for sequence, mode in product((False, True), ("float32", "dynamic", "int8")):
        case = Case("LSTM", units, 100, 1, sequence)
        files = {"rnnlite": engines.rnnlite_file(case, mode)}
        if mode == "float32":
            files["ONNX Runtime"] = engines.onnx_file(case)
        for name, data in files.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model")
                path.write_bytes(data)
                peaks = {
                    steps: int(
                        subprocess.run(
                            [sys.executable, "-m", "speed.growth", name, str(path), str(steps)],
                            capture_output=True,
                            text=True,
                            check=True,
                            cwd=Path(__file__).parent.parent,
                        ).stdout.split()[-1]
                    )
                    for steps in lengths
                }
            rows.append({**asdict(case), "engine": name, "mode": mode, "peak_bytes": peaks})
            print(f"{case.name} {name} {mode}: peak MB {peaks}", flush=True)
    return rows


def _child(name: str, path: str, steps: int) -> None:
    x = sample(Case("LSTM", 1, steps, 1, False))
    data = Path(path).read_bytes()
    run = engines.litert(data, x, 1) if name == "rnnlite" else engines.onnx_runtime(data, x, 1)
    run()
    # Not getrusage: a child begins with its parent's peak there.
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) * 1024)


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
