"""From a live Keras model to a `Program`: plan its shapes, trace it, lower its recurrences.

What enters: a built model, and the request. What leaves: its Program. The model is traced with its
recurrences lowered (`tracing`); the reference is the unchanged model (`reference`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.functions import id_ranges, trace
from rnnlite.frontends.keras import axes
from rnnlite.frontends.keras.blame import place_of
from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.free_axes import Probes
from rnnlite.frontends.keras.interface import Interface, interface_of
from rnnlite.frontends.keras.lookups import refuse_lookups
from rnnlite.frontends.keras.reference import Reference
from rnnlite.frontends.keras.tracing import Tracer, flat_call, tracing
from rnnlite.frontends.keras.types import KerasModel
from rnnlite.frontends.program import Entry, Program, type_notes, with_lengths
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.request import Request
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import Array, TensorSpec, with_values

MAX_WEIGHT_BYTES = (1 << 31) - (1 << 24)
"""The most bytes of weights: a GraphDef and a flatbuffer hold 2 GiB, with all else in them."""


def program_from(flavour: Flavour, model: KerasModel, request: Request) -> Program:
    """Open a live, built model of the given flavour.

    Raises:
        SourceError: the model was never built, or takes something that is no tensor of numbers.
        ShapeError: the model does not take the sizes that are asked for.
        UnsupportedError: the model holds something that LiteRT has no form for.
    """
    refuse_lookups(flavour, model)
    declared = interface = _with_float32_inputs(interface_of(flavour, model))
    _check_size(model)
    looked_up = any(type(layer).__name__ == "Embedding" for layer in layers_of(model))
    if not interface.declared or looked_up:
        with tracing(flavour, model):
            interface = _with_integer_inputs(interface)
    source = Reference(flavour, model, interface)
    tracer = Tracer(flavour, model, interface, request)
    plan = axes.plan(flavour, model, interface, request, _probes(model, source, tracer))
    traced = plan.traced
    refuse_random(traced.function, place=lambda op: f"of {place_of(op, model)}")
    notes = [*traced.notes, *type_notes(declared.inputs, interface.inputs), *plan.notes]
    notes += [*_state_notes(model), *_ragged_notes(interface)]
    if not traced.records:
        notes.append("the model has no recurrence; it is converted as it is")
    outputs = tuple(
        TensorSpec(name, tuple(t.shape), t.dtype.name)
        for name, t in zip(traced.names, traced.function.outputs, strict=True)
    )
    entry = Entry(
        origin=f"{flavour.name} {type(model).__name__} '{model.name}'",
        inputs=with_values(
            with_lengths(plan.inputs, traced.lengths),
            id_ranges(traced.function, plan.inputs),
            source.mask_values,
        ),
        outputs=outputs,
        function=traced.function,
        reference=plan.reference,
        perturbed=source.perturbed(plan.inputs),
        recurrences=tuple(dict.fromkeys(traced.records)),
        notes=tuple(notes),
        lengths=traced.lengths,
        scans=traced.scans,
        place=lambda op: place_of(op, model),
    )
    return Program.of(entry)


def function_of(
    flavour: Flavour, model: KerasModel
) -> tuple[ConcreteFunction, list[str], list[str]]:
    """The model's own computation for free shapes, and the names of its inputs and outputs.

    Raises:
        SourceError: the model was never built.
    """
    interface = interface_of(flavour, model)
    names: list[str] = []
    with tracing(flavour, model):
        concrete = trace(flat_call(interface, names), interface.inputs)
    return concrete, [p.name for p in interface.inputs], names


def _probes(model: KerasModel, source: Reference, tracer: Tracer) -> Probes:
    """The `Probes` of a model."""

    def sample(inputs: Sequence[TensorSpec], length: int | Mapping[Axis, int]) -> list[Array]:
        return random_inputs(
            with_values(inputs, source.id_ranges, source.mask_values), length=length, batch=2
        )

    layouts = {getattr(layer, "data_format", None) for layer in layers_of(model)}
    return Probes(tracer.trace, source.reference, sample, "channels_first" in layouts)


def _check_size(model: KerasModel) -> None:
    size = sum(int(tf.TensorShape(w.shape).num_elements() or 0) * 4 for w in model.weights)
    if size > MAX_WEIGHT_BYTES:
        raise UnsupportedError(
            f"the model '{model.name}' is too large for one flatbuffer",
            expected=f"at most {MAX_WEIGHT_BYTES >> 20} MiB of weights",
            found=f"{size >> 20} MiB",
            remedy="Split the model and convert its parts",
        )


def _with_float32_inputs(interface: Interface) -> Interface:
    inputs = tuple(
        replace(p, dtype="float32") if p.dtype in ("float16", "bfloat16", "float64") else p
        for p in interface.inputs
    )
    return replace(interface, inputs=inputs)


def _with_integer_inputs(interface: Interface) -> Interface:
    """The interface with int32 for float inputs that are token ids.

    Such inputs are only cast, or compared for a mask.

    Keras 2 declares the input of an Embedding that comes first as float32; Keras 3 stores the
    shapes of a subclassed model's first call, not its dtypes.
    """
    if not any(p.dtype == "float32" for p in interface.inputs):
        return interface
    free = interface.inputs
    if not interface.declared:
        free = tuple(replace(p, shape=(None, *p.shape[1:])) if p.shape else p for p in free)
    try:
        concrete = trace(flat_call(interface, []), free)
    except Exception:  # noqa: BLE001 - the plan reports what does not trace
        return replace(interface, inputs=free)
    inputs = []
    for spec, tensor in zip(free, concrete.inputs, strict=False):
        ops = [op for op in tensor.consumers() if op.type not in ("NotEqual", "Equal", "Shape")]
        ids = ops and all(op.type == "Cast" and op.outputs[0].dtype.is_integer for op in ops)
        inputs.append(replace(spec, dtype="int32") if ids and spec.dtype == "float32" else spec)
    return replace(interface, inputs=tuple(inputs))


def _ragged_notes(interface: Interface) -> list[str]:
    return [
        f"input '{name}' is ragged in the source, and dense in the file: give each sample at its "
        "own length, not padded"
        for name in interface.ragged
    ]


def _state_notes(model: KerasModel) -> list[str]:
    names = [
        layer.name
        for layer in layers_of(model)
        if getattr(layer, "stateful", False) is True and hasattr(layer, "cell")
    ]
    if not names:
        return []
    return [
        f"stateful layers ({', '.join(names)}) start from zero state at every call, as after "
        "reset_states()"
    ]
