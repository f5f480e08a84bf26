"""Functions of TensorFlow 2 as graphs: live ones, those of a tf.Module, and those of SavedModels.

What enters: a tf.function or ConcreteFunction, or an object that holds some. What leaves: a
`Frozen`, with the names that the function gives its arguments and results.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    _FunctionConverterDataInEager,
    _replace_variables_by_constants,
)
from tensorflow.python.util import nest

from rnnlite.errors import SourceError, UnsupportedError
from rnnlite.frontends.tensorflow.frozen import Frozen, drop_writes, gather_from_constants
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.scan.tensors import ConcreteFunction, PolymorphicFunction

FIRST = ("serving_default", "__call__")
"""Names of functions of a module that are tried where the request names none."""


def from_function(
    concrete: ConcreteFunction,
    names: tuple[Sequence[str], Sequence[str]],
    origin: str,
    *,
    lower: bool,
) -> Frozen:
    """A ConcreteFunction as a frozen graph.

    `convert_variables_to_constants_v2` freezes the function; it refuses writes to variables.

    Args:
        concrete: the function.
        names: the names of its inputs and of its outputs.
        origin: what the report calls the source.
        lower: whether loops and conditions become the control flow of TensorFlow 1.
    """
    data = _FunctionConverterDataInEager(
        func=concrete, lower_control_flow=lower, aggressive_inlining=False
    )
    definition, _ = _replace_variables_by_constants(converter_data=data)
    drop_writes(definition)
    gather_from_constants(definition)
    given = concrete.inputs[: len(concrete.inputs) - len(concrete.captured_inputs)]
    return Frozen(
        definition=definition,
        inputs=tuple(t.name for t in given),
        outputs=tuple(t.name for t in concrete.outputs),
        names=(tuple(names[0]), tuple(names[1])),
        origin=origin,
    )


def is_live(source: object) -> bool:
    """Whether an object is a function of TensorFlow, or an object that may hold functions."""
    kinds = (
        tf.types.experimental.PolymorphicFunction,
        tf.types.experimental.ConcreteFunction,
        tf.Module,
        tf.__internal__.tracking.AutoTrackable,
    )
    return isinstance(source, kinds)


def from_live(source: object, request: TensorFlowRequest) -> Frozen:
    """The function that the request names, or the only one, as a frozen graph.

    Raises:
        SourceError: there is no such function, or it has no input_signature.
        UnsupportedError: an argument or a result of the function is no tensor.
    """
    named = request.signature
    name, function = _chosen(source, named if named is None else str(named))
    origin = f"function '{name}'"
    if function is not source:
        origin += f" of {type(source).__name__}"
    concrete = _concrete(function, origin)
    return from_function(concrete, _names(concrete, origin), origin, lower=False)


def from_saved_model(folder: str, tags: Sequence[str], key: str, origin: str) -> Frozen:
    """A signature of a SavedModel, loaded as TensorFlow 2 does it."""
    loaded = tf.saved_model.load(folder, tags=list(tags))
    concrete = loaded.signatures[key]
    # The variables live as long as what was loaded.
    return from_function(concrete, _names(concrete, origin), origin, lower=False)


def _chosen(source: object, signature: str | None) -> tuple[str, Any]:
    """The function that is meant, and its name."""
    if isinstance(
        source,
        tf.types.experimental.PolymorphicFunction | tf.types.experimental.ConcreteFunction,
    ):
        if signature is not None:
            raise SourceError(
                f"the signature '{signature}' is named, and the source is a single function",
                remedy="Leave signature out, or give the module that holds the function",
            )
        return _name_of(source), source
    found = _functions(source)
    if signature is not None and signature not in found:
        raise SourceError(
            f"{type(source).__name__} has no function '{signature}'",
            found=", ".join(repr(n) for n in found) or "no tf.function at all",
            remedy="Name one of them (signature=)",
        )
    ready = [n for n, f in found.items() if _is_ready(f)]
    wanted = [signature] if signature is not None else [n for n in FIRST if n in found]
    if not wanted and len(ready) == 1:
        wanted = ready
    if not wanted and len(found) == 1:
        wanted = list(found)
    if not wanted:
        raise SourceError(
            f"{type(source).__name__} does not say which of its functions is meant",
            expected="'serving_default', '__call__', or a single one with an input_signature",
            found=", ".join(repr(n) for n in found) or "no tf.function at all",
            remedy="Name one of them (signature=)"
            if found
            else "Decorate the method with tf.function(input_signature=[tf.TensorSpec(...)])",
        )
    return wanted[0], found[wanted[0]]


def ready_functions(source: object) -> tuple[str, ...]:
    """The names of the functions of an object that have an input signature."""
    return tuple(name for name, function in _functions(source).items() if _is_ready(function))


def _functions(source: object) -> dict[str, Any]:
    """The functions that an object holds, by name; signatures come first."""
    signatures = getattr(source, "signatures", None)
    found = dict(signatures.items()) if isinstance(signatures, Mapping) else {}
    kinds = tf.types.experimental.PolymorphicFunction
    for name, value in inspect.getmembers_static(source):
        if isinstance(value, kinds) and name not in found:
            found[name] = getattr(source, name)
    return found


def _is_ready(function: object) -> bool:
    """Whether a function says what it takes."""
    if isinstance(function, tf.types.experimental.ConcreteFunction):
        return True
    return getattr(function, "input_signature", None) is not None


def _name_of(function: object) -> str:
    """The Python function's name; TensorFlow calls its trace __inference_NAME_NUMBER."""
    name = getattr(function, "__name__", None) or getattr(function, "name", "function")
    text = name.decode() if isinstance(name, bytes) else str(name)
    return re.sub(r"^__inference_(.*)_\d+$", r"\1", text)


def _concrete(function: object, origin: str) -> ConcreteFunction:
    if isinstance(function, tf.types.experimental.ConcreteFunction):
        return function
    if not _is_ready(function):
        raise SourceError(
            f"{origin} does not say what it takes",
            expected="a tf.function with an input_signature",
            remedy="Decorate it with tf.function(input_signature=[tf.TensorSpec([None, None, "
            "features], tf.float32)]), or give its get_concrete_function(...)",
        )
    return cast(PolymorphicFunction, function).get_concrete_function()


def _names(concrete: ConcreteFunction, origin: str) -> tuple[list[str], list[str]]:
    """The names of a function's arguments and of its results, in its own order."""
    specs = [s for s in nest.flatten(concrete.structured_input_signature) if s is not None]
    specs = [s for s in specs if isinstance(s, tf.TypeSpec)]
    odd = [s for s in specs if not isinstance(s, tf.TensorSpec)]
    results = concrete.structured_outputs
    odd += [
        s
        for s in nest.flatten(results)
        if isinstance(s, tf.TypeSpec | tf.__internal__.CompositeTensor)
        and not isinstance(s, tf.TensorSpec)
        and not tf.is_tensor(s)
    ]
    if odd:
        raise UnsupportedError(
            f"{origin} takes or gives a {type(odd[0]).__name__.removesuffix('Spec')}",
            expected="tensors",
            remedy="Write a function of plain tensors, with lengths beside them",
        )
    inputs = [s.name or f"input_{k}" for k, s in enumerate(specs)]
    paths = [
        path
        for path, value in nest.flatten_with_joined_string_paths(results, separator="_")
        if value is not None
    ]
    outputs = [f"output_{p}" if p[:1].isdigit() else p or "output_0" for p in paths]
    return inputs, outputs
