"""From a live Keras model to a `Program`: plan its shapes, trace it, lower its recurrences.

What enters: a built model, and the request. What leaves: its Program. The model is traced with its
recurrences lowered (`capture`), the reference as it stands; both without side effects (`_tracing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.functions import Runner, id_ranges, perturbed, runner, trace
from rnnlite.frontends.keras import lengths
from rnnlite.frontends.keras.capture import capture
from rnnlite.frontends.keras.flavour import Flavour, as_float32, layers_of
from rnnlite.frontends.keras.freeing import Probes, Traced
from rnnlite.frontends.keras.interface import Interface, flat_outputs, interface_of
from rnnlite.frontends.keras.lookups import refuse_lookups
from rnnlite.frontends.keras.neutral import Changed, any_input_shape, any_layer_name, neutral
from rnnlite.frontends.keras.patching import seeming
from rnnlite.frontends.keras.types import KerasModel, Layer, Masking
from rnnlite.frontends.program import Entry, Program, type_notes, with_lengths
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.randomness import refuse_random
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.frontends.request import Request
from rnnlite.lengths.lengths import Values
from rnnlite.lengths.sizes import Axis
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import Array, TensorSpec, with_values

MAX_WEIGHT_BYTES = (1 << 31) - (1 << 24)
"""A GraphDef and a flatbuffer hold 2 GiB; some of it is not weights."""


def program_from(flavour: Flavour, model: KerasModel, request: Request) -> Program:
    """Open a live, built model of the given flavour.

    Raises:
        SourceError: the model was never built, or takes something that is no tensor of numbers.
        ShapeError: it does not take the sizes that are asked for.
        UnsupportedError: it holds what LiteRT has no form for.
    """
    refuse_lookups(flavour, model)
    declared = interface = _with_float32_inputs(interface_of(flavour, model))
    _check_size(model)
    looked_up = any(type(layer).__name__ == "Embedding" for layer in layers_of(model))
    if not interface.declared or looked_up:
        with _tracing(flavour, model):
            interface = _with_integer_inputs(interface)
    source = _Source(flavour, model, interface)
    tracer = _Tracer(flavour, model, interface, request)
    plan = lengths.plan(flavour, model, interface, request, _probes(model, source, tracer))
    traced = plan.traced
    refuse_random(traced.function, place=lambda op: f"of {lengths.layer_of(op, model)}")
    notes = [*traced.notes, *type_notes(declared.inputs, interface.inputs), *plan.notes]
    notes += _state_notes(model)
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
        place=lambda op: lengths.layer_of(op, model),
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
    with _tracing(flavour, model):
        concrete = trace(_flat_call(interface, names), interface.inputs)
    return concrete, [p.name for p in interface.inputs], names


class _Tracer:
    """The model traced for inputs of given shapes, its recurrences lowered; each once."""

    def __init__(
        self, flavour: Flavour, model: KerasModel, interface: Interface, request: Request
    ) -> None:
        self._flavour, self._model, self._interface = flavour, model, interface
        self._options = request.schedule
        self._traced: dict[tuple[TensorSpec, ...], Traced] = {}

    def trace(self, inputs: Sequence[TensorSpec]) -> Traced:
        """See `Probes.trace`."""
        key = tuple(inputs)
        if key not in self._traced:
            weights = [w.shape for w in self._model.weights]
            options = within_budget(self._options, lambda s: self._capture(key, s)[0], weights)
            function, names, captured, notes = self._capture(key, options)
            found = lengths_of(function, key, captured.lowered)
            if found.axes and not found.known:
                found = found.with_tried(lambda values: self._runs(key, values))
            self._traced[key] = Traced(
                function,
                names,
                tuple(captured.records),
                notes,
                found,
                tuple(captured.lowered),
            )
        return self._traced[key]

    def _capture(
        self, inputs: tuple[TensorSpec, ...], options: Options | Survey
    ) -> tuple[ConcreteFunction, tuple[str, ...], Recurrences, tuple[str, ...]]:
        """The function, the names of its outputs, its recurrences, and notes."""
        names: list[str] = []
        with (
            _tracing(self._flavour, self._model) as tracing,
            capture(self._flavour, tracing.changed, options) as captured,
        ):
            function = trace(_flat_call(self._interface, names), inputs)
        return function, tuple(names), captured, tracing.notes

    def _runs(self, inputs: Sequence[TensorSpec], values: Values) -> bool:
        """Whether the source, run op by op, takes these lengths."""
        arrays = random_inputs(inputs, length=values, batch=1)
        try:
            with _tracing(self._flavour, self._model):
                self._interface.call([tf.constant(a) for a in arrays])
        except Exception:  # noqa: BLE001 - the source's own refusal, of any kind
            return False
        return True


def _probes(model: KerasModel, source: _Source, tracer: _Tracer) -> Probes:
    """Ways to try a model."""

    def sample(inputs: Sequence[TensorSpec], length: int | Mapping[Axis, int]) -> list[Array]:
        return random_inputs(
            with_values(inputs, source.id_ranges, source.mask_values), length=length, batch=2
        )

    layouts = {getattr(layer, "data_format", None) for layer in layers_of(model)}
    return Probes(tracer.trace, source.reference, sample, "channels_first" in layouts)


class _Source:
    """The model's own computation, its recurrences untouched: the reference of the check.

    It is traced once, for free shapes, but for each shape anew

    1. where a layer unrolls under a mask: the source then needs a length, and unrolled layers treat
       masks in their own way;
    2. where Keras 3 has a TimeDistributed, which gives wrong results where the length is free (3.15
       runs it over the batch instead of time).
    """

    def __init__(self, flavour: Flavour, model: KerasModel, interface: Interface) -> None:
        self._flavour = flavour
        self._model = model
        self._interface = interface
        self._traced: dict[tuple[TensorSpec, ...], ConcreteFunction] = {}
        self.id_ranges: dict[str, tuple[int, int]] = {}
        self.mask_values = _mask_values(model, interface)
        layers = layers_of(model)
        self._unrolled = any(
            getattr(layer, "unroll", False) is True for layer in layers
        ) and _masks(layers, interface)
        self._each_shape = self._unrolled or (
            flavour.is_keras3
            and any(isinstance(layer, flavour.layers.TimeDistributed) for layer in layers)
        )

    def reference(self, inputs: Sequence[TensorSpec]) -> Runner:
        """A function of NumPy arrays for all shapes that `inputs` allow."""
        if not self._each_shape:
            self._trace(inputs)
        return lambda arrays: runner(self._trace(self._shapes(inputs, arrays)))(arrays)

    def perturbed(self, inputs: Sequence[TensorSpec]) -> Callable[[float, int], Runner]:
        """See `Program.perturbed`."""

        def perturb(amount: float, seed: int) -> Runner:
            moved: dict[tuple[TensorSpec, ...], Runner] = {}

            def run(arrays: Sequence[Array]) -> list[Array]:
                key = self._shapes(inputs, arrays)
                if key not in moved:
                    moved[key] = perturbed(self._trace(key), amount, seed)
                return moved[key](arrays)

            return run

        return perturb

    def _shapes(
        self, inputs: Sequence[TensorSpec], arrays: Sequence[Array]
    ) -> tuple[TensorSpec, ...]:
        if not self._each_shape:
            return tuple(inputs)
        return tuple(replace(p, shape=a.shape) for p, a in zip(inputs, arrays, strict=True))

    def _trace(self, inputs: Sequence[TensorSpec]) -> ConcreteFunction:
        key = tuple(inputs)
        if key not in self._traced:
            with _tracing(self._flavour, self._model, keep_unroll=self._unrolled):
                self._traced[key] = trace(_flat_call(self._interface, []), key)
            self.id_ranges = id_ranges(self._traced[key], key)
        return self._traced[key]


@dataclass(frozen=True)
class _Tracing:
    """What was changed in the model, and notes for the user."""

    changed: Changed
    notes: tuple[str, ...]


@contextmanager
def _tracing(
    flavour: Flavour, model: KerasModel, *, keep_unroll: bool = False
) -> Iterator[_Tracing]:
    """Within it, the model can be traced without side effects; gives what was changed for it."""
    with (
        neutral(model, keep_unroll=keep_unroll) as changed,
        any_input_shape(flavour),
        any_layer_name(flavour),
        _in_float32(flavour, model) as notes,
    ):
        yield _Tracing(changed, tuple(notes))


def _flat_call(
    interface: Interface, names: list[str]
) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """The model as a function of flat lists; fills in the names of its outputs."""

    def call(tensors: Sequence[Tensor]) -> list[Tensor]:
        leaves = flat_outputs(interface.call(tensors), interface.output_names)
        names[:] = [name for name, _ in leaves]
        return [tf.convert_to_tensor(leaf) for _, leaf in leaves]

    return call


def _check_size(model: KerasModel) -> None:
    size = sum(int(tf.TensorShape(w.shape).num_elements() or 0) * 4 for w in model.weights)
    if size > MAX_WEIGHT_BYTES:
        raise UnsupportedError(
            f"the model '{model.name}' is too large for one flatbuffer",
            expected=f"at most {MAX_WEIGHT_BYTES >> 20} MiB of weights",
            found=f"{size >> 20} MiB",
            remedy="Split the model and convert its parts",
        )


@contextmanager
def _in_float32(flavour: Flavour, model: KerasModel) -> Iterator[list[str]]:
    """Within it, layers of half or double precision compute in float32; gives a note on it."""
    layers = [
        layer
        for layer in layers_of(model)
        if getattr(layer, "compute_dtype", None) in ("float16", "bfloat16", "float64")
    ]
    names = sorted({layer.compute_dtype for layer in layers})
    with seeming({id(layer): as_float32(flavour, layer) for layer in layers}, layers):
        yield [f"layers that compute in {n} are converted to compute in float32" for n in names]


def _with_float32_inputs(interface: Interface) -> Interface:
    inputs = tuple(
        replace(p, dtype="float32") if p.dtype in ("float16", "bfloat16", "float64") else p
        for p in interface.inputs
    )
    return replace(interface, inputs=inputs)


def _with_integer_inputs(interface: Interface) -> Interface:
    """Float inputs that are only cast to int32, or compared for a mask, are token ids.

    Keras 2 declares the input of an Embedding that comes first as float32; Keras 3 stores the
    shapes of a subclassed model's first call, not its dtypes.
    """
    if not any(p.dtype == "float32" for p in interface.inputs):
        return interface
    free = interface.inputs
    if not interface.declared:
        free = tuple(replace(p, shape=(None, *p.shape[1:])) if p.shape else p for p in free)
    try:
        concrete = trace(_flat_call(interface, []), free)
    except Exception:  # noqa: BLE001 - the plan reports what does not trace
        return replace(interface, inputs=free)
    inputs = []
    for spec, tensor in zip(free, concrete.inputs, strict=False):
        ops = [op for op in tensor.consumers() if op.type not in ("NotEqual", "Equal", "Shape")]
        ids = ops and all(op.type == "Cast" and op.outputs[0].dtype.is_integer for op in ops)
        inputs.append(replace(spec, dtype="int32") if ids and spec.dtype == "float32" else spec)
    return replace(interface, inputs=tuple(inputs))


def _mask_values(model: KerasModel, interface: Interface) -> dict[str, float]:
    """The value of the model's Masking layer, for its float inputs."""
    values = [
        cast(Masking, layer).mask_value
        for layer in layers_of(model)
        if type(layer).__name__ == "Masking"
    ]
    if not values:
        return {}
    return {p.name: float(values[0]) for p in interface.inputs if p.dtype.startswith("float")}


def _masks(layers: Sequence[Layer], interface: Interface) -> bool:
    """Whether a mask may reach a recurrence."""
    return any(p.dtype == "bool" for p in interface.inputs) or any(
        type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False) for layer in layers
    )


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
