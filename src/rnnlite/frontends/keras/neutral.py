"""Make a Keras model traceable: no unrolling, no stored state, no fused shortcut, any length.

What enters: a live model, which is not changed. What leaves: a context in which it can be traced;
in it attributes of layers read as other values (`patching`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.patching import Change, Mine, replaced, seeming
from rnnlite.frontends.keras.private import SWITCHES
from rnnlite.frontends.keras.types import Function, Layer

NEUTRAL: dict[str, object] = {
    "unroll": False,
    "stateful": False,
    "use_cudnn": False,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    **SWITCHES,
}
"""Attribute of recurrent layers and cells -> its value for tracing. They decide how inference is
computed, not what it gives. (Keras 3 draws dropout masks, and so advances its seeds, even at
inference.)"""


@dataclass(frozen=True)
class Changed:
    """What `neutral` changed: ids of layers that unroll, and of cells with dropout."""

    unrolled: frozenset[int]
    dropping: frozenset[int]


@contextmanager
def neutral(model: Layer, *, keep_unroll: bool = False) -> Iterator[Changed]:
    """A context in which no layer unrolls, keeps state between calls, or takes a fused shortcut.

    A stateful layer starts from zero state, as after `reset_states()`; its stored states are
    neither read nor written.

    Args:
        keep_unroll: leave unrolling as it is.

    Yields:
        what was changed, for `capture`.
    """
    layers = list(filter(_recurrent, layers_of(model)))
    changed: dict[int, dict[str, object]] = {}
    for layer in layers:
        # Only plain attributes: a wrapper may have a property of the same name.
        own = vars(layer)
        changed[id(layer)] = {
            name: value
            for name, value in NEUTRAL.items()
            if name in own and own[name] != value and not (name == "unroll" and keep_unroll)
        }
    with seeming(changed, layers):
        yield Changed(
            frozenset(k for k, names in changed.items() if "unroll" in names),
            frozenset(k for k, names in changed.items() if any("dropout" in n for n in names)),
        )


@contextmanager
def any_input_shape(flavour: Flavour) -> Iterator[None]:
    """A context in which models take other lengths than their Input states."""

    def make(stated: property, mine: Mine) -> property:
        return property(
            lambda self: None if mine() else stated.__get__(self, type(self)),
            lambda self, value: None if mine() else stated.__set__(self, value),
        )

    with replaced([Change(flavour.hooks.functional, "input_spec", make)]):
        yield


@contextmanager
def any_layer_name(flavour: Flavour) -> Iterator[None]:
    """A context in which Keras 3 opens name scopes for layers of any name."""
    scope = flavour.hooks.name_scope
    if scope is None:
        yield
        return

    def make(original: Function, mine: Mine) -> Function:
        def opened(self: object, name: object, *args: object, **kwargs: object) -> None:
            original(self, _legal(name) if mine() else name, *args, **kwargs)

        return opened

    with replaced([Change(scope, "__init__", make)]):
        yield


def _legal(name: object) -> object:
    """A name that TensorFlow takes for a scope, and the official converter for a node."""
    if not isinstance(name, str) or "/" in name:
        return name
    legal = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return legal if re.match(r"[A-Za-z0-9.]", legal) else f".{legal}"


def _recurrent(layer: Layer) -> bool:
    """Whether a layer is a recurrence, a cell, or a wrapper of one."""
    return any(hasattr(layer, name) for name in ("cell", "cells", "state_size", "forward_layer"))
