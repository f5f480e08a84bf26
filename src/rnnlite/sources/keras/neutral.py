"""Trace a Keras model without side effects: no unrolling, no state, no fused shortcut, any length.

Layer attributes are set for the time of a trace and put back in a `finally`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rnnlite.sources.keras.flavour import Flavour, layers_of

LOCK = threading.RLock()
"""Held while the packages are patched: two threads take turns."""

NEUTRAL: dict[str, Any] = {
    "unroll": False,
    "stateful": False,
    "_stateful": False,
    "use_cudnn": False,
    "_could_use_gpu_kernel": False,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
}
"""Attributes of recurrent layers and cells that choose how, not what, is computed at inference, and
the value that suits tracing. (Keras 3 draws dropout masks, and so moves its seeds, even then.)"""


@dataclass(frozen=True)
class Changed:
    """What `neutral` changed, by id: layers that unroll, cells that drop out."""

    unrolled: frozenset[int]
    dropping: frozenset[int]


@contextmanager
def neutral(model: Any, *, keep_unroll: bool = False) -> Iterator[Changed]:
    """Within it, no layer unrolls, keeps state between calls, or takes a fused shortcut.

    A stateful layer starts from zero state, as after `reset_states()`; its stored states are
    neither read nor written.

    Args:
        keep_unroll: leave unrolling as it is.

    Gives what was changed; `capture` wants to know it.
    """
    saved: list[tuple[Any, str, Any]] = []
    with LOCK:
        try:
            for layer in filter(_recurrent, layers_of(model)):
                for name, value in NEUTRAL.items():
                    # Only plain attributes: a wrapper may give the same name as a property.
                    if name == "unroll" and keep_unroll:
                        continue
                    if name in vars(layer) and vars(layer)[name] != value:
                        saved.append((layer, name, vars(layer)[name]))
                        setattr(layer, name, value)
            yield Changed(
                frozenset(id(layer) for layer, name, _ in saved if name == "unroll"),
                frozenset(id(layer) for layer, name, _ in saved if "dropout" in name),
            )
        finally:
            for layer, name, value in reversed(saved):
                setattr(layer, name, value)


@contextmanager
def any_input_shape(flavour: Flavour) -> Iterator[None]:
    """Within it, models do not hold callers to the length that their Input states."""
    module = "keras.src.models" if flavour.name == "Keras 3" else "tf_keras.src.engine"
    functional = importlib.import_module(f"{module}.functional").Functional
    stated = functional.input_spec
    functional.input_spec = property(lambda self: None, lambda self, value: None)
    try:
        yield
    finally:
        functional.input_spec = stated


def _recurrent(layer: Any) -> bool:
    """Whether a layer is a recurrence, a cell, or a wrapper of one."""
    return any(hasattr(layer, name) for name in ("cell", "cells", "state_size", "forward_layer"))
