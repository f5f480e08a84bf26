"""The two Keras flavours, Keras 3 and Keras 2 (tf_keras), as far as they differ for us.

Everything that reaches into the private parts of either package stands in this module and in
`capture`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rnnlite.errors import DependencyError


@dataclass(frozen=True)
class Flavour:
    """One of the two packages.

    Attributes:
        name: "Keras 3" or "Keras 2".
        keras: the public package.
        backend: the module through whose attribute `rnn` all recurrences go.
        rnn: the module that defines the class RNN.
        fused: names in `backend` of fused shortcuts that must not be taken.
        flatten, pack: the package's own flattening of nested structures.
    """

    name: str
    keras: ModuleType
    backend: ModuleType
    rnn: ModuleType
    fused: tuple[str, ...]
    flatten: Callable[[Any], list[Any]]
    pack: Callable[[Any, Sequence[Any]], Any]

    @property
    def layers(self) -> Any:
        """The package's module `layers`."""
        return self.keras.layers

    def owns(self, model: Any) -> bool:
        """Whether a live object is a model (or layer) of this package."""
        return isinstance(model, self.keras.layers.Layer)


def _import(name: str, remedy: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise DependencyError(f"the package {name} is not installed", remedy=remedy) from e


def keras3() -> Flavour:
    """Keras 3 with the backend it was imported with (TensorFlow, if rnnlite imports it)."""
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = _import("keras", "Install it with: pip install 'rnnlite[convert]'")
    return Flavour(
        name="Keras 3",
        keras=keras,
        backend=importlib.import_module("keras.src.backend"),
        rnn=importlib.import_module("keras.src.layers.rnn.rnn"),
        fused=("lstm", "gru", "bidirectional_lstm", "bidirectional_gru"),
        flatten=keras.tree.flatten,
        pack=keras.tree.pack_sequence_as,
    )


def keras2() -> Flavour:
    """Keras 2, as the package tf_keras."""
    keras = _import("tf_keras", "Install it with: pip install 'rnnlite[convert]'")
    tf = importlib.import_module("tensorflow")
    return Flavour(
        name="Keras 2",
        keras=keras,
        backend=importlib.import_module("tf_keras.src.backend"),
        rnn=importlib.import_module("tf_keras.src.layers.rnn.base_rnn"),
        fused=(),
        flatten=tf.nest.flatten,
        pack=tf.nest.pack_sequence_as,
    )


def flavour_of(model: Any) -> Flavour | None:
    """The flavour of a live model, or None if it is no Keras model. Imports neither package."""
    for module, make in (("keras", keras3), ("tf_keras", keras2)):
        if module in sys.modules:
            flavour = make()
            if flavour.owns(model):
                return flavour
    return None


def layers_of(model: Any) -> list[Any]:
    """The model and every layer in it, cells and wrapped layers included, each once."""
    seen: dict[int, Any] = {}
    for layer in model._flatten_layers(include_self=True, recursive=True):
        seen.setdefault(id(layer), layer)
    return list(seen.values())


def as_float32(flavour: Flavour, layer: Any) -> dict[str, Any]:
    """The attributes with which a layer of another float type computes in float32."""
    if flavour.name == "Keras 3":
        policy = flavour.keras.DTypePolicy("float32")
        # Variables keep their type; that it is another one makes Keras cast them.
        policy._variable_dtype = layer.variable_dtype
        return {"_dtype_policy": policy}
    import tensorflow as tf

    module = importlib.import_module("tf_keras.src.mixed_precision.autocast_variable")
    cast = {
        name: module.create_autocast_variable(value)
        for name, value in vars(layer).items()
        if isinstance(value, tf.Variable) and value.dtype in (tf.float16, tf.bfloat16, tf.float64)
    }
    policy = flavour.keras.mixed_precision.Policy("float32")
    return {**cast, "_dtype_policy": policy, "_compute_dtype_object": tf.float32}
