"""Trace a Keras model without side effects: no unrolling, no state, no fused shortcut, any length.

What enters: a live model, which is not changed. What leaves: a context in which it can be traced,
and what seems changed there.

Layers only seem to have other attributes for the time of a trace (`patching`).
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
"""Attributes of recurrent layers and cells that choose how, not what, is computed at inference, and
the value that suits tracing. (Keras 3 draws dropout masks, and so moves its seeds, even then.)"""


@dataclass(frozen=True)
class Changed:
    """What `neutral` changed, by id: layers that unroll, cells that drop out."""

    unrolled: frozenset[int]
    dropping: frozenset[int]


@contextmanager
def neutral(model: Layer, *, keep_unroll: bool = False) -> Iterator[Changed]:
    """Within it, no layer unrolls, keeps state between calls, or takes a fused shortcut.

    A stateful layer starts from zero state, as after `reset_states()`; its stored states are
    neither read nor written.

    Args:
        keep_unroll: leave unrolling as it is.

    Gives what was changed; `capture` wants to know it.
    """
    layers = list(filter(_recurrent, layers_of(model)))
    changed: dict[int, dict[str, object]] = {}
    for layer in layers:
        # Only plain attributes: a wrapper may give the same name as a property.
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
    """Within it, models do not hold callers to the length that their Input states."""

    def make(stated: property, mine: Mine) -> property:
        return property(
            lambda self: None if mine() else stated.__get__(self, type(self)),
            lambda self, value: None if mine() else stated.__set__(self, value),
        )

    with replaced([Change(flavour.hooks.functional, "input_spec", make)]):
        yield


@contextmanager
def any_layer_name(flavour: Flavour) -> Iterator[None]:
    """Within it, Keras 3 opens name scopes for layers of any name, as it does outside of graphs."""
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
    """A name as TensorFlow takes it for a scope, and the official converter for a node."""
    if not isinstance(name, str) or "/" in name:
        return name
    legal = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return legal if re.match(r"[A-Za-z0-9.]", legal) else f".{legal}"


def _recurrent(layer: Layer) -> bool:
    """Whether a layer is a recurrence, a cell, or a wrapper of one."""
    return any(hasattr(layer, name) for name in ("cell", "cells", "state_size", "forward_layer"))
