"""The command line: convert, predict, inspect, verify, freeze, bench.

Exit status 0 on success, 1 on a refusal (one message on standard error), 2 on wrong usage.
TensorFlow is imported only by the commands that need it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnlite import __version__
from rnnlite.console import (
    console,
    load_objects,
    native_messages,
    quiet_import,
    refusals,
    shape_of,
    show,
    status,
)
from rnnlite.errors import OutputError
from rnnlite.options import (
    Architecture,
    CustomObjects,
    Inputs,
    Json,
    ModelFile,
    Outputs,
    Signature,
    Source,
    Tags,
    Threads,
    Trust,
)
from rnnlite.quantization.modes import MODES

app = typer.Typer(
    name="rnnlite",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn trained recurrent models (LSTM, GRU, bidirectional, any cell) into LiteRT "
    "models that take sequences of every length, check them against their source, and run them.",
)


def _size(value: str) -> int | str | None:
    """ "auto", "any" or a number of 1 or more, as `convert` takes it."""
    if value == "auto":
        return value
    if value == "any":
        return None
    if value.isdigit() and int(value) > 0:
        return int(value)
    raise typer.BadParameter(f"expected auto, any, or a number of 1 or more; got '{value}'")


def _lengths(value: str) -> list[int]:
    parts = value.split(",")
    if not all(p.strip().isdigit() and int(p) > 0 for p in parts):
        raise typer.BadParameter(f"expected numbers of 1 or more with commas; got '{value}'")
    return [int(p) for p in parts]


def _names(value: str | None) -> list[str] | None:
    """Names with commas as a list."""
    if value is None:
        return None
    names = [part.strip() for part in value.split(",") if part.strip()]
    if not names:
        raise typer.BadParameter(f"expected names with commas; got '{value}'")
    return names


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"rnnlite {__version__}")
        raise typer.Exit


@app.command()
def convert(
    source: Source,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The LiteRT file to write.", show_default=False)
    ],
    batch_size: Annotated[
        str,
        typer.Option(
            "--batch-size",
            help="A number, 'any', or 'auto': 1 where the model leaves it free.",
        ),
    ] = "auto",
    sequence_length: Annotated[
        str,
        typer.Option(
            "--sequence-length",
            help="A number, 'any', or 'auto': any length wherever the layers allow.",
        ),
    ] = "auto",
    quantize: Annotated[
        str | None,
        typer.Option(
            "--quantize", help="float16, dynamic, int8 or int16x8.", show_default="float32"
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            help="An .npz of typical samples, needed for int8 and int16x8.",
            show_default=False,
        ),
    ] = None,
    io: Annotated[
        str | None,
        typer.Option(
            "--io",
            help="Type of float inputs and outputs of an integer model: int8, int16 or float32.",
            show_default="int8 for int8, int16 for int16x8",
        ),
    ] = None,
    allow_float: Annotated[
        bool,
        typer.Option(
            "--allow-float", help="Keep ops without integer kernel in float, and report them."
        ),
    ] = False,
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule",
            help="How loops are laid out, as unroll=4,block=64,levels=3,l2_bytes=1048576; any of "
            "these. l2_bytes is the target's L2 cache a core.",
            show_default="by a cost model",
        ),
    ] = None,
    inputs: Inputs = None,
    outputs: Outputs = None,
    signature: Signature = None,
    tags: Tags = None,
    architecture: Architecture = None,
    custom_objects: CustomObjects = None,
    trust: Trust = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not compare the result with its source.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Convert a trained model to LiteRT and check the result against it.

    Example: rnnlite convert speaker.keras -o speaker.tflite

    Example: rnnlite convert speaker.keras -o small.tflite --quantize int8 --calibration some.npz
    """
    if quantize is not None and quantize not in MODES:
        raise typer.BadParameter(f"expected one of {', '.join(MODES)}; got '{quantize}'")
    batch, length = _size(batch_size), _size(sequence_length)
    with refusals():
        if not out.resolve().parent.is_dir():
            raise OutputError(f"cannot write '{out}': there is no folder '{out.parent}'")
        objects = load_objects(custom_objects)
        rnnlite = quiet_import()
        # Calibration shows a progress bar of its own.
        with status("converting", spinner=calibration is None):
            converted = rnnlite.convert(
                source,
                batch_size=batch,
                sequence_length=length,
                quantize=quantize,
                calibration=calibration,
                io=io,
                allow_float=allow_float,
                schedule=schedule,
                progress=sys.stderr.isatty(),
                inputs=_names(inputs),
                outputs=_names(outputs),
                signature=signature,
                tags=_names(tags),
                architecture=architecture,
                custom_objects=objects,
                trust=trust,
                verify=not no_verify,
            )
        converted.save(out)
        show(converted.report, as_json)
        if not as_json:
            typer.echo(f"\nwrote {out}")


@app.command()
def predict(
    model: ModelFile,
    samples: Annotated[
        Path,
        typer.Argument(
            help="An .npz with one array a sample: arr_0, arr_1, ... as np.savez(path, *samples) "
            "writes them; NAME/0, NAME/1, ... where the model has several inputs.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The .npz to write, named like the samples.", show_default=False
        ),
    ],
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Samples of one length to run together at most."),
    ] = None,
    max_batch_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-batch-bytes",
            min=1,
            help="Memory that the samples running together may take, about.",
            show_default="256 MiB",
        ),
    ] = None,
    threads: Threads = 1,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the integers of quantized outputs as they are.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a LiteRT model on samples of any lengths.

    Example: rnnlite predict speaker.tflite utterances.npz -o scores.npz
    """
    with refusals():
        from rnnlite.runtime.model import load
        from rnnlite.runtime.samples import read_npz, write_npz

        with native_messages():
            loaded = load(model, num_threads=threads)
            rows = read_npz(samples, [spec.name for spec in loaded.inputs])
            results = loaded.predict(
                rows,
                batch_size=batch_size,
                max_batch_bytes=max_batch_bytes,
                progress=sys.stderr.isatty(),
                raw=raw,
            )
        write_npz(out, results)
        summary = {
            "samples": len(rows),
            "outputs": {
                spec.name: shape_of(results[spec.name] if isinstance(results, dict) else results)
                for spec in loaded.outputs
            },
            "out": str(out),
        }
        if as_json:
            typer.echo(json.dumps(summary))
        else:
            shapes = ", ".join(f"{name} {shape}" for name, shape in summary["outputs"].items())  # type: ignore[attr-defined]
            typer.echo(f"{len(rows)} samples: {shapes}; wrote {out}")


@app.command()
def inspect(model: ModelFile, as_json: Json = False) -> None:
    """Show what a LiteRT file holds: signature, recurrences, ops, weights."""
    with refusals():
        from rnnlite.lite.inspection import inspect as look

        show(look(model), as_json)


@app.command()
def verify(
    source: Source,
    model: ModelFile,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", help="An .npz of samples to compare on, besides random ones."),
    ] = None,
    inputs: Inputs = None,
    outputs: Outputs = None,
    signature: Signature = None,
    tags: Tags = None,
    architecture: Architecture = None,
    custom_objects: CustomObjects = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Compare an existing LiteRT file with the model it was made from.

    Exit status 1 if they differ by more than rounding; for a quantized file, by more than its mode
    usually does (float16 1 %, int16x8 2 %, dynamic 5 %, int8 10 % of the RMS).
    """
    with refusals():
        objects = load_objects(custom_objects)
        rows = None
        if samples is not None:
            from rnnlite.lite.inspection import inspect as look
            from rnnlite.runtime.samples import read_npz

            rows = read_npz(samples, [t.name for t in look(model).inputs])
        rnnlite = quiet_import()
        with status("comparing"):
            report = rnnlite.verify(
                source,
                model,
                rows,
                inputs=_names(inputs),
                outputs=_names(outputs),
                signature=signature,
                tags=_names(tags),
                architecture=architecture,
                custom_objects=objects,
                trust=trust,
            )
        show(report, as_json)
        report.require_parity()


@app.command()
def freeze(
    source: Source,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The graph to write (.pb).", show_default=False)
    ],
    inputs: Inputs = None,
    outputs: Outputs = None,
    signature: Signature = None,
    tags: Tags = None,
    architecture: Architecture = None,
    custom_objects: CustomObjects = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Write a model as one graph, with constants for its variables.

    The graph has the control flow of TensorFlow 1, and opens in TensorFlow 1.15 too.
    """
    with refusals():
        if not out.resolve().parent.is_dir():
            raise OutputError(f"cannot write '{out}': there is no folder '{out.parent}'")
        objects = load_objects(custom_objects)
        rnnlite = quiet_import()
        with status("freezing"):
            ends = rnnlite.freeze(
                source,
                out,
                inputs=_names(inputs),
                outputs=_names(outputs),
                signature=signature,
                tags=_names(tags),
                architecture=architecture,
                custom_objects=objects,
                trust=trust,
            )
        show(ends, as_json)
        if not as_json:
            typer.echo(f"wrote {out}")


@app.command()
def bench(
    model: ModelFile,
    lengths: Annotated[
        str, typer.Option("--lengths", help="Sequence lengths to time, with commas.")
    ] = "10,100,1000",
    threads: Threads = 1,
    repeats: Annotated[int, typer.Option("--repeats", min=3, help="Timed runs a length.")] = 50,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="A picture to write (.png).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time a LiteRT file on random input, by sequence length."""
    wanted = _lengths(lengths)
    with refusals():
        from rnnlite.bench import bench_tables, picture, time_model
        from rnnlite.lite.files import write_whole

        with native_messages():
            timings = time_model(model, lengths=wanted, num_threads=threads, repeats=repeats)
            if plot is not None:
                title = f"{model.name}, {threads} thread{'s' if threads > 1 else ''}"
                write_whole(plot, picture(timings, title))
        if as_json:
            typer.echo(json.dumps([vars(t) for t in timings]))
        else:
            console().print(bench_tables(timings))


def main() -> None:
    """Entry point of the command `rnnlite`."""
    app()


if __name__ == "__main__":
    main()
