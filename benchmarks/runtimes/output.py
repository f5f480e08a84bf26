"""The matrix as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from runtimes.browser import LENGTH
from runtimes.case import LENGTHS, MODES
from runtimes.micro import LENGTH as MICRO_LENGTH
from runtimes.micro import MODES as MICRO_MODES
from runtimes.trials import Trial
from runtimes.wheels import RUNTIMES

HEAD = """# Where files run

Written by `make matrix`. Every file below ran on every runtime, on one interpreter at these numbers
of time steps one after the other, with XNNPACK and without, and was compared with the result of the
newest runtime: {lengths}.

Of files with several signatures, all are called by name on one interpreter, by turns: whole
sequences of 17, 1, 64, 300 and 2 steps, and chunks of 3, 1, 20 and 7 (or single steps) in between,
whose states go in as they came out. "two functions" is a live tf.Module, an encoder and a decoder.

A file states the first release that it is right on; older ones refuse it when they load it, with
the name of an op version that they have not. `rnnlite inspect FILE` and the report of a conversion
say which release that is.

int8 with XNNPACK and without round some products and sums differently, by a step, and recurrences
carry that on: {rounding}.
"""


BROWSER = """## Browser

LiteRT.js ({name}) in headless Chromium, `sequence_length={length}`, integer models with
`io="float32"`: the largest difference from the interpreter, relative to the output's RMS. Of a file
with a stream (`streaming=1`), its signature "stream", whose states go in as they came out. One with
states of int16 is refused when it is loaded: "Element type INT16 is not supported".
"""

FREE = """LiteRT.js takes inputs of the file's own shape alone, and has no arrays of int8 and int16.
A file of free length loads, and refuses any length but the one it was written with ("TensorBuffer
ranked tensor type Float32[1, 7, 6] does not match expected ranked tensor type Float32[1, 1, 6]").
Free length needs a call there that resizes inputs, as CompiledModel has it elsewhere. To write
another length into the file's input shape is not enough: last outputs are right, a sequence's
buffer has the old size ("memory access out of bounds").

Until then, either put a Masking layer in front of the same layers, convert with `sequence_length=`
the longest, and fill shorter sequences with what is masked, as `examples/browser` does (last
outputs are those of the shorter sequence); or convert once for each length.
"""

MICRO = """## Microcontrollers

{name} on x86-64, `target="tflite-micro"`,
`sequence_length={length}`, three runs of one interpreter: the largest difference from LiteRT
without XNNPACK, relative to the output's RMS, and in steps where outputs are integers.
Empty: not converted, see below.
"""

AARCH64 = """## aarch64

{name} under qemu-user, one interpreter at 17, 1, 64, 5, 100 and 17 time steps (of files
with several signatures, as above): the largest difference from the same kernels of the newest
runtime on x86-64, relative to the output's RMS, and in steps where outputs are integers.
"""


def text(
    trials: Sequence[Trial],
    missing: Sequence[str],
    refused: Sequence[str],
    browser: Sequence[Trial],
    micro: Sequence[Trial],
    arm: Mapping[bool, Sequence[Trial]],
) -> str:
    """The whole page; `browser`, `micro`, `arm`: the trials there; `arm`'s by XNNPACK or not."""
    head = HEAD.format(lengths=", ".join(map(str, LENGTHS)), rounding=_rounding(trials))
    parts = [
        head,
        "## Runtimes\n",
        "Files that were right, of all; the others were refused at load.\n",
    ]
    parts.append(_table(["runtime", *MODES], _runtimes(trials)))
    parts += ["## Files\n", "The first release that each file runs on.\n"]
    parts.append(_table(["model", *MODES], _files(trials)))
    if browser:
        parts.append(BROWSER.format(name=browser[0].runtime.name, length=LENGTH))
        parts.append(_table(["model", *MODES], _details(browser)))
        parts.append(FREE)
    if micro:
        parts.append(MICRO.format(name=micro[0].runtime.name, length=MICRO_LENGTH))
        parts.append(_table(["model", *MICRO_MODES], _details(micro, MICRO_MODES)))
    if arm:
        parts.append(AARCH64.format(name=arm[True][0].runtime.name))
    for delegates, found in arm.items():
        kernels = "XNNPACK's kernels (NEON)" if delegates else "Kernels without XNNPACK"
        said = ", ".join(f"{mode} {_steps(found, mode)}" for mode in ("int8", "int16x8"))
        parts.append(f"{kernels}: {said}.\n")
        parts.append(_table(["model", *MODES], _details(found)))
    wrong = [t for t in (*trials, *browser, *micro, *chain(*arm.values())) if not t.as_claimed]
    parts.append("## Not as claimed\n")
    parts.append(
        "\n".join(
            f"- {t.model}, {t.mode}, {t.runtime.name}, "
            f"{'XNNPACK' if t.delegates else 'plain'}: {t.state}, {t.detail}"
            for t in wrong
        )
        or "None."
    )
    for title, lines in (("Not converted", refused), ("Runtimes not at hand", missing)):
        if lines:
            parts += [f"\n## {title}\n", *[f"- {line}" for line in lines]]
    return "\n".join(parts) + "\n"


def _rounding(trials: Sequence[Trial]) -> str:
    """How the integers of XNNPACK and of the plain kernels of the newest runtime differ."""
    steps = [
        t.steps or 0
        for t in trials
        if t.runtime == RUNTIMES[-1] and t.delegates and t.mode == "int8" and t.state == "right"
    ]
    equal, most = steps.count(0), max(steps, default=0)
    name = RUNTIMES[-1].name
    return (
        f"on {name}, {equal} of {len(steps)} int8 files below gave equal "
        f"integers\nat all lengths, the others differed by {most} steps at most"
    )


def _runtimes(trials: Sequence[Trial]) -> Iterable[list[str]]:
    for runtime in RUNTIMES:
        ours = [t for t in trials if t.runtime == runtime]
        if ours:
            yield [runtime.name, *[_share([t for t in ours if t.mode == m]) for m in MODES]]


def _share(trials: Sequence[Trial]) -> str:
    """Files right with XNNPACK and without, of all; what was worse is named."""
    models = {t.model for t in trials}
    bad = [t for t in trials if not t.as_claimed]
    right = models - {t.model for t in trials if t.state != "right"}
    share = f"{len(right)} of {len(models)}"
    return share + (f", {len({t.model for t in bad})} NOT AS CLAIMED" if bad else "")


def _files(trials: Sequence[Trial]) -> Iterable[list[str]]:
    claims = {(t.model, t.mode): t.claimed for t in trials}
    for model in dict.fromkeys(t.model for t in trials):
        yield [model, *[claims.get((model, mode), "") for mode in MODES]]


def _details(trials: Sequence[Trial], modes: Sequence[str] = MODES) -> Iterable[list[str]]:
    """What each file was: its error where it was right, else its state."""
    found = {(t.model, t.mode): _detail(t) for t in trials}
    for model in dict.fromkeys(t.model for t in trials):
        yield [model, *[found.get((model, mode), "") for mode in modes]]


def _detail(trial: Trial) -> str:
    if trial.state != "right":
        return trial.state
    return f"{trial.detail} ({trial.steps})" if trial.steps else trial.detail


def _steps(trials: Sequence[Trial], mode: str) -> str:
    """How near the integers of files that ran are."""
    steps = max((t.steps or 0 for t in trials if t.mode == mode and t.state == "right"), default=-1)
    if steps < 0:
        return "did not run"
    return f"within {steps} of the integer" if steps else "equal to the integer"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
