"""The options of front ends as keywords of `convert`, `verify` and `freeze`.

What enters: a function, or the keywords that it was given. What leaves: the function with the
options in its signature; the keywords, checked.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from rnnlite.errors import OptionError
from rnnlite.frontends.registry import declared_options

F = TypeVar("F", bound=Callable[..., object])


class SourceOptions(TypedDict, total=False):
    """The options that rnnlite's own front ends declare, for type checkers and signatures."""

    inputs: Sequence[str] | None
    outputs: Sequence[str] | None
    constants: Mapping[str, Any] | None
    signature: str | Sequence[str] | None
    tags: Sequence[str] | None
    architecture: str | Path | None
    custom_objects: Mapping[str, Any] | None
    trust: bool
    example: Any


def with_source_options(function: F) -> F:
    """Add the options to the signature of a function that takes them as **options."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if annotation == "bool" else None,
            annotation=annotation,
        )
        for name, annotation in stated_types().items()
    ]
    described = signature.replace(parameters=[*own, *options])
    function.__signature__ = described  # type: ignore[attr-defined]
    function.__annotations__ = {
        **{name: p.annotation for name, p in described.parameters.items()},
        "return": signature.return_annotation,
    }
    return function


def stated_types() -> dict[str, str]:
    """Name of an option -> its type, as `SourceOptions` states it."""
    found = inspect.get_annotations(SourceOptions)
    return {name: str(getattr(a, "__forward_arg__", a)) for name, a in found.items()}


def source_options(function: Callable[..., object], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a function was given, by name.

    Raises:
        OptionError: trust or custom_objects is of another type.
        TypeError: no front end declares an option; it is the error for any unknown keyword.
    """
    known = [o.name for o in declared_options()]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(
                name, [*inspect.signature(function).parameters, *known]
            )
            raise TypeError(
                f"{function.__name__}() got an unexpected keyword argument '{name}'"
                + (f". Did you mean '{near[0]}'?" if near else "")
            )
    require_bools(trust=options.get("trust", False))
    objects = options.get("custom_objects")
    if objects is not None and not (
        isinstance(objects, Mapping) and all(isinstance(name, str) for name in objects)
    ):
        raise OptionError(
            "custom_objects is no mapping from names to classes and functions",
            expected="such as custom_objects={'Attention': Attention}",
            found=repr(objects)[:60],
        )
    return dict(options)


def require_bools(**values: object) -> None:
    """Refuse values that are neither True nor False: a text such as "no" would count as true.

    Args:
        values: name of an argument -> its value.

    Raises:
        OptionError: a value is no bool.
    """
    for name, value in values.items():
        if not isinstance(value, bool):
            raise OptionError(
                f"{name} is no truth", expected="True or False", found=repr(value)[:60]
            )
