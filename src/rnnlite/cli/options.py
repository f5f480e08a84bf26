"""Arguments and options of the commands, as typer takes them, and how their texts are read.

What enters: texts. What leaves: the values that the commands work on, or wrong usage (exit status
2).

An option of one command alone may be in its signature (`main`, `files`). Front ends declare the
options of sources (`sources`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from rnnlite.quantization.config import MODES
from rnnlite.target import TARGETS

ModelFile = Annotated[Path, typer.Argument(help="A LiteRT file (.tflite).", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads an op may use.")]
ModelOut = Annotated[
    Path, typer.Option("-o", "--out", help="The LiteRT file to write.", show_default=False)
]
BatchSize = Annotated[
    str,
    typer.Option(
        "--batch-size",
        help="A number, 'any', or 'auto': 1 where the model leaves it free.",
    ),
]
SequenceLength = Annotated[
    str,
    typer.Option(
        "--sequence-length",
        help="A number, 'any', or 'auto': any length wherever the layers allow.",
    ),
]
Quantize = Annotated[
    str | None,
    typer.Option("--quantize", help="float16, dynamic, int8 or int16x8.", show_default="float32"),
]
Calibration = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration",
        metavar="[SIGNATURE=]PATH",
        help="Typical samples (.npz, .npy, .parquet, a folder), needed for int8 and int16x8; of "
        "several signatures once for each.",
        show_default=False,
    ),
]
IoType = Annotated[
    str | None,
    typer.Option(
        "--io",
        help="Type of float inputs and outputs of an integer model: int8, int16 or float32.",
        show_default="int8 for int8, int16 for int16x8",
    ),
]
AllowFloat = Annotated[
    bool,
    typer.Option(
        "--allow-float", help="Keep ops without integer kernel in float, and report them."
    ),
]
MaxError = Annotated[
    float | None,
    typer.Option(
        "--max-error",
        help="The largest RMS error of a quantized result, relative to the RMS of each output; "
        "above it the conversion is refused.",
        show_default="float16 0.01, dynamic and int16x8 0.1, int8 0.25",
    ),
]
Streaming = Annotated[
    str | None,
    typer.Option(
        "--streaming",
        metavar="[N|any]",
        help="Add a signature for chunks: of N steps each, all shapes static, or of any length.",
        show_default=False,
    ),
]
Exits = Annotated[
    bool,
    typer.Option(
        "--exits",
        help="Add a signature for each output, cheapest first: each computes what the ones before "
        "have not.",
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="How loops are laid out, as unroll=4,variables=0,chunk=64,depth=3,"
        "l2_bytes=1048576; any of these. l2_bytes is the target's L2 cache a core.",
        show_default="by a cost model",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Show each step on standard error, with its time."),
]
NoVerify = Annotated[
    bool, typer.Option("--no-verify", help="Do not compare the result with its source.")
]
Data = Annotated[
    list[str],
    typer.Argument(
        help="Samples: .npz (arr_0, arr_1, ... or NAME/0, NAME/1, ... or an array of rows), .npy "
        "or Parquet files, folders, or globs in quotes.",
        show_default=False,
    ),
]
ResultsOut = Annotated[
    Path, typer.Option("-o", "--out", help="The .npz or .parquet to write.", show_default=False)
]
ColumnOf = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="INPUT=COLUMN",
        help="The data's name for an input, where it is another; may be repeated.",
        show_default=False,
    ),
]
LabelsIn = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="A column of the data, or a file with a label a row (.npy, .npz, .parquet, or lines).",
        show_default=False,
    ),
]
Against = Annotated[
    Path | None,
    typer.Option("--against", help="Another LiteRT file to compare with.", show_default=False),
]
OutputOf = Annotated[
    str | None,
    typer.Option("--output", help="The output to look at.", show_default="the only one"),
]
Task = Annotated[
    str,
    typer.Option(
        "--task",
        help="classification, regression, or auto: whole numbers and texts are classes.",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option("--classes", help="Names of the classes, with commas.", show_default=False),
]
TopK = Annotated[int, typer.Option("--top-k", min=1, help="Right too if among the best K.")]
Worst = Annotated[int, typer.Option("--worst", min=0, help="How many worst rows to name.")]
WorstOut = Annotated[
    Path | None,
    typer.Option("--save-worst", help="An .npz for the worst samples.", show_default=False),
]
RowsOut = Annotated[
    Path | None,
    typer.Option("--table", help="A row a sample: .csv or .parquet.", show_default=False),
]
EngineOf = Annotated[
    str, typer.Option("--engine", help="local, or ray: several processes, or a cluster.")
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="Of a Ray cluster.", show_default="Ray on this machine"),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Of Ray.", show_default="one for each CPU"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with what an interrupted run has left.")
]
RunTogether = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, help="Samples of one length to run together at most."),
]
TargetName = Annotated[
    str,
    typer.Option("--target", help="What the file is made for: " + ", ".join(TARGETS) + "."),
]
SignatureToRun = Annotated[
    str | None,
    typer.Option("--signature", help="The one to run.", show_default="the file's first"),
]
MaxBatchBytes = Annotated[
    int | None,
    typer.Option(
        "--max-batch-bytes",
        min=1,
        help="Memory that the samples running together may take, about.",
        show_default="256 MiB",
    ),
]
PageOut = Annotated[
    Path | None,
    typer.Option("--report", help="A page to write with all of it (.html).", show_default=False),
]
Early = Annotated[
    float | None,
    typer.Option(
        "--early",
        metavar="THRESHOLD",
        help="Run the file's exits: a sample leaves by the first whose largest probability is as "
        "large. Writes 'output', 'exit' (its number) and 'score'.",
        show_default=False,
    ),
]
Raw = Annotated[
    bool, typer.Option("--raw", help="Write the integers of quantized outputs as they are.")
]


class ValueOptional(TyperCommand):
    """A command whose `--streaming` may have no value, which means "any"."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See the base class."""
        found: list[str] = super().parse_args(ctx, with_any("--streaming", args))
        return found


def with_any(option: str, args: Sequence[str]) -> list[str]:
    """The arguments, with "any" inserted after `option` if it has no value."""
    found: list[str] = []
    for k, arg in enumerate(args):
        found.append(arg)
        behind = args[k + 1] if k + 1 < len(args) else ""
        if arg == option and behind != "any" and not behind.lstrip("-").isdecimal():
            found.append("any")
    return found


def require_mode(value: str | None) -> None:
    """Refuse what is no mode of quantization.

    Raises:
        BadParameter: it names the modes.
    """
    if value is not None and value not in MODES:
        raise typer.BadParameter(f"expected one of {', '.join(MODES)}; got '{value}'")


def steps(value: str | None) -> bool | int:
    """The `streaming` of `convert`: True for "any", a number of 1 or more, False for None.

    Raises:
        BadParameter: it is none.
    """
    if value is None:
        return False
    if value == "any":
        return True
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise typer.BadParameter(f"expected any, or a number of steps of 1 or more; got '{value}'")


def size(value: str) -> int | str | None:
    """A size as `convert` takes it: "auto", None for "any", or a number of 1 or more.

    Raises:
        BadParameter: it is none.
    """
    if value == "auto":
        return value
    if value == "any":
        return None
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise typer.BadParameter(f"expected auto, any, or a number of 1 or more; got '{value}'")


def pairs(values: Sequence[str] | None) -> dict[str, str]:
    """Texts NAME=VALUE as a dict.

    Raises:
        BadParameter: a text lacks a name or a value.
    """
    for value in values or ():
        if not all(value.partition("=")):
            raise typer.BadParameter(f"expected NAME=VALUE; got '{value}'")
    return {v.partition("=")[0]: v.partition("=")[2] for v in values or ()}


def calibration_data(values: Sequence[str] | None) -> Path | dict[str, Path] | None:
    """The data of `--calibration`: one path, or SIGNATURE=PATH for each signature."""
    given = list(values or ())
    if not given:
        return None
    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).exists()):
        return Path(given[0])
    return {name: Path(path) for name, path in pairs(given).items()}


def numbers(value: str) -> list[int]:
    """A text of numbers of 1 or more, separated by commas, as a list.

    Raises:
        BadParameter: a part is no such number.
    """
    parts = value.split(",")
    if not all(p.strip().isdecimal() and int(p) > 0 for p in parts):
        raise typer.BadParameter(f"expected numbers of 1 or more with commas; got '{value}'")
    return [int(p) for p in parts]
