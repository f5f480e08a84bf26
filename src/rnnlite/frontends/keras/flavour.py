"""The two Keras packages, Keras 3 and Keras 2 (tf_keras), where they differ for rnnlite.

What enters: a live object. What leaves: its `Flavour`, which has what differs.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from rnnlite.errors import DependencyError
from rnnlite.frontends.keras import private
from rnnlite.frontends.keras.types import Layer, Nested
from rnnlite.scan.tensors import Tensor


@dataclass(frozen=True)
class Flavour:
    """One of the two packages.

    Attributes:
        name: "Keras 3" or "Keras 2".
        keras: the public package.
        flatten, pack: the package's own flattening of nested structures.
    """

    name: str
    keras: ModuleType
    flatten: Callable[[Nested], list[Tensor]]
    pack: Callable[[Nested, Sequence[Nested]], Any]

    @property
    def is_keras3(self) -> bool:
        """Whether it is Keras 3."""
        return self.name == "Keras 3"

    @property
    def layers(self) -> Any:
        """The package's module `layers`."""
        return self.keras.layers

    @cached_property
    def hooks(self) -> private.Hooks:
        """What is replaced while tracing; for Keras 3 this needs the TensorFlow backend."""
        return private.hooks_keras3() if self.is_keras3 else private.hooks_keras2()

    def owns(self, model: object) -> bool:
        """Whether a live object is a model (or layer) of this package."""
        return isinstance(model, self.keras.layers.Layer)


def _import(name: str, remedy: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise DependencyError(f"the package {name} is not installed", remedy=remedy) from e


def keras3() -> Flavour:
    """Keras 3, with the backend that it was imported with; TensorFlow, if rnnlite imports it."""
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = _import("keras", "Install it with: pip install 'rnnlite[convert]'")
    return Flavour(
        name="Keras 3",
        keras=keras,
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
        flatten=tf.nest.flatten,
        pack=tf.nest.pack_sequence_as,
    )


def flavour_of(model: object) -> Flavour | None:
    """The flavour of a live model, or None if it is no Keras model. Imports neither package."""
    for module, make in (("keras", keras3), ("tf_keras", keras2)):
        if module in sys.modules:
            flavour = make()
            if flavour.owns(model):
                return flavour
    return None


def layers_of(model: Layer) -> list[Layer]:
    """The model and every layer in it, cells and wrapped layers included, each once."""
    return list({id(layer): layer for layer in private.layers_within(model)}.values())


def as_float32(flavour: Flavour, layer: Layer) -> dict[str, object]:
    """The attributes with which a layer of another float type computes in float32."""
    if flavour.is_keras3:
        return private.float32_attributes_keras3(flavour.keras.DTypePolicy, layer)
    return private.float32_attributes_keras2(flavour.keras.mixed_precision.Policy, layer)
