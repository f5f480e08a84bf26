"""What is asked of a source, and the options of front ends, each declared once.

What enters: the user's options, by name. What leaves: a `Request`, or a subclass of it, with the
options of a front end as fields.

A `Request` has what every front end takes. A front end declares its own options as fields of a
subclass, by `option`: name, type, default, help and the flag of the command line. `convert`,
`verify`, `freeze` and the command line read these declarations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from rnnlite.lowering.schedule import Options
from rnnlite.target import LITERT, Target

T = TypeVar("T")
R = TypeVar("R", bound="Request")

_KEY = "rnnlite.option"


@dataclass(frozen=True)
class Option:
    """One option of a front end, as `option` declares it.

    Attributes:
        name: the keyword of `convert`, `verify` and `freeze`.
        default: the value that means "not given".
        help: one sentence for the command line and the documentation.
        flag: its flag on the command line, e.g. "--inputs".
        text: the type of its value on the command line: str, bool, int, float or pathlib.Path; None
            where it cannot be given there.
        repeated: whether it may be given several times on the command line; the texts then come as
            a list.
        shown_default: the default in words, where the value itself does not tell.
        parse: makes the option's value of what the command line gives; a ValueError is wrong usage.
        permission: whether it only allows something, and does not choose how the source is read.
    """

    name: str
    default: object
    help: str
    flag: str
    text: type | None = str
    repeated: bool = False
    shown_default: str = ""
    parse: Callable[[Any], object] | None = None
    permission: bool = False


def option(
    default: T,
    help: str,
    *,
    flag: str = "",
    text: type | None = str,
    repeated: bool = False,
    shown_default: str = "",
    parse: Callable[[Any], object] | None = None,
    permission: bool = False,
) -> T:
    """Declare an option as a field of a `Request`; see `Option`. Without flag, its name is used.

    Example: `scale: float = option(1.0, "Factor of all weights.", text=float)`
    """
    declared = {
        "help": help,
        "flag": flag,
        "text": text,
        "repeated": repeated,
        "shown_default": shown_default,
        "parse": parse,
        "permission": permission,
    }
    return field(default=default, metadata={_KEY: declared})


@dataclass(frozen=True)
class Request:
    """How the user wants a source opened: what every front end takes.

    Attributes:
        batch_size: "auto", a size, or None for a free axis.
        sequence_length: "auto", a length, or None for a free axis or a refusal.
        integer: whether activations become integers, which cannot hold ids that are declared as
            float.
        schedule: what the caller decides about loops.
        streaming: whether the file gets a signature for chunks: True for chunks of any length, or
            the number of steps of each.
        exits: whether the file gets a signature for each output, which run one after the other.
        target: what the file is made for.
        options: the options of the source, by name, as the caller gave them. The front end gets
            them as fields of its subclass of Request.
    """

    batch_size: int | str | None = "auto"
    sequence_length: int | str | None = "auto"
    integer: bool = False
    schedule: Options = Options()  # noqa: RUF009 (immutable)
    streaming: bool | int = False
    exits: bool = False
    target: Target = LITERT
    options: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls: type[R], request: Request) -> R:
        """The request as this subclass, which has the options that it declares as fields."""
        common = {f.name: getattr(request, f.name) for f in fields(Request)}
        own = {o.name: o.default for o in options_of(cls)}
        values = {n: value for n, value in request.options.items() if n in own}
        return cls(**{**common, "options": values, **values})


def options_of(kind: type[Request]) -> tuple[Option, ...]:
    """The options that a subclass of Request declares, in order."""
    return tuple(
        Option(
            f.name,
            f.default,
            **{**f.metadata[_KEY], "flag": f.metadata[_KEY]["flag"] or _flag(f.name)},
        )
        for f in fields(kind)
        if _KEY in f.metadata
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def given(options: Mapping[str, object], declared: Collection[Option]) -> dict[str, object]:
    """The options that were given: neither their default nor empty."""
    defaults = {o.name: o.default for o in declared}
    return {
        name: value
        for name, value in options.items()
        if value is not None and not _is_empty(value) and not _equal(value, defaults.get(name))
    }


def _is_empty(value: object) -> bool:
    return isinstance(value, str | bytes | Sequence | Mapping) and not len(value)


def _equal(value: object, default: object) -> bool:
    """Whether two plain values are equal; other objects, such as arrays, equal only themselves."""
    plain = (bool, int, float, str)
    return value is default or (
        isinstance(value, plain) and isinstance(default, plain) and value == default
    )


def names(text: str) -> list[str]:
    """Names separated by commas, as a list.

    Raises:
        ValueError: there is no name.
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise ValueError(f"expected names with commas; got '{text}'")
    return found


def values_by_name(texts: Sequence[str]) -> dict[str, Any]:
    """Texts NAME=VALUE as a dictionary; values are JSON, or True and False as in Python.

    Raises:
        ValueError: a text has another form, or a name is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not name or not equals:
            raise ValueError(f"expected NAME=VALUE; got '{text}'")
        if name in found:
            raise ValueError(f"'{name}' is given twice")
        try:
            found[name] = json.loads({"True": "true", "False": "false"}.get(value, value))
        except ValueError as e:
            raise ValueError(
                f"expected a number, true, false, or a list in JSON for '{name}'; got '{value}'"
            ) from e
    return found


@dataclass(frozen=True)
class TensorRequest(Request):
    """A Request for a source that has named tensors.

    Attributes:
        outputs: names of tensors; if None, they are found.
        constants: values that inputs are fixed to, by name.
    """

    outputs: Sequence[str] | None = option(
        None,
        "Tensor names of a graph, with commas: a:0,b:0.",
        shown_default="found",
        parse=names,
    )
    constants: Mapping[str, Any] | None = option(
        None,
        "An input of a graph fixed to a value, as keep_prob:0=1.0, is_training=false, or a list in "
        "JSON; may be given several times.",
        flag="--constant",
        repeated=True,
        parse=values_by_name,
    )


@dataclass(frozen=True)
class GraphRequest(TensorRequest):
    """A Request for a source that is a graph of named tensors.

    Attributes:
        inputs: names of tensors; if None, they are found.
    """

    inputs: Sequence[str] | None = option(
        None,
        "Tensor names of a graph, with commas: a:0,b:0.",
        shown_default="found",
        parse=names,
    )
