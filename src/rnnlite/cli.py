"""The command line: convert, predict, inspect, verify, bench.

Exit status 0 on success, 1 on a refusal (one message on standard error), 2 on wrong usage.
TensorFlow is imported only by the commands that need it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from rnnlite import __version__
from rnnlite.errors import OutputError, RnnliteError, SourceError

app = typer.Typer(
    name="rnnlite",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn trained recurrent Keras models (LSTM, GRU, bidirectional, any cell) into LiteRT "
    "models that take sequences of every length, check them against their source, and run them.",
)

Source = Annotated[
    Path,
    typer.Argument(
        help="A .keras file, an .h5 file, or a SavedModel folder of Keras 2.", show_default=False
    ),
]
ModelFile = Annotated[Path, typer.Argument(help="A LiteRT file (.tflite).", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Allow code in the model file (Lambda layers) to run.")
]
CustomObjects = Annotated[
    Path | None,
    typer.Option(
        "--custom-objects",
        help="A Python file with the classes and functions that the model file needs. It is run.",
        show_default=False,
    ),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads an op may use.")]


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
    custom_objects: CustomObjects = None,
    trust: Trust = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not compare the result with its source.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Convert a trained model to LiteRT and check the result against it.

    Example: rnnlite convert speaker.keras -o speaker.tflite
    """
    batch, length = _size(batch_size), _size(sequence_length)
    with _refusals():
        if not out.resolve().parent.is_dir():
            raise OutputError(f"cannot write '{out}': there is no folder '{out.parent}'")
        objects = _load_objects(custom_objects)
        rnnlite = _quiet_import()
        with _status("converting"):
            converted = rnnlite.convert(
                source,
                batch_size=batch,
                sequence_length=length,
                custom_objects=objects,
                trust=trust,
                verify=not no_verify,
            )
        converted.save(out)
        _show(converted.report, as_json)
        if not as_json:
            Console(soft_wrap=True, highlight=False).print(f"\nwrote {out}")


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
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Run a LiteRT model on samples of any lengths.

    Example: rnnlite predict speaker.tflite utterances.npz -o scores.npz
    """
    with _refusals():
        from rnnlite.runtime.model import load
        from rnnlite.runtime.samples import read_npz, write_npz

        with _native_messages():
            loaded = load(model, num_threads=threads)
            rows = read_npz(samples, [spec.name for spec in loaded.inputs])
            results = loaded.predict(rows, batch_size=batch_size, progress=sys.stderr.isatty())
        write_npz(out, results)
        summary = {
            "samples": len(rows),
            "outputs": {
                spec.name: _shape_of(results[spec.name] if isinstance(results, dict) else results)
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
    with _refusals():
        from rnnlite.lite.inspection import inspect as look

        _show(look(model), as_json)


@app.command()
def verify(
    source: Source,
    model: ModelFile,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", help="An .npz of samples to compare on, besides random ones."),
    ] = None,
    custom_objects: CustomObjects = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Compare an existing LiteRT file with the model it was made from.

    Exit status 1 if they differ by more than rounding.
    """
    with _refusals():
        objects = _load_objects(custom_objects)
        rows = None
        if samples is not None:
            from rnnlite.lite.inspection import inspect as look
            from rnnlite.runtime.samples import read_npz

            rows = read_npz(samples, [t.name for t in look(model).inputs])
        rnnlite = _quiet_import()
        with _status("comparing"):
            report = rnnlite.verify(source, model, rows, custom_objects=objects, trust=trust)
        _show(report, as_json)
        report.require_parity()


@app.command()
def bench(
    model: ModelFile,
    lengths: Annotated[
        str, typer.Option("--lengths", help="Sequence lengths to time, with commas.")
    ] = "10,100,1000",
    threads: Threads = 1,
    repeats: Annotated[int, typer.Option("--repeats", min=3, help="Timed runs a length.")] = 50,
    as_json: Json = False,
) -> None:
    """Time a LiteRT file on random input, by sequence length."""
    wanted = _lengths(lengths)
    with _refusals():
        from rnnlite.bench import bench_tables, time_model

        with _native_messages():
            timings = time_model(model, lengths=wanted, num_threads=threads, repeats=repeats)
        if as_json:
            typer.echo(json.dumps([vars(t) for t in timings]))
        else:
            _console().print(bench_tables(timings))


def _show(value: Any, as_json: bool) -> None:
    """A report: tables on a terminal, plain text in a pipe, JSON on request."""
    if as_json:
        typer.echo(json.dumps(value.to_dict()))
    elif sys.stdout.isatty():
        from rnnlite import tables
        from rnnlite.report import Report

        render: Callable[[Any], Any] = (
            tables.report_tables if isinstance(value, Report) else tables.inspection_tables
        )
        _console().print(render(value))
    else:
        typer.echo(str(value))


def _console() -> Console:
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=100)


@contextmanager
def _status(text: str) -> Iterator[None]:
    """A spinner on a terminal's standard error; nothing in a pipe."""
    if sys.stderr.isatty():
        with Console(stderr=True).status(text), _native_messages():
            yield
    else:
        with _native_messages():
            yield


@contextmanager
def _native_messages() -> Iterator[None]:
    """Keep native libraries' chatter off standard error; their errors come as exceptions."""
    sys.stderr.flush()
    saved = os.dup(2)
    visible = os.fdopen(os.dup(2), "w")
    previous = sys.stderr
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    sys.stderr = visible
    try:
        yield
    finally:
        sys.stderr = previous
        visible.close()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal into one message and exit status 1."""
    try:
        yield
    except RnnliteError as e:
        typer.echo(f"rnnlite: {e}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("rnnlite: interrupted", err=True)
        raise typer.Exit(1) from None
    except MemoryError:
        typer.echo("rnnlite: out of memory.", err=True)
        raise typer.Exit(1) from None


def _quiet_import() -> Any:
    """The package, with TensorFlow told to keep quiet before it is first imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import rnnlite

    return rnnlite


def _load_objects(path: Path | None) -> dict[str, Any] | None:
    """Run a Python file of the user's and give its public names."""
    if path is None:
        return None
    import runpy

    if not path.is_file():
        raise SourceError(
            f"there is no file '{path}'", remedy="--custom-objects takes a Python file"
        )
    _quiet_import()
    try:
        names = runpy.run_path(str(path))
    except Exception as e:
        raise SourceError(f"the custom objects file '{path}' fails: {type(e).__name__}: {e}") from e
    return {
        name: value for name, value in names.items() if not name.startswith("_") and callable(value)
    }


def _shape_of(column: Any) -> str:
    if isinstance(column, np.ndarray):
        return str(column.shape)
    return f"{len(column)} arrays of different shapes"


def main() -> None:
    """Entry point of the command `rnnlite`."""
    app()


if __name__ == "__main__":
    main()
