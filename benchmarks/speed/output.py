"""Results as a table in Markdown and as pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from speed.cases import Case

Row = dict[str, Any]
RATIOS = (
    ("rnnlite float32", "TensorFlow float32"),
    ("rnnlite float32", "ONNX Runtime float32"),
    ("rnnlite float32", "PyTorch"),
    ("rnnlite float32", "Keras"),
    ("rnnlite dynamic", "ONNX Runtime float32"),
    ("rnnlite dynamic", "ONNX Runtime dynamic"),
    ("rnnlite int8", "TensorFlow int8"),
    ("rnnlite int8", "rnnlite float32"),
    ("rnnlite int16x8", "rnnlite float32"),
)
GROUPS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("all", lambda r: True),
    ("batch 1", lambda r: r["batch"] == 1),
    ("batch 1, last output", lambda r: r["batch"] == 1 and not r["sequence"]),
    ("batch 1, last, H >= 128", lambda r: r["batch"] == 1 and not r["sequence"] and big(r)),
    ("H >= 128", lambda r: big(r)),
    ("batch 8 and 32", lambda r: r["batch"] > 1),
    ("sequence output", lambda r: r["sequence"]),
)


def big(row: Row) -> bool:
    """Whether a layer has 128 units or more."""
    return bool(row["units"] >= 128)


def mean_ratio(rows: Iterable[Row], ours: str, theirs: str) -> tuple[float, int]:
    """Geometric mean of the ratio of times, and over how many cases."""
    logs = [
        math.log(r["seconds"][ours] / r["seconds"][theirs])
        for r in rows
        if ours in r["seconds"] and theirs in r["seconds"]
    ]
    return (math.exp(sum(logs) / len(logs)), len(logs)) if logs else (math.nan, 0)


def case_of(row: Row) -> Case:
    """The case of a row."""
    return Case(row["cell"], row["units"], row["steps"], row["batch"], row["sequence"])


AVX2 = (
    "On a machine with AVX2 alone (Zen 3, 512 KB of L2 a core) the ratios are others: rnnlite "
    "float32 / TensorFlow float32 0.59, rnnlite float32 / ONNX Runtime float32 1.29 (LSTM of 128 "
    "units, 1,000 steps: 8.5 us a step over 6.2), rnnlite dynamic / ONNX Runtime float32 0.88, "
    "rnnlite int8 / TensorFlow int8 0.14. XNNPACK's product of one row has two accumulators there, "
    "and waits for them."
)
"""Measured once, elsewhere: what stands below is of one machine with wider vectors, as a rule."""


def markdown(results: dict[str, Any]) -> str:
    """RESULTS.md."""
    machine = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    limits = ", ".join(f"{v / 1e9:.0f} GB/s {k}" for k, v in machine["bytes_a_second"].items())
    parts = [
        "# Benchmark results",
        f"{results['date']}, {machine['processor']} ({machine['vectors']}), {machine['system']}, "
        f"Python {machine['python']}; {versions}. `make bench` repeats it. One layer, 64 inputs, "
        "random weights; medians of interleaved runs, one process for each number of threads. "
        "Ratios are times of the first over times of the second: below 1, the first is faster.",
        f"One thread of this machine reads {limits} and computes "
        f"{machine['operations_a_second'] / 1e9:.0f} GFLOP/s.",
        "## Ratios (geometric means)",
        AVX2,
        ratios(results["latency"]),
        "![ratio by units](ratio_by_units.png)",
        "## Growth with length: a step at T = 10,000 over one at T = 100, one thread",
        _growth(results["growth"]),
        "![time a step by length](step_by_length.png)",
        "## `predict`: throughput over that of the loop of resize and invoke, one thread",
        throughput(results["throughput"]),
        "## Peak memory of a process, MB, LSTM of 256 units, batch 1",
        _memory(results["memory"]),
        "## Distance from the limits: batch 1, T = 100, last output, one thread",
        _limits(results["latency"], machine),
        "## Microseconds a step",
        _times(results["latency"]),
        "## Conversion: seconds and kB, T = 100, batch 1, last output",
        _files(results["latency"]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], body: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])


def ratios(rows: list[Row]) -> str:
    """Geometric means of ratios, by threads and group."""
    body = []
    for threads in sorted({r["threads"] for r in rows}):
        for ours, theirs in RATIOS:
            cells = []
            for _, keep in GROUPS:
                chosen = [r for r in rows if r["threads"] == threads and keep(r)]
                ratio, count = mean_ratio(chosen, ours, theirs)
                cells.append(f"{ratio:.2f} ({count})" if count else "")
            body.append([str(threads), f"{ours} / {theirs}", *cells])
    return _table(["threads", "", *[name for name, _ in GROUPS]], body)


def _growth(rows: list[Row]) -> str:
    def key(r: Row) -> tuple[str, int, str]:
        return r["cell"], r["units"], r["mode"]

    columns = [(1, False), (1, True), (8, False), (8, True)]
    body = []
    for group in sorted({key(r) for r in rows}):
        line = [group[0], str(group[1]), group[2]]
        for batch, sequence in columns:
            (r,) = (
                r
                for r in rows
                if key(r) == group and (r["batch"], r["sequence"]) == (batch, sequence)
            )
            steps = {int(k): v for k, v in r["seconds_a_step"].items()}
            line.append(f"{steps[10000] / steps[100]:.2f}")
        body.append(line)
    names = [f"batch {b}, {'sequence' if s else 'last'}" for b, s in columns]
    return _table(["cell", "units", "mode", *names], body)


def throughput(rows: list[Row]) -> str:
    """Ratios of throughput."""
    head = ["units", "sequences", "mode", "threads", "ratio", "largest difference"]
    body = [
        [
            str(r["units"]),
            str(r["sequences"]),
            r["mode"],
            str(r["threads"]),
            f"{r['ratio']:.2f}",
            f"{r['largest_difference']:.1e}",
        ]
        for r in rows
    ]
    return _table(head, body)


def _memory(rows: list[Row]) -> str:
    lengths = list(rows[0]["peak_bytes"])
    body = [
        [
            f"{r['engine']} {r['mode']}",
            "sequence" if r["sequence"] else "last",
            *[f"{r['peak_bytes'][t] / 1e6:.0f}" for t in lengths],
        ]
        for r in rows
    ]
    return _table(["", "outputs", *[f"T = {t}" for t in lengths]], body)


def _limits(rows: list[Row], machine: dict[str, Any]) -> str:
    body = []
    for r in rows:
        if (r["threads"], r["batch"], r["steps"], r["sequence"]) != (1, 1, 100, False):
            continue
        case, spent = case_of(r), r["seconds"]["rnnlite float32"] / r["steps"]
        size = "from 512 KiB" if case.recurrent_bytes <= 1 << 20 else "from 4 MiB"
        least = case.recurrent_bytes / machine["bytes_a_second"][size]
        body.append(
            [
                case.cell,
                str(case.units),
                f"{1e6 * spent:.2f}",
                f"{1e6 * least:.2f}",
                f"{case.recurrent_bytes / spent / 1e9:.0f}",
                f"{case.operations / spent / 1e9:.0f}",
            ]
        )
    head = ["cell", "units", "us a step", "us to read the weights", "GB/s", "GFLOP/s"]
    return _table(head, body)


def _times(rows: list[Row]) -> str:
    names = list(dict.fromkeys(name for r in rows for name in r["seconds"]))
    body = [
        [
            case_of(r).name,
            str(r["threads"]),
            *[
                f"{1e6 * r['seconds'][n] / r['steps']:.2f}" if n in r["seconds"] else ""
                for n in names
            ],
        ]
        for r in rows
    ]
    return _table(["", "threads", *names], body)


def _files(rows: list[Row]) -> str:
    chosen = [
        r
        for r in rows
        if (r["threads"], r["batch"], r["steps"], r["sequence"]) == (1, 1, 100, False)
    ]
    names = list(dict.fromkeys(name for r in chosen for name in r["files"]))
    body = [
        [
            f"{r['cell']} {r['units']}",
            *[
                f"{r['files'][n]['seconds']:.1f} s, {r['files'][n]['bytes'] / 1e3:.0f}"
                if n in r["files"]
                else ""
                for n in names
            ],
        ]
        for r in chosen
    ]
    return _table(["", *names], body)


def pictures(results: dict[str, Any], folder: Path) -> None:
    """ratio_by_units.png and step_by_length.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [r for r in results["latency"] if r["threads"] == 1 and r["batch"] == 1]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
    for axes, sequence in zip(panels, (False, True), strict=True):
        for ours, theirs in RATIOS[:2] + RATIOS[4:7]:
            points = []
            for units in sorted({r["units"] for r in rows}):
                same = [r for r in rows if r["units"] == units and r["sequence"] == sequence]
                points.append((units, mean_ratio(same, ours, theirs)[0]))
            axes.plot(*zip(*points, strict=True), marker="o", label=f"{ours} / {theirs}")
        axes.axhline(1, color="gray", linewidth=0.5)
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="units",
            title="sequence output" if sequence else "last output",
        )
        axes.set_xticks([32, 64, 128, 256, 512, 1024], ["32", "64", "128", "256", "512", "1024"])
    panels[0].set_ylabel("ratio of times (batch 1, one thread)")
    panels[1].legend(fontsize=7)
    _save(figure, folder / "ratio_by_units.png")

    figure, axes = plt.subplots(figsize=(7, 4))
    for r in results["growth"]:
        if r["batch"] == 1 and r["cell"] == "LSTM":
            steps = {int(k): 1e6 * v for k, v in r["seconds_a_step"].items()}
            outputs = "sequence" if r["sequence"] else "last"
            axes.plot(
                list(steps),
                list(steps.values()),
                marker="o",
                linestyle="--" if r["sequence"] else "-",
                label=f"{r['units']} units, {r['mode']}, {outputs}",
            )
    axes.set(xscale="log", yscale="log", xlabel="time steps", ylabel="microseconds a step")
    axes.set_title("LSTM, batch 1, one thread")
    axes.legend(fontsize=7)
    _save(figure, folder / "step_by_length.png")


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
