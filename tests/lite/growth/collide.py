"""Run LiteRT files at random lengths with every collision that may happen made to happen.

Started with `collide.c` preloaded: `LD_PRELOAD=collide.so python collide.py FILE...`. Prints a line
of JSON for each file: how many runs, how many copies were exposed, how many runs were wrong.
"""

import argparse
import bisect
import ctypes
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

LENGTHS = (2, 3, 5, 9, 17, 30, 70, 150)
RUNS = 6


def install(force):
    """Let XNNPACK set up its copies by the functions of `collide.c`; gives the library."""
    probe = ctypes.CDLL(None)
    probe.collide_again.restype = probe.collide_exposed.restype = ctypes.c_long
    probe.collide_set.argtypes = [*[ctypes.c_size_t] * 4, ctypes.c_int]
    path, base = "", 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        if "libpywrap_litert_common.so" in line and not path:
            path, base = fields[5], int(fields[0].split("-")[0], 16) - int(fields[2], 16)
    table = subprocess.run(["nm", "-n", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    where = {row[2]: int(row[0], 16) for row in rows if len(row) == 3}
    starts = sorted(where.values())

    def span(name):
        start = where[name]
        return base + start, base + starts[bisect.bisect_right(starts, start)]

    probe.collide_set(*span("xnn_plan_memory"), *span("setup_runtime"), int(force))
    for width in ("x8", "x16", "x32"):
        place = base + where[f"xnn_setup_copy_nc_{width}"]
        target = ctypes.cast(getattr(probe, f"setup_{width}"), ctypes.c_void_p).value
        if probe.mprotect(ctypes.c_void_p(place & ~0xFFF), 8192, 7) != 0:
            sys.exit("the code cannot be made writable")
        # mov rax, target; jmp rax
        ctypes.memmove(place, b"\x48\xb8" + target.to_bytes(8, "little") + b"\xff\xe0", 12)
    return probe


def run(interpreter, arrays):
    """Run at the lengths of the arrays."""
    details = interpreter.get_input_details()
    for detail, array in zip(details, arrays, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(details, arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def sample(interpreter, length, rng):
    """Random inputs: free axes take the length, a free first axis of several is a batch of 3."""
    arrays = []
    for detail in interpreter.get_input_details():
        shape = [int(d) for d in detail["shape_signature"]]
        if shape.count(-1) > 1:
            shape[0] = 3
        shape = [length if d < 0 else d for d in shape]
        if detail["dtype"] == np.float32:
            arrays.append(rng.standard_normal(shape).astype(np.float32))
        else:
            arrays.append(rng.integers(1, 20, shape).astype(detail["dtype"]))
    return arrays


def examine(probe, data, interpreters, rng):
    """What happens to one file."""
    new = lambda: Interpreter(model_content=data, num_threads=1)  # noqa: E731
    inputs = {t: sample(new(), t, rng) for t in LENGTHS}
    expected = {t: run(new(), x) for t, x in inputs.items()}
    probe.collide_clear()
    probe.collide_on(1)
    runs = wrong = growths = 0
    for _ in range(interpreters):
        interpreter, largest = new(), 0
        for t in map(int, rng.permutation(LENGTHS)[:RUNS]):
            found = run(interpreter, inputs[t])
            runs += 1
            growths += 0 < largest < t
            largest = max(largest, t)
            wrong += not all(
                np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-4, atol=1e-5)
                for a, b in zip(found, expected[t], strict=True)
            )
        del interpreter
    probe.collide_on(0)
    return {
        "runs": runs,
        "growths": growths,
        "again": probe.collide_again(),
        "exposed": probe.collide_exposed(),
        "wrong": wrong,
    }


def main():
    """Examine the files that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--interpreters", type=int, default=4)
    options = parser.parse_args()
    probe = install(force=True)
    for file in options.files:
        rng = np.random.default_rng(0)
        found = examine(probe, Path(file).read_bytes(), options.interpreters, rng)
        print(json.dumps({"file": file, **found}), flush=True)


if __name__ == "__main__":
    main()
