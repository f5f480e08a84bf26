"""A command's source and its options, as the front ends declare them.

What enters: the options of all front ends, and what the user typed. What leaves: commands with
these options, and their values by name.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnlite.frontends.registry import declared_options, front_ends
from rnnlite.frontends.request import Option

NAME = "source_options"
"""The parameter of a command that receives these options: name -> what the user typed."""

SourceOptions = Mapping[str, Any] | None

Source = Annotated[
    Path,
    typer.Argument(
        help="A file or folder: " + ", ".join(f.files for f in front_ends() if f.files) + ".",
        show_default=False,
    ),
]


def with_source_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes every declared option in place of its parameter `source_options`."""
    signature = inspect.signature(command, eval_str=True)
    declared = [o for o in declared_options() if o.text is not None]

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        options = {o.name: arguments.pop(o.name) for o in declared}
        command(**{NAME: options}, **arguments)

    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name == NAME:
            parameters += [_parameter(o, parameter) for o in declared]
        else:
            parameters.append(parameter)
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def parsed(typed: SourceOptions) -> dict[str, Any]:
    """The values of the options that the user typed.

    Raises:
        typer.BadParameter: a text that the option does not take.
        RnnliteError: the option's own parser refuses the value.
    """
    found = dict(typed or {})
    for declared in declared_options():
        value = found.get(declared.name)
        if value is None or value == [] or declared.parse is None:
            continue
        try:
            found[declared.name] = declared.parse(value)
        except ValueError as e:
            raise typer.BadParameter(str(e), param_hint=f"'{declared.flag}'") from e
    return found


def _parameter(declared: Option, place: inspect.Parameter) -> inspect.Parameter:
    """An option as a parameter of a command, as typer reads it."""
    kind: Any = types.GenericAlias(list, declared.text) if declared.repeated else declared.text
    is_flag = declared.text is bool
    default = declared.default if is_flag else None
    annotation: object = Annotated[
        kind if is_flag else kind | None,
        typer.Option(
            declared.flag, help=declared.help, show_default=declared.shown_default or False
        ),
    ]
    return place.replace(name=declared.name, default=default, annotation=annotation)
