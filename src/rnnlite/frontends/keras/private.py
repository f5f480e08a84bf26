"""All private names of both Keras packages that rnnlite uses; no other module uses one.

What enters: layers, models and files of Keras. What leaves: the values of private attributes, and
the classes and functions that a trace replaces.

If a release of Keras moves something, only this module changes. Attributes are replaced by
`patching`, whatever their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from rnnlite.frontends.keras.types import CustomObjects, KerasModel, Layer, Nested
from rnnlite.scan.tensors import Tensor

SWITCHES: Mapping[str, object] = {"_stateful": False, "_could_use_gpu_kernel": False}
"""Private attribute of recurrent layers -> its value for tracing; see `neutral.NEUTRAL`."""


@dataclass(frozen=True, eq=False)
class Hooks:
    """What is replaced in a package while a model is traced.

    Attributes:
        backend: the module whose function `rnn` all recurrences call.
        fused: names in `backend` of fused shortcuts that must not be taken.
        recurrent_layer: the class RNN.
        entry: the method of RNN that every recurrence calls.
        functional: the class of functional models, whose `input_spec` pins shapes.
        name_scope: the class that opens name scopes for layers; None where it takes any name.
        conv_lstm_cell: the class of the cell of convolutional LSTMs.
        numbers: the module whose argmax and argmin put -0.0 below 0.0; None where none do.
    """

    backend: ModuleType
    fused: tuple[str, ...]
    recurrent_layer: type
    entry: str
    functional: type
    name_scope: type | None
    conv_lstm_cell: type
    numbers: ModuleType | None = None


def hooks_keras3() -> Hooks:
    """The hooks of Keras 3."""
    return Hooks(
        backend=importlib.import_module("keras.src.backend"),
        fused=("lstm", "gru", "bidirectional_lstm", "bidirectional_gru"),
        recurrent_layer=_member("keras.src.layers.rnn.rnn", "RNN"),
        entry="inner_loop",
        functional=_member("keras.src.models.functional", "Functional"),
        name_scope=_member("keras.src.backend.tensorflow.core", "name_scope"),
        conv_lstm_cell=_member("keras.src.layers.rnn.conv_lstm", "ConvLSTMCell"),
        numbers=importlib.import_module("keras.src.backend.tensorflow.numpy"),
    )


def hooks_keras2() -> Hooks:
    """The hooks of Keras 2."""
    return Hooks(
        backend=importlib.import_module("tf_keras.src.backend"),
        fused=(),
        recurrent_layer=_member("tf_keras.src.layers.rnn.base_rnn", "RNN"),
        entry="__call__",
        functional=_member("tf_keras.src.engine.functional", "Functional"),
        name_scope=None,
        conv_lstm_cell=_member("tf_keras.src.layers.rnn.base_conv_lstm", "ConvLSTMCell"),
    )


def _member(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


# Files: the public loaders tell the format by the ending of the name.


def load_hdf5_keras3(path: Path, custom: CustomObjects) -> KerasModel:
    """A whole model from an HDF5 file of Keras 3."""
    load = _member("keras.src.legacy.saving.legacy_h5_format", "load_model_from_hdf5")
    return cast(KerasModel, load(str(path), custom_objects=custom, compile=False))


def model_of_config_keras2(config: object, custom: CustomObjects) -> KerasModel:
    """A model without weights from the configuration in a file of Keras 2."""
    make = _member("tf_keras.src.saving.legacy.model_config", "model_from_config")
    return cast(KerasModel, make(config, custom_objects=custom))


def load_hdf5_weights_keras2(group: object, model: KerasModel) -> None:
    """Fill a model with the weights of a group of an HDF5 file of Keras 2."""
    _member("tf_keras.src.saving.legacy.hdf5_format", "load_weights_from_hdf5_group")(group, model)


def load_archive(package: str, path: Path, custom: CustomObjects, *, trust: bool) -> KerasModel:
    """A whole model from a .keras archive of "keras" or "tf_keras"; the path ends in .keras."""
    load = _member(f"{package}.src.saving.saving_lib", "load_model")
    model = load(str(path), custom_objects=custom, compile=False, safe_mode=not trust)
    return cast(KerasModel, model)


def saved_model_metadata() -> Any:
    """The message class of keras_metadata.pb."""
    return _member("tf_keras.protobuf.saved_metadata_pb2", "SavedMetadata")


def is_revived(layer: Layer) -> bool:
    """Whether a layer of a loaded SavedModel is a substitute for a class that is missing."""
    return ".saved_model.load" in type(layer).__module__


# Models and layers.


def layers_within(model: Layer) -> Iterator[Layer]:
    """The model and every layer in it; a layer may come several times."""
    layers: Any = model
    yield from layers._flatten_layers(include_self=True, recursive=True)


@dataclass(frozen=True, eq=False)
class Graph:
    """The functional graph of a model.

    Attributes:
        inputs: the symbolic inputs, in their nesting.
        output_names: names of the flat outputs; () where the model has none.
    """

    inputs: Nested
    output_names: tuple[str, ...]


def graph_of(model: KerasModel) -> Graph | None:
    """The graph of a Functional or Sequential model, or None."""
    for candidate in (model, getattr(model, "_functional", None)):
        if candidate is None or not getattr(candidate, "inputs", None):
            continue
        for name in ("_inputs_struct", "_nested_inputs"):
            inputs = getattr(candidate, name, None)
            if inputs is not None:
                return Graph(inputs, tuple(getattr(candidate, "output_names", None) or ()))
    return None


def input_name(x: Tensor) -> str:
    """The name given to Input(); the name of its layer if none was given."""
    history = cast(Any, x)._keras_history
    if hasattr(history, "layer"):
        return str(history.layer.name)
    name = str(x.name)
    return str(history.operation.name) if name.startswith("keras_tensor") else name


def is_ragged(x: Tensor) -> bool:
    """Whether a symbolic input stands for ragged tensors."""
    spec = getattr(x, "type_spec", None)
    return bool(getattr(x, "ragged", False)) or type(spec).__name__ == "RaggedTensorSpec"


def takes_training(layer: Layer) -> bool:
    """Whether a layer's call has an argument `training`."""
    found = getattr(layer, "_call_has_training_arg", None)
    return bool(getattr(layer, "_expects_training_arg", True) if found is None else found)


def takes_mask(layer: Layer) -> bool:
    """Whether a layer's call has an argument `mask`; for Keras 3 only."""
    return bool(cast(Any, layer)._call_has_mask_arg)


def call_spec(model: KerasModel) -> tuple[Any, Any] | None:
    """args and kwargs of the first call of a Keras 2 model; None where it was not built."""
    found: tuple[Any, Any] | None = cast(Any, model).save_spec() if model.built else None
    return found


def build_shapes(model: KerasModel) -> Mapping[str, Nested]:
    """Argument -> shape, of the first call of a Keras 3 model; empty where it was not built."""
    return getattr(model, "_build_shapes_dict", None) or {} if model.built else {}


def float32_attributes_keras3(policy: Callable[[str], Any], layer: Layer) -> dict[str, object]:
    """The attributes with which a Keras 3 layer of another float type computes in float32."""
    made = policy("float32")
    # Variables keep their type; as it is another one, Keras casts them.
    made._variable_dtype = layer.variable_dtype
    return {"_dtype_policy": made}


def float32_attributes_keras2(policy: Callable[[str], Any], layer: Layer) -> dict[str, object]:
    """The same for a Keras 2 layer, whose variables are wrapped to be cast."""
    import tensorflow as tf

    wrap = _member("tf_keras.src.mixed_precision.autocast_variable", "create_autocast_variable")
    floats = (tf.float16, tf.bfloat16, tf.float64)
    cast_ = {
        name: wrap(value)
        for name, value in vars(layer).items()
        if isinstance(value, tf.Variable) and value.dtype in floats
    }
    return {**cast_, "_dtype_policy": policy("float32"), "_compute_dtype_object": tf.float32}
