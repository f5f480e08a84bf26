"""The options that several commands share, as typer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path,
    typer.Argument(
        help="A .keras or .h5 file, a SavedModel folder, a frozen graph (.pb), or a checkpoint "
        "(.meta).",
        show_default=False,
    ),
]
Inputs = Annotated[
    str | None,
    typer.Option(
        "--inputs", help="Tensor names of a graph, with commas: a:0,b:0.", show_default="found"
    ),
]
Outputs = Annotated[
    str | None,
    typer.Option(
        "--outputs", help="Tensor names of a graph, with commas: a:0,b:0.", show_default="found"
    ),
]
Signature = Annotated[
    str | None,
    typer.Option("--signature", help="Of a SavedModel.", show_default="serving_default"),
]
Tags = Annotated[
    str | None,
    typer.Option("--tags", help="Of a SavedModel's graph, with commas.", show_default="serve"),
]
Architecture = Annotated[
    Path | None,
    typer.Option(
        "--architecture",
        help="The model's configuration (model.to_json()), for an .h5 of weights alone.",
        show_default=False,
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
