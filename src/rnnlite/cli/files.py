"""The commands on a finished file: inspect, bench, snippet, view.

What enters: a .tflite file, and options. What leaves: what it holds, its times, a program that runs
it, node data for viewers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rnnlite.cli.console import (
    command_line,
    console,
    native_messages,
    refusals,
    show,
)
from rnnlite.cli.options import Json, ModelFile, PageOut, Threads, numbers
from rnnlite.lite.files import read_model, require_place, write_whole
from rnnlite.snippets.languages import NAMES


def add_file_commands(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    for command in (inspect, bench, snippet, view):
        app.command()(command)


def inspect(model: ModelFile, as_json: Json = False) -> None:
    """Show what a LiteRT file holds: signature, recurrences, ops, weights."""
    with refusals():
        from rnnlite.lite.inspection import inspect as look

        show(look(model), as_json)


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
    stream: Annotated[
        bool, typer.Option("--stream", help="Time the chunks of a stream instead.")
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Of a chunk.", show_default="as the file has them"),
    ] = None,
    calls: Annotated[int, typer.Option("--calls", min=10, help="Chunks to time.")] = 100_000,
    report: PageOut = None,
    as_json: Json = False,
) -> None:
    """Time a LiteRT file on random input, by sequence length; or its stream, chunk by chunk.

    Example: rnnlite bench speaker.tflite --lengths 10,100,1000

    Example: rnnlite bench live.tflite --stream
    """
    wanted = numbers(lengths)
    if stream and (plot is not None or report is not None):
        raise typer.BadParameter("--plot and --report are of lengths; leave --stream out")
    if stream:
        _bench_stream(model, steps, calls, as_json)
        return
    with refusals():
        if report is not None:
            require_place(report, [model] if plot is None else [model, plot])
        if plot is not None:
            require_place(plot, [model])
        from rnnlite.runtime.bench import bench_tables, picture, time_model

        with native_messages():
            timings = time_model(model, lengths=wanted, num_threads=threads, repeats=repeats)
            if plot is not None:
                title = f"{model.name}, {threads} thread{'s' if threads > 1 else ''}"
                write_whole(plot, picture(timings, title))
            if report is not None:
                from rnnlite.runtime.bench_page import save_bench_page

                save_bench_page(report, model, timings, command=command_line())
        if as_json:
            typer.echo(json.dumps([vars(t) for t in timings]))
        else:
            console().print(bench_tables(timings))


def _bench_stream(model: Path, steps: int | None, calls: int, as_json: bool) -> None:
    with refusals():
        from rnnlite.runtime.bench_stream import stream_table, time_stream

        with native_messages():
            timing = time_stream(model, steps=steps, calls=calls)
        if as_json:
            typer.echo(json.dumps(vars(timing)))
        else:
            console().print(stream_table([timing]))


def snippet(
    model: ModelFile,
    language: Annotated[str, typer.Option("--language", help=", ".join(NAMES) + ".")] = "python",
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A file to write it to.", show_default="printed"),
    ] = None,
) -> None:
    """Write a short program that runs a LiteRT file: its signatures, its stream, its integers.

    Example: rnnlite snippet speaker.tflite --language kotlin -o Speaker.kt
    """
    if language not in NAMES:
        raise typer.BadParameter(f"expected one of {', '.join(NAMES)}; got '{language}'")
    with refusals():
        from rnnlite.snippets.render import snippet as program

        if out is not None:
            require_place(out, [model])
        with native_messages():
            text = program(model, language)
        if out is None:
            typer.echo(text, nl=False)
        else:
            write_whole(out, text.encode())
            typer.echo(f"wrote {out}")


def view(
    model: ModelFile,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Node data to write (.json).", show_default=False),
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(
            "--errors",
            metavar="REPORT.json",
            help="What convert --json printed: errors of ops go to a file beside --export.",
            show_default=False,
        ),
    ] = None,
    length: Annotated[int, typer.Option("--length", min=1, help="Time steps to time.")] = 100,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Open no viewer: write node data alone.")
    ] = False,
) -> None:
    """Open a LiteRT file in Model Explorer, with time and error of each op, or in netron.

    Example: rnnlite view speaker.tflite --export times.json

    Example: rnnlite view int8.tflite --export times.json --errors report.json
    """
    if errors is not None and export is None:
        raise typer.BadParameter("--errors wants --export FILE.json, to write beside")
    if no_open and export is None:
        raise typer.BadParameter("--no-open wants --export FILE.json: there is nothing to do")
    with refusals():
        from rnnlite.viewing.node_data import error_data, node_data
        from rnnlite.viewing.opening import open_in, viewer

        data = read_model(model)
        name = "" if no_open else viewer()
        nodes: dict[Path, str] = {}
        if export is not None:
            beside = export.with_suffix(".errors.json")
            for path in (export, beside) if errors is not None else (export,):
                require_place(path, [model, *([errors] if errors is not None else [])])
            with native_messages():
                if errors is not None:
                    nodes[beside] = error_data(data, errors)
                nodes = {export: node_data(data, length), **nodes}
        for path, content in nodes.items():
            write_whole(path, content.encode())
            typer.echo(f"wrote {path}")
        if name:
            open_in(name, model, list(nodes))
