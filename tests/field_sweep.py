"""Many random models of `field_models`, each with a time limit, in processes that may die.

    python tests/field_sweep.py --mode int8 --seeds 100:140 --out results.jsonl

Prints a line for each model that fails, and at the end how many were right, wrong, refused, ended
their process, or could not be run by Keras itself (these are replaced by others).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, str(Path(__file__).parent))


def run_one(draw: dict[str, Any], mode: str, package: str) -> dict[str, Any]:
    """Build, convert and compare one draw; says what came of it."""
    import warnings

    import keras
    import tf_keras

    import field_check
    import field_models
    import rnnlite

    warnings.simplefilter("ignore")
    K = {"keras": keras, "tf_keras": tf_keras}[package]
    started = time.perf_counter()
    batch = None if draw["free_batch"] else "auto"
    result: dict[str, Any] = {}
    try:
        try:
            model = field_models.build(K, draw)
        except Exception as e:
            raise field_check.ImpossibleError(f"{type(e).__name__}: {e}"[:300]) from e
        lengths = field_check.lengths_of(model)
        result["lengths"] = lengths
        if mode == "float32":
            field_check.check_float(model, lengths, batch)
        else:
            result["error"] = field_check.check_quantized(model, lengths, batch, mode)
        kind, what = "right", ""
    except field_check.ImpossibleError as e:
        kind, what = "impossible", str(e)
    except rnnlite.RnnliteError as e:
        kind, what = "refused", f"{type(e).__name__}: {e}"
    except AssertionError as e:
        kind, what = "wrong", " ".join(str(e).split())
    except Exception as e:
        kind, what = "error", f"{type(e).__name__}: {e}"
    keras.backend.clear_session()
    seconds = time.perf_counter() - started
    return {**result, "kind": kind, "what": what[:600], "seconds": round(seconds, 1)}


def work(mode: str, seeds: list[int], package: str | None) -> None:
    """Run the draws of the seeds, writing a line before and after each."""
    import field_models

    for place in seeds:
        draw = field_models.seeded(place)
        name = package or ["keras", "tf_keras"][draw["seed"] % 3 == 0]
        print(json.dumps({"start": place}), flush=True)
        result = run_one(draw, mode, name)
        print(json.dumps({"place": place, "package": name, **result, "draw": draw}), flush=True)


def main() -> None:
    """Watch workers; start another where one ends or takes too long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="float32")
    parser.add_argument("--seeds", default="0:20", help="first:last+1, or a,b,c")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for one model")
    parser.add_argument("--package", choices=["keras", "tf_keras"])
    parser.add_argument("--out", default="")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.mode, listed(args.seeds), args.package)
        return
    results = watch(args)
    counts = Counter(r["kind"] for r in results)
    print(f"{args.mode} {args.seeds}: {dict(counts)}")


def listed(text: str) -> list[int]:
    """The seeds that a text names."""
    if ":" in text:
        first, last = text.split(":")
        return list(range(int(first), int(last)))
    return [int(part) for part in text.split(",")]


def watch(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The results of all draws; a process that ends or stalls counts as `died`."""
    import select

    results: list[dict[str, Any]] = []
    left = listed(args.seeds)
    while left:
        seeds = ",".join(map(str, left))
        command = [sys.executable, __file__, *sys.argv[1:], "--seeds", seeds, "--worker"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
            assert worker.stdout is not None
            os.set_blocking(worker.stdout.fileno(), False)
            current, heard, rest = left[0], time.monotonic(), b""
            while True:
                ready, _, _ = select.select([worker.stdout], [], [], 5.0)
                chunk = worker.stdout.read() if ready else None
                if chunk == b"" or time.monotonic() - heard > args.limit:
                    worker.kill()
                    break
                if not chunk:
                    continue
                heard = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    content = json.loads(line) if line.startswith(b"{") else {}
                    current = content.get("start", current)
                    if "place" in content:
                        results.append(content)
                        _keep(args.out, content)
                        left.remove(content["place"])
                        if content["kind"] != "right":
                            print(f"{content['place']} {content['kind']}: {content['what']}")
                            sys.stdout.flush()
        if left:
            what = f"exit status {worker.returncode}"
            results.append({"place": current, "kind": "died", "what": what})
            _keep(args.out, results[-1])
            print(f"{current} died: {what}", flush=True)
            left.remove(current)
    return results


def _keep(path: str, result: dict[str, Any]) -> None:
    """One line more in the file of results."""
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
