"""The command line: convert, predict, evaluate, verify, freeze; `files` has the other commands.

What enters: arguments, as `options` declares them. What leaves: files, a report on standard output,
an exit status. Each command checks its arguments, calls one function and shows its result.

Exit status 0 on success, 1 on a refusal (one message on standard error), 2 on wrong usage.
TensorFlow is imported only by the commands that need it.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlite import __version__
from rnnlite.cli.console import (
    command_line,
    log_shown,
    native_messages,
    quiet_import,
    refusals,
    show,
    status,
    usage,
)
from rnnlite.cli.files import add_file_commands
from rnnlite.cli.options import (
    Address,
    Against,
    AllowFloat,
    BatchSize,
    Calibration,
    Classes,
    ColumnOf,
    Data,
    Early,
    EngineOf,
    Exits,
    IoType,
    Json,
    LabelsIn,
    Layout,
    MaxBatchBytes,
    MaxError,
    ModelFile,
    ModelOut,
    NoVerify,
    OutputOf,
    PageOut,
    Quantize,
    Raw,
    ResultsOut,
    Resume,
    RowsOut,
    RunTogether,
    SequenceLength,
    SignatureToRun,
    Streaming,
    TargetName,
    Task,
    Threads,
    TopK,
    ValueOptional,
    Verbose,
    Workers,
    Worst,
    WorstOut,
    calibration_data,
    pairs,
    require_mode,
    size,
    steps,
)
from rnnlite.cli.sources import Source, SourceOptions, parsed, with_source_options
from rnnlite.isolation.guard import run_guarded
from rnnlite.lite.files import require_place
from rnnlite.quantization.config import take_config

if TYPE_CHECKING:
    from rnnlite.pipeline.converted import Converted

app = typer.Typer(
    name="rnnlite",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn trained recurrent models (LSTM, GRU, bidirectional, any cell) into LiteRT "
    "models that take sequences of every length, check them against their source, and run them.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"rnnlite {__version__}")
        raise typer.Exit


@app.command(cls=ValueOptional)
@with_source_options
def convert(
    source: Source,
    out: ModelOut,
    batch_size: BatchSize = "auto",
    sequence_length: SequenceLength = "auto",
    quantize: Quantize = None,
    calibration: Calibration = None,
    io: IoType = None,
    allow_float: AllowFloat = False,
    max_error: MaxError = None,
    streaming: Streaming = None,
    exits: Exits = False,
    target: TargetName = "litert",
    schedule: Layout = None,
    source_options: SourceOptions = None,
    no_verify: NoVerify = False,
    report: PageOut = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Convert a trained model to LiteRT and check the result against it.

    Example: rnnlite convert speaker.keras -o speaker.tflite

    Example: rnnlite convert speaker.keras -o small.tflite --quantize int8 --calibration some.npz

    Example: rnnlite convert tagger.keras -o live.tflite --streaming 1
    """
    data = calibration_data(calibration)
    require_mode(quantize)
    batch, length, chunk = size(batch_size), size(sequence_length), steps(streaming)
    with refusals():
        require_place(out, [source])
        if report is not None:
            require_place(report, [source, out])
        rnnlite = quiet_import()
        options = parsed(source_options)
        with usage():
            take_config(
                quantize, data, io, allow_float=allow_float, max_error=max_error, progress=False
            )
        # Calibration shows a progress bar of its own.
        spinner = data is None and not verbose
        with log_shown(verbose), status("converting", spinner=spinner):
            converted = rnnlite.convert(
                source,
                batch_size=batch,
                sequence_length=length,
                quantize=quantize,
                calibration=data,
                io=io,
                allow_float=allow_float,
                max_error=max_error,
                streaming=chunk,
                exits=exits,
                target=target,
                schedule=schedule,
                progress=sys.stderr.isatty() and not verbose,
                **options,
                verify=not no_verify,
            )
        converted.save(out)
        if report is not None:
            _write_page(converted, report)
        show(converted.report, as_json)
        if not as_json:
            typer.echo("\n" + "\n".join(f"wrote {path}" for path in (out, report) if path))


def _write_page(converted: Converted, path: Path) -> None:
    """Time the file, and write the page of `--report`."""
    from rnnlite.runtime.measuring import measured

    with status("measuring"):
        timings, memory = measured(converted.tflite)
    converted.report.save_html(path, timings=timings, memory=memory, command=command_line())


@app.command()
def predict(
    model: ModelFile,
    data: Data,
    out: ResultsOut,
    column: ColumnOf = None,
    batch_size: RunTogether = None,
    max_batch_bytes: MaxBatchBytes = None,
    threads: Threads = 1,
    raw: Raw = False,
    resume: Resume = False,
    signature: SignatureToRun = None,
    early: Early = None,
    engine: EngineOf = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Run a LiteRT model on a data set of samples of any lengths.

    Example: rnnlite predict speaker.tflite utterances.npz -o scores.npz

    Example: rnnlite predict speaker.tflite "days/*.parquet" --column x=frames -o scores.parquet

    Example: rnnlite predict exits.tflite utterances.npz -o answers.npz --early 0.9
    """
    columns = pairs(column)
    with refusals():
        from rnnlite.datasets.predicting import predict_files

        # Ray reports ended workers on standard output, which is for the result alone.
        with native_messages(), redirect_stdout(sys.stderr):
            done = predict_files(
                model,
                data,
                out,
                columns=columns,
                batch_size=batch_size,
                max_batch_bytes=max_batch_bytes,
                num_threads=threads,
                raw=raw,
                resume=resume,
                signature=signature,
                early=early,
                engine=engine,
                address=address,
                workers=workers,
                progress=sys.stderr.isatty(),
            )
        typer.echo(json.dumps(done.to_dict()) if as_json else str(done))


@app.command()
def evaluate(
    model: ModelFile,
    data: Data,
    labels: LabelsIn = None,
    against: Against = None,
    column: ColumnOf = None,
    output: OutputOf = None,
    task: Task = "auto",
    classes: Classes = None,
    top_k: TopK = 5,
    worst: Worst = 20,
    save: WorstOut = None,
    per_sample: RowsOut = None,
    report: PageOut = None,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Score a LiteRT model on labelled data, or compare it with another, sample by sample.

    Example: rnnlite evaluate int8.tflite test.npz --labels label --against float.tflite
    """
    columns = pairs(column)
    with refusals():
        if report is not None:
            others = [model, labels, against, save, per_sample]
            require_place(report, [path for path in others if path is not None])
        from rnnlite.evaluation.files import evaluate_files

        with native_messages():
            found = evaluate_files(
                model,
                data,
                labels,
                against=against,
                columns=columns,
                output=output,
                task=task,
                classes=classes.split(",") if classes else (),
                top_k=top_k,
                worst=worst,
                save=save,
                table=per_sample,
                num_threads=threads,
                progress=sys.stderr.isatty(),
            )
        if report is not None:
            found.save_html(report, title=model.name, command=command_line())
        show(found, as_json)


@app.command()
@with_source_options
def verify(
    source: Source,
    model: ModelFile,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            help="Samples to compare on (.npz, .npy, .parquet, a folder), besides random ones.",
        ),
    ] = None,
    max_error: MaxError = None,
    source_options: SourceOptions = None,
    as_json: Json = False,
) -> None:
    """Compare an existing LiteRT file with the model it was made from.

    Exit status 1 if they differ by more than rounding; for a quantized file, by more than
    --max-error.
    """
    with refusals():
        rows = None
        if samples is not None:
            from rnnlite.datasets.opening import read_samples
            from rnnlite.lite.inspection import inspect as look

            rows = read_samples(samples, look(model).inputs)
        rnnlite = quiet_import()
        options = parsed(source_options)
        with status("comparing"):
            report = rnnlite.verify(
                source,
                model,
                rows,
                max_error=max_error,
                **options,
            )
        show(report, as_json)
        report.require_parity()


@app.command()
@with_source_options
def freeze(
    source: Source,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The graph to write (.pb).", show_default=False)
    ],
    source_options: SourceOptions = None,
    as_json: Json = False,
) -> None:
    """Write a model as one graph, with constants for its variables.

    The graph has the control flow of TensorFlow 1, and opens in TensorFlow 1.15 too.
    """
    with refusals():
        require_place(out, [source])
        rnnlite = quiet_import()
        options = parsed(source_options)
        with status("freezing"):
            signature = rnnlite.freeze(
                source,
                out,
                **options,
            )
        show(signature, as_json)
        if not as_json:
            typer.echo(f"wrote {out}")


add_file_commands(app)


def main() -> None:
    """Entry point of the command `rnnlite`."""
    run_guarded(app, "rnnlite")
