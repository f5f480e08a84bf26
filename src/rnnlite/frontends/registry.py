"""The registry of front ends: who opens which source, and with which options.

What enters: front ends. What leaves: all of them in the order in which they are asked, and the
options that they declare.

A front end is one object, a `FrontEnd`. It gets into the registry in one of three ways, which make
no difference later:

1. a folder of this package with a module `frontend` that holds `FRONT_END`;
2. an entry point of the group "rnnlite.frontends" of any installed package, naming such an object;
3. a call of `register`.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import pkgutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from rnnlite.errors import FrontEndError
from rnnlite.frontends.program import FrozenGraph, Program
from rnnlite.frontends.request import Option, Request, options_of

GROUP = "rnnlite.frontends"
"""The group of the entry points."""

RESERVED = frozenset(
    [
        *(f.name for f in fields(Request)),
        *("source", "model", "path", "samples", "quantize", "calibration", "io", "allow_float"),
        *("max_error", "verify", "progress"),
    ]
)
"""Names that no option of a front end may have: arguments of `convert`, `verify` and `freeze`."""

R = TypeVar("R", bound=Request)
log = logging.getLogger("rnnlite")


@dataclass(frozen=True)
class SourceKind:
    """One kind of source.

    Attributes:
        name: a name that goes behind "a" or "an", e.g. "Keras HDF5 file".
        options: names of the front end's options that this kind takes.
    """

    name: str
    options: tuple[str, ...]


class Confidence(IntEnum):
    """How well a front end knows a source. The highest opens it."""

    POSSIBLE = 1
    """It can read the source, if its options ask for that, or other front ends refuse it."""
    NATIVE = 2
    """The source was made for it."""


@dataclass(frozen=True)
class Match:
    """A front end's answer that it knows a source.

    Attributes:
        kind: the kind of the source.
        confidence: how well the front end knows the source.
        note: what the report says if this front end opens the source after a better one refused it.
    """

    kind: SourceKind
    confidence: Confidence = Confidence.NATIVE
    note: str = ""


class FrontEnd(ABC, Generic[R]):
    """A front end, which opens one family of sources.

    The module that defines it is imported whenever rnnlite looks for a front end. So it must import
    nothing heavy; `open` and `freeze` may.

    Attributes:
        name: unique in the registry, e.g. "keras".
        files: the files and folders that it takes, for messages and help; "" for none.
        objects: the live objects that it takes, for messages and help; "" for none.
        request: its subclass of Request, whose fields declare its options.
        kinds: every kind of source that `recognise` can answer with.
    """

    name: str
    files: str
    objects: str
    request: type[R]
    kinds: tuple[SourceKind, ...]

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """The options that `request` declares."""
        return options_of(self.request)

    @abstractmethod
    def recognise(self, source: object) -> Match | None:
        """Tell by its content whether the front end knows a source.

        Args:
            source: a Path, which need not exist, or any live object. It is not changed.

        Returns:
            the answer; None where it does not know the source.

        Raises:
            RnnliteError: the source is of its family, but damaged. Other front ends are still
                asked.
        """

    @abstractmethod
    def open(self, source: object, request: R) -> Program:
        """The source as a Program.

        Args:
            source: a source that it recognised.
            request: has the options that the source's kind takes; all others have their defaults.

        Raises:
            RnnliteError: naming the offending thing.
        """

    def freeze(self, source: object, request: R) -> FrozenGraph:
        """The source as a graph without variables: by default, the first entry of its Program.

        Raises:
            RnnliteError: naming the offending thing.
        """
        from rnnlite.frontends.tensorflow.writing import frozen_entry

        return frozen_entry(self.open(source, request).main)

    def environment(self, source: object) -> Mapping[str, str]:
        """Environment variables of another process that the source must be opened in; {} for none.

        Args:
            source: one that it recognised.
        """
        return {}


class _Registry:
    """The front ends by name, in the order in which they were added; all are loaded once."""

    def __init__(self) -> None:
        self.found: dict[str, FrontEnd[Any]] = {}
        self.failures: dict[str, str] = {}
        self.complete = False
        self.lock = threading.RLock()

    def add(self, front_end: FrontEnd[Any], origin: str) -> None:
        with self.lock:
            _check(front_end, origin, self.found)
            self.found[front_end.name] = front_end

    def all(self) -> dict[str, FrontEnd[Any]]:
        with self.lock:
            if not self.complete:
                # Set before loading, for a module that is loaded may ask for all front ends.
                self.complete = True
                self._add_own()
                self._add_installed()
            return self.found

    def _add_own(self) -> None:
        here = Path(__file__).parent
        for _, name, is_folder in pkgutil.iter_modules([str(here)]):
            module = f"rnnlite.frontends.{name}.frontend"
            if is_folder and importlib.util.find_spec(module) is not None:
                self.add(importlib.import_module(module).FRONT_END, module)

    def _add_installed(self) -> None:
        for entry in entry_points(group=GROUP):
            try:
                self.add(entry.load(), f"the entry point '{entry.name}' ({entry.value})")
            except Exception as e:  # noqa: BLE001 - of another package, of any kind
                # A broken front end must not keep others from opening their sources.
                self.failures[entry.value] = f"{type(e).__name__}: {e}"
                log.warning("the front end %s cannot be loaded: %s", entry.value, e)


_registry = _Registry()


def register(front_end: FrontEnd[Any]) -> None:
    """Add a front end; `convert`, `verify` and `freeze` then take its sources and its options.

    Raises:
        FrontEndError: it does not keep to the contract, or its name or an option's is taken.
    """
    front_ends()
    _registry.add(front_end, "register()")


def unregister(name: str) -> None:
    """Remove a front end.

    Raises:
        FrontEndError: there is none of this name.
    """
    front_ends()
    with _registry.lock:
        if _registry.found.pop(name, None) is None:
            raise FrontEndError(
                f"there is no front end '{name}'", found=", ".join(_registry.found) or "none"
            )


def front_ends() -> tuple[FrontEnd[Any], ...]:
    """All front ends, in the order in which they are asked."""
    return tuple(_registry.all().values())


def failures() -> dict[str, str]:
    """Installed front ends that could not be loaded, and why."""
    front_ends()
    return dict(_registry.failures)


def declared_options() -> tuple[Option, ...]:
    """The options of all front ends, each once."""
    return tuple({o.name: o for f in front_ends() for o in f.options}.values())


def is_path(source: object) -> bool:
    """Whether a source is given as a path."""
    return isinstance(source, str | Path)


def _check(front_end: object, origin: str, found: Mapping[str, FrontEnd[Any]]) -> None:
    """Refuse a front end that breaks the contract, or clashes with another one."""
    if not isinstance(front_end, FrontEnd):
        raise FrontEndError(
            f"what {origin} gives is no front end",
            expected="an instance of rnnlite.frontends.FrontEnd",
            found=type(front_end).__name__,
        )
    missing = [
        n for n in ("name", "files", "objects", "request", "kinds") if not hasattr(front_end, n)
    ]
    if missing:
        raise FrontEndError(
            f"the front end {type(front_end).__name__} lacks {', '.join(missing)}",
            remedy="Set them as attributes of its class",
        )
    if front_end.name in found:
        raise FrontEndError(
            f"there is a front end '{front_end.name}' already",
            found=type(found[front_end.name]).__name__,
            remedy="Choose another name, or call unregister first",
        )
    others = {o.name: (o, f.name) for f in found.values() for o in f.options}
    for option in front_end.options:
        if option.name in RESERVED:
            raise FrontEndError(
                f"the option '{option.name}' of the front end '{front_end.name}' is called like an "
                "argument of convert, verify or freeze",
                remedy="Choose another name",
            )
        other, owner = others.get(option.name, (option, ""))
        if other != option:
            raise FrontEndError(
                f"the option '{option.name}' of the front end '{front_end.name}' is declared "
                f"otherwise than that of '{owner}'",
                remedy="Choose another name, or inherit the declaration",
            )
    names = {o.name for o in front_end.options}
    for kind in front_end.kinds:
        if not set(kind.options) <= names:
            raise FrontEndError(
                f"the kind '{kind.name}' of the front end '{front_end.name}' takes options that it "
                "does not declare",
                expected=f"some of {', '.join(sorted(names)) or 'none'}",
                found=", ".join(sorted(set(kind.options) - names)),
            )
