"""Use a live Keras 3 model on another backend than TensorFlow.

What enters: the live model, and NumPy arrays. What leaves: its classes, its shapes, and its results
as NumPy arrays. For all else a copy on TensorFlow is used (`pipeline.remote`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlite.frontends.keras.flavour import layers_of
from rnnlite.frontends.keras.private import graph_of
from rnnlite.frontends.keras.types import KerasModel, Nested
from rnnlite.specs import Array


def custom_classes(model: KerasModel) -> dict[str, type]:
    """The classes of a live model's layers that are not Keras's own."""
    kinds = {type(layer) for layer in layers_of(model)}
    return {kind.__name__: kind for kind in kinds if kind.__module__.split(".")[0] != "keras"}


def stated_shapes(model: KerasModel) -> list[tuple[int | None, ...]]:
    """The shapes that the Inputs of a model state; empty for a subclassed model."""
    return [tuple(x.shape) for x in getattr(model, "inputs", None) or []]


def results(model: KerasModel, arrays: Sequence[Array]) -> list[Array]:
    """The results of a model on its own backend: arrays with batch axis, one for each output."""
    import keras

    from rnnlite.frontends.keras.interface import flat_outputs

    graph = graph_of(model)
    inputs: Nested = (
        keras.tree.pack_sequence_as(graph.inputs, arrays)
        if graph is not None
        else (arrays[0] if len(arrays) == 1 else arrays)
    )
    return [
        np.asarray(keras.ops.convert_to_numpy(y))
        for _, y in flat_outputs(model(inputs, training=False), None)
    ]
