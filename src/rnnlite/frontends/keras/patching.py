"""Replace attributes of Keras, or of a user's layers, for a while; only here.

What enters: what to replace. What leaves: nothing; all is put back, in reverse order, also after an
exception. Threads take turns (`LOCK`). A replacement acts only in the thread that asked for it: a
model that another thread runs meanwhile computes what it always does.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

LOCK = threading.RLock()

Mine = Callable[[], bool]
"""Whether this is the thread that asked for the replacement."""


@dataclass(frozen=True, eq=False)
class Change:
    """An attribute to replace.

    Attributes:
        owner: a module or a class.
        name: the name of the attribute; one that the owner lacks is passed over.
        make: a function of the original and `Mine` that gives the replacement.
    """

    owner: ModuleType | type
    name: str
    make: Callable[[Any, Mine], object]


@contextmanager
def replaced(changes: Sequence[Change]) -> Iterator[None]:
    """A context in which attributes are replaced."""
    thread = threading.get_ident()

    def mine() -> bool:
        return threading.get_ident() == thread

    with LOCK, ExitStack() as undo:
        for change in changes:
            if hasattr(change.owner, change.name):
                undo.callback(_replace(change, mine))
        yield


def _replace(change: Change, mine: Mine) -> Callable[[], None]:
    owner, name = change.owner, change.name
    own = vars(owner).get(name, _NONE)
    setattr(owner, name, change.make(inspect.getattr_static(owner, name), mine))
    return partial(delattr, owner, name) if own is _NONE else partial(setattr, owner, name, own)


@contextmanager
def seeming(
    values: Mapping[int, Mapping[str, object]], objects: Sequence[object]
) -> Iterator[None]:
    """A context in which attributes of objects read as other values, only in this thread.

    Nothing is written to the objects: descriptors of their classes give the values.

    Args:
        values: id of an object -> name -> value, for attributes that it has itself.
        objects: those objects.
    """
    owners: dict[tuple[type, str], dict[int, object]] = {}
    for thing in objects:
        for name, value in values.get(id(thing), {}).items():
            owners.setdefault((type(thing), name), {})[id(thing)] = value
    thread = threading.get_ident()

    def mine() -> bool:
        return threading.get_ident() == thread

    with LOCK, ExitStack() as undo:
        for (owner, name), seen in owners.items():
            own = vars(owner).get(name, _NONE)
            setattr(owner, name, _Seeming(owner, name, seen, mine))
            if own is _NONE:
                undo.callback(delattr, owner, name)
            else:
                undo.callback(setattr, owner, name, own)
        yield


_NONE = object()


class _Seeming:
    """A data descriptor by which an attribute of some objects reads as another value."""

    def __init__(self, owner: type, name: str, seen: Mapping[int, object], mine: Mine) -> None:
        self._name, self._seen, self._mine = name, seen, mine
        self._class_value = inspect.getattr_static(owner, name, _NONE)

    def __get__(self, thing: object, kind: type | None = None) -> object:
        if thing is not None and id(thing) in self._seen and self._mine():
            return self._seen[id(thing)]
        if thing is not None and self._name in vars(thing):
            return vars(thing)[self._name]
        value = self._class_value
        if value is _NONE:
            raise AttributeError(self._name)
        return value.__get__(thing, kind) if hasattr(type(value), "__get__") else value

    def __set__(self, thing: object, value: object) -> None:
        vars(thing)[self._name] = value

    def __delete__(self, thing: object) -> None:
        if self._name not in vars(thing):
            raise AttributeError(self._name)
        del vars(thing)[self._name]
