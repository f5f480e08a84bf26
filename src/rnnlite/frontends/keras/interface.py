"""The inputs and outputs of a Keras model: names, shapes, order, and how to call it.

What enters: a built model of either flavour. What leaves: an `Interface`, whose inputs and outputs
are flat lists in the source's order, whatever nesting the model has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from rnnlite.errors import SourceError
from rnnlite.frontends.keras.flavour import Flavour
from rnnlite.frontends.keras.private import (
    Graph,
    build_shapes,
    call_spec,
    graph_of,
    input_name,
    is_ragged,
    takes_training,
)
from rnnlite.frontends.keras.types import KerasModel, Nested
from rnnlite.scan.tensors import Array, Tensor
from rnnlite.specs import TensorSpec

Key = str | int
"""A key or index in a nesting."""


@dataclass(frozen=True, eq=False)
class Interface:
    """How to call a model on a flat list of tensors.

    Attributes:
        inputs: name, shape as the source states it (None where free) and dtype of each input.
        call: a function of a flat list of tensors that gives the model's own nested result.
        output_names: the names of the flat outputs, if the source states them.
        declared: whether the source declares the shapes. If not, they are those of a first call,
            whose batch size and length mean nothing.
        ragged: the names of the inputs that the source takes as ragged tensors.
    """

    inputs: tuple[TensorSpec, ...]
    call: Callable[[Sequence[Tensor | Array]], Nested]
    output_names: tuple[str, ...] | None
    declared: bool
    ragged: tuple[str, ...] = ()


def interface_of(flavour: Flavour, model: KerasModel) -> Interface:
    """The interface of a built model.

    Raises:
        SourceError: the model was never built, or takes something that is no tensor.
    """
    graph = graph_of(model)
    if graph is not None:
        return _functional_interface(flavour, model, graph)
    return _subclassed_interface(flavour, model)


def flat_outputs(result: Nested, names: tuple[str, ...] | None) -> list[tuple[str, Tensor]]:
    """A model's result as a flat list of (unique name, tensor); dictionaries keep their order."""
    leaves = list(_walk(result, ()))
    if names is not None and len(names) == len(leaves) and not isinstance(result, dict):
        found = list(names)
    elif len(leaves) == 1 and not leaves[0][0]:
        found = list(names) if names else ["output"]
    else:
        found = [
            "/".join(str(key) for key in path)
            if isinstance(path[0], str)
            else "output_" + "_".join(str(key) for key in path)
            for path, _ in leaves
        ]
    return list(zip(unique(found), [leaf for _, leaf in leaves], strict=True))


def unique(names: Sequence[str]) -> list[str]:
    """Names made unique as Keras 2 does: lstm, lstm_1, lstm_2."""
    seen: set[str] = set()
    result = []
    for name in names:
        candidate, k = name, 0
        while candidate in seen:
            k += 1
            candidate = f"{name}_{k}"
        seen.add(candidate)
        result.append(candidate)
    return result


def _walk(value: Nested, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for k, item in enumerate(value):
            yield from _walk(item, (*path, k))
    elif value is not None:
        yield path, value


def _functional_interface(flavour: Flavour, model: KerasModel, graph: Graph) -> Interface:
    struct = graph.inputs
    flat = list(flavour.flatten(struct))
    names = [input_name(x) for x in flat]
    if isinstance(struct, dict):
        by_id = {id(x): key for key, x in struct.items()}
        names = [by_id.get(id(x), name) for x, name in zip(flat, names, strict=True)]
    specs = tuple(
        TensorSpec(name, tuple(x.shape), _dtype(x))
        for name, x in zip(unique(names), flat, strict=True)
    )
    for spec, x in zip(specs, flat, strict=True):
        if spec.dtype == "string":
            raise SourceError(
                f"input '{spec.name}' takes strings, which LiteRT models here do not",
                expected="numbers",
                remedy="Leave it out, and what it is handed on to: keras.Model(inputs, outputs) "
                "with the others of model.inputs and model.outputs",
            )
        if getattr(x, "sparse", False):
            raise SourceError(
                f"input '{spec.name}' is a sparse tensor",
                expected="a dense numeric tensor",
                remedy="Build the model on dense inputs",
            )
    return Interface(
        inputs=specs,
        call=lambda tensors: model(flavour.pack(struct, list(tensors)), training=False),
        output_names=tuple(unique(graph.output_names)) or None,
        declared=True,
        ragged=tuple(spec.name for spec, x in zip(specs, flat, strict=True) if is_ragged(x)),
    )


def _dtype(x: Tensor) -> str:
    dtype = x.dtype
    return str(getattr(dtype, "name", dtype))


def _subclassed_interface(flavour: Flavour, model: KerasModel) -> Interface:
    spec = _keras3_spec(model) if flavour.is_keras3 else _keras2_spec(model)
    if spec is None:
        raise SourceError(
            f"the model '{model.name}' ({type(model).__name__}) was never built, so its inputs are "
            "not known",
            remedy="Call it once on a batch of data, then convert it",
        )
    args, kwargs = spec
    leaves = list(_walk((args, kwargs), ()))
    if not leaves:
        raise SourceError(f"the model '{model.name}' takes no tensor")
    specs = [leaf for _, leaf in leaves]
    for k, ((path, _), spec) in enumerate(zip(leaves, specs, strict=True)):
        keys = [key for key in path if isinstance(key, str)]
        specs[k] = replace(spec, name=keys[-1] if keys else spec.name)
    names = unique([p.name for p in specs])
    specs = [replace(p, name=n) for p, n in zip(specs, names, strict=True)]

    def call(tensors: Sequence[Tensor | Array]) -> Nested:
        queue = list(tensors)
        filled_args, filled_kwargs = _fill((args, kwargs), queue)
        return model(*filled_args, training=False, **filled_kwargs)

    if not takes_training(model):

        def call(tensors: Sequence[Tensor | Array]) -> Nested:
            queue = list(tensors)
            filled_args, filled_kwargs = _fill((args, kwargs), queue)
            return model(*filled_args, **filled_kwargs)

    return Interface(tuple(specs), call, None, declared=False)


def _fill(value: Nested, queue: list[Tensor | Array]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, queue) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fill(item, queue) for item in value)
    return queue.pop(0) if isinstance(value, TensorSpec) else value


def _keras2_spec(model: KerasModel) -> tuple[Any, Any] | None:
    spec = call_spec(model)
    if spec is None:
        return None
    args, kwargs = spec

    def nested(value: Nested) -> Any:
        if isinstance(value, dict):
            return {key: nested(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return (
                tuple(nested(item) for item in value)
                if isinstance(value, tuple)
                else [nested(item) for item in value]
            )
        if not hasattr(value, "shape"):
            return value
        x = cast(Tensor, value)
        return TensorSpec(str(x.name or "input").split(":")[0], tuple(x.shape), x.dtype.name)

    kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    return nested(tuple(args)), nested(kwargs)


def _keras3_spec(model: KerasModel) -> tuple[Any, Any] | None:
    shapes = build_shapes(model)
    if not shapes:
        return None

    def nested(value: Nested, name: str) -> Any:
        if isinstance(value, dict):
            return {key: nested(item, key) for key, item in value.items()}
        if isinstance(value, (list, tuple)) and all(d is None or isinstance(d, int) for d in value):
            return TensorSpec(name, tuple(value), "float32")
        if isinstance(value, (list, tuple)):
            return [nested(item, f"{name}_{k}") for k, item in enumerate(value)]
        return value

    items = [(key.removesuffix("_shape"), value) for key, value in shapes.items()]
    if len(items) == 1:
        return (nested(items[0][1], "input"),), {}
    return (), {name: nested(value, name) for name, value in items}
