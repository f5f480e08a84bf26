"""Run LiteRT files at random lengths with every collision that may happen made to happen.

Started with `collide.c` preloaded: `LD_PRELOAD=collide.so python collide.py FILE...`. Prints a line
of JSON for each file: how many runs, how many copies were exposed, how many runs were wrong. Of a
file with several signatures, one interpreter runs all by turns; `--natural` forces nothing, and
counts what is wrong by chance.
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


def run(interpreter, signature, arrays):
    """Run at the lengths of the arrays, by name; the only signature as interpreters did before."""
    if signature is not None:
        found = interpreter.get_signature_runner(signature)(**arrays)
        return [found[name] for name in sorted(found)]
    details = interpreter.get_input_details()
    for detail in details:
        array = arrays[detail["name"]]
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail in details:
        interpreter.set_tensor(detail["index"], arrays[detail["name"]])
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def sample(interpreter, signature, length, initial, rng):
    """Random inputs: free axes take the length, or a batch of 3 where some input has two.

    States of a stream are near what they begin at.
    """
    if signature is None:
        details = {d["name"]: d for d in interpreter.get_input_details()}
    else:
        details = interpreter.get_signature_runner(signature).get_input_details()
    batch = any(list(d["shape_signature"]).count(-1) > 1 for d in details.values())
    arrays = {}
    for name, detail in details.items():
        shape = [int(d) for d in detail["shape_signature"]]
        if batch:
            shape[:1] = [3 if d < 0 else d for d in shape[:1]]
        shape = [length if d < 0 else d for d in shape]
        if name in initial:
            noise = 0.3 * rng.standard_normal(shape) if detail["dtype"] == np.float32 else 0
            arrays[name] = (initial[name] + noise).astype(detail["dtype"])
        elif detail["dtype"] == np.float32:
            arrays[name] = rng.standard_normal(shape).astype(np.float32)
        else:
            arrays[name] = rng.integers(1, 20, shape).astype(detail["dtype"])
    return arrays


def beginning(data):
    """The states that a stream of the file begins with; none where it has no stream."""
    import rnnlite

    with rnnlite.load(data) as model:
        return model.stream().state if "stream" in model.signatures else {}


def examine(probe, data, interpreters, rng):
    """What happens to one file."""
    new = lambda: Interpreter(model_content=data, num_threads=1)  # noqa: E731
    signatures = list(new().get_signature_list())
    initial = beginning(data) if "stream" in signatures else {}
    keys = signatures if len(signatures) > 1 else [None]
    inputs = {(s, t): sample(new(), s, t, initial, rng) for s in keys for t in LENGTHS}
    expected = {(s, t): run(new(), s, x) for (s, t), x in inputs.items()}
    probe.collide_clear()
    probe.collide_on(1)
    runs = wrong = growths = 0
    for _ in range(interpreters):
        interpreter, largest = new(), dict.fromkeys(keys, 0)
        for t in map(int, rng.permutation(LENGTHS)[:RUNS]):
            for s in keys:
                found = run(interpreter, s, inputs[s, t])
                runs += 1
                growths += 0 < largest[s] < t
                largest[s] = max(largest[s], t)
                wrong += not all(
                    np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-4, atol=1e-5)
                    for a, b in zip(found, expected[s, t], strict=True)
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
    parser.add_argument("--natural", action="store_true")
    options = parser.parse_args()
    probe = install(force=not options.natural)
    for file in options.files:
        rng = np.random.default_rng(0)
        found = examine(probe, Path(file).read_bytes(), options.interpreters, rng)
        print(json.dumps({"file": file, **found}), flush=True)


if __name__ == "__main__":
    main()
