"""Which ops LiteRT for Microcontrollers has, in which types: asked of it, by running.

`python -m runtimes.micro_kernels`, in the folder `benchmarks`, runs the models of one op of
`kernels` on the package `tflite-micro`, compares, and prints what `rnnlite.target.MICRO` says
otherwise. It ends with 1 if there is any. With `--table` it prints the table itself.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from rnnlite.target import MICRO
from runtimes.kernels import TOLERANCE, Probe, job, probes
from runtimes.runner import difference

ARENA = 1 << 20


def state(one: dict[str, Any]) -> str:
    """What becomes of a model there, in a process of its own: "right", "refused" or "wrong"."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)
        os._exit(_run(one))
    status = os.waitpid(child, 0)[1]
    return {0: "right", 1 << 8: "refused", 2 << 8: "wrong"}.get(status, "crash")


def _run(one: dict[str, Any]) -> int:
    from tflite_micro.python.tflite_micro import runtime

    samples = np.load(one["samples"])
    names = [name.split("/")[2] for name in samples.files if name.startswith("in/0/")]
    try:
        data = Path(one["model"]).read_bytes()
        interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA)
        for k in range(2):
            for number, name in enumerate(names):
                interpreter.set_input(samples[f"in/{k}/{name}"], number)
            interpreter.invoke()
            count = len([n for n in samples.files if n.startswith(f"out/{k}/")])
            for number in range(count):
                error = difference(interpreter.get_output(number), samples[f"out/{k}/{number}"])
                if not error <= TOLERANCE:
                    return 2
    except Exception:  # noqa: BLE001 - whatever it is, the model does not run
        return 1
    return 0


def asked() -> dict[tuple[str, str], dict[str, str]]:
    """By op and type: what became of each form."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as name:
        for number, probe in enumerate(probes()):
            one = job(probe, Path(name), number)
            if not isinstance(one, str):
                found.setdefault(key(probe), {})[probe.name] = state(one)
    return found


def key(probe: Probe) -> tuple[str, str]:
    """The op, and the type that a kernel looks at."""
    return probe.form.op, probe.type


def main() -> None:
    """Compare, or print the table."""
    found = asked()
    for (op, type_), states in sorted(found.items()):
        odd = {name: s for name, s in states.items() if s != "right"}
        if "--table" in sys.argv:
            print(f"{op} {type_}: {odd or 'right'}")
    missed = [
        f"{op} {type_}: {'right' if fine else states}"
        for (op, type_), states in found.items()
        if (fine := set(states.values()) == {"right"}) != MICRO.runs(op, type_)
    ]
    print("\n".join(missed))
    sys.exit(1 if missed and "--table" not in sys.argv else 0)


if __name__ == "__main__":
    main()
