"""The costs of loops on this machine that `rnnlite.target.Costs` states.

Fits, for an LSTM of 64 units and batch 1, with files of different schedules:

- the cost of an iteration, from the time of a step at 1, 2 and 4 steps an iteration;
- the cost of preparing a loop, from chunks of 16 and 32 rows of a long sequence, which prepare
  once a chunk;
- the bytes copied in a microsecond, from one level of chunks at two lengths;
- the best number of steps an iteration by units, in float32 and with int8 weights.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from speed import engines
from speed.cases import Case, sample
from speed.clock import medians

SECONDS = 2.0


def steps_in_microseconds(case, schedules, mode="float32"):
    """Microseconds a step by schedule, measured in turn."""
    x = sample(case)
    runs = {
        str(schedule): engines.litert(engines.rnnlite_file(case, mode, schedule=schedule), x, 1)
        for schedule in schedules
    }
    return [1e6 * t / case.steps for t in medians(runs, seconds=SECONDS).values()]


def unrolled(k, **more):
    """A schedule of k steps an iteration."""
    return {"unroll": k, "max_unroll": k, **more}


def main():
    """Print each cost."""
    last = Case("LSTM", 64, 1000, 1, False)
    one, two, four = steps_in_microseconds(last, [unrolled(k) for k in (1, 2, 4)])
    print(f"us a step at K = 1, 2, 4: {one:.2f}, {two:.2f}, {four:.2f}")
    print(f"an iteration: {2 * (one - two):.2f} us")
    sequence = Case("LSTM", 64, 2000, 1, True)
    for k in (1, 4):
        small, large = steps_in_microseconds(
            sequence, [unrolled(k, chunk=chunk) for chunk in (16, 32)]
        )
        # Copies within a chunk of 16 rows of 256 bytes are small beside it.
        print(f"preparing a loop of {k} steps: {32 * (small - large):.0f} us")
    times = [
        steps_in_microseconds(Case("LSTM", 64, t, 1, True), [unrolled(1, depth=1)])[0]
        for t in (1000, 2000)
    ]
    print(f"copied in a microsecond: {2 * 1000 * 64 * 4 / (times[1] - times[0]):.0f} bytes")
    for mode in ("float32", "dynamic"):
        for units in (32, 64, 128, 256, 512):
            case = Case("LSTM", units, 200, 1, False)
            found = steps_in_microseconds(case, [unrolled(k) for k in (1, 2, 4, 8)], mode)
            shown = ", ".join(f"{t:.2f}" for t in found)
            print(f"{mode}, {units} units, us a step at K = 1, 2, 4, 8: {shown}", flush=True)


if __name__ == "__main__":
    main()
