"""Run the benchmark: `python -m speed [--quick] [--out FOLDER]`, in the folder `benchmarks`.

Each number of threads gets a process of its own, because TensorFlow's is fixed at its start. The
full form writes results.json, RESULTS.md and two pictures; the quick one prints the ratios.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def part(threads: int, quick: bool, target: Path) -> None:
    """What one process measures."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from speed import growth, latency, machine, throughput
    from speed.cases import full, two_threads
    from speed.cases import quick as small
    from speed.engines import MODES

    found = {
        "latency": latency.measure(
            small() if quick else full() if threads == 1 else two_threads(),
            threads=threads,
            seconds=0.8 if quick else 0.5,
            modes=("float32", "dynamic", "int8") if quick else MODES,
            files=latency.Files(),
        )
    }
    if threads == 1 and not quick:
        found["machine"] = machine.facts()
        found["growth"] = growth.measure((32, 128), ("float32", "int8"), 0.3)
        found["memory"] = growth.memory()
    if threads == 1:
        found["throughput"] = throughput.measure(128, 1000 if quick else 10000)
    target.write_text(json.dumps(found))


def main() -> None:
    """Start the processes, put their results together."""
    parser = argparse.ArgumentParser(prog="speed")
    parser.add_argument("--quick", action="store_true", help="a small grid, within three minutes")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part(options.part, options.quick, options.target)
        return
    results: dict[str, list[object]] = {"latency": []}
    with tempfile.TemporaryDirectory() as folder:
        for threads in (1,) if options.quick else (1, 2):
            target = Path(folder, "part.json")
            command = [sys.executable, "-m", "speed", "--part", str(threads)]
            command += ["--target", str(target), *(["--quick"] if options.quick else [])]
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            environment["OPENBLAS_NUM_THREADS"] = str(threads)
            subprocess.run(command, check=True, env=environment)
            for name, rows in json.loads(target.read_text()).items():
                if name == "latency":
                    results["latency"] += rows
                else:
                    results[name] = rows
    from speed import output

    if options.quick:
        print(output.ratios(results["latency"]))
        print(output.throughput(results["throughput"]))
        return
    results["date"] = datetime.date.today().isoformat()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.out / "RESULTS.md").write_text(output.markdown(results))
    output.pictures(results, options.out)


if __name__ == "__main__":
    main()
