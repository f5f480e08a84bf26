"""Trace a Keras model without side effects, with its recurrences lowered.

What enters: a live model, its `Interface`, the shapes of its inputs. What leaves: `Traced` (a
class of `free_axes`): the function with its Scans lowered, the names of its outputs, notes, and its
`Lengths`. Within `tracing`, attributes of layers read as other values, only in this thread; the
model is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import tensorflow as tf

from rnnlite.frontends.functions import trace
from rnnlite.frontends.keras.capture import capture
from rnnlite.frontends.keras.flavour import Flavour, as_float32, layers_of
from rnnlite.frontends.keras.free_axes import Traced
from rnnlite.frontends.keras.interface import Interface, flat_outputs
from rnnlite.frontends.keras.neutral import Changed, any_input_shape, any_layer_name, neutral
from rnnlite.frontends.keras.patching import seeming
from rnnlite.frontends.keras.types import KerasModel
from rnnlite.frontends.random_inputs import random_inputs
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.frontends.request import Request
from rnnlite.lengths.lengths import Values
from rnnlite.lengths.tracing import lengths_of
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.survey import Survey, within_budget
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import TensorSpec


@dataclass(frozen=True)
class Tracing:
    """What was changed for the trace, and notes for the user."""

    changed: Changed
    notes: tuple[str, ...]


@contextmanager
def tracing(flavour: Flavour, model: KerasModel, *, keep_unroll: bool = False) -> Iterator[Tracing]:
    """A context in which the model can be traced without side effects; gives what was changed."""
    with (
        neutral(model, keep_unroll=keep_unroll) as changed,
        any_input_shape(flavour),
        any_layer_name(flavour),
        _in_float32(flavour, model) as notes,
    ):
        yield Tracing(changed, tuple(notes))


@contextmanager
def _in_float32(flavour: Flavour, model: KerasModel) -> Iterator[list[str]]:
    """A context in which layers of half or double precision compute in float32; gives notes."""
    layers = [
        layer
        for layer in layers_of(model)
        if getattr(layer, "compute_dtype", None) in ("float16", "bfloat16", "float64")
    ]
    names = sorted({layer.compute_dtype for layer in layers})
    with seeming({id(layer): as_float32(flavour, layer) for layer in layers}, layers):
        yield [f"layers that compute in {n} are converted to compute in float32" for n in names]


def flat_call(interface: Interface, names: list[str]) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """The model as a function of flat lists. A call fills `names` with those of the outputs."""

    def call(tensors: Sequence[Tensor]) -> list[Tensor]:
        leaves = flat_outputs(interface.call(tensors), interface.output_names)
        names[:] = [name for name, _ in leaves]
        return [tf.convert_to_tensor(leaf) for _, leaf in leaves]

    return call


class Tracer:
    """Traces the model for inputs of given shapes, with its recurrences lowered; once for each."""

    def __init__(
        self, flavour: Flavour, model: KerasModel, interface: Interface, request: Request
    ) -> None:
        self._flavour, self._model, self._interface = flavour, model, interface
        self._options = request.schedule
        self._traced: dict[tuple[TensorSpec, ...], Traced] = {}

    def trace(self, inputs: Sequence[TensorSpec]) -> Traced:
        """The model traced for these inputs; the same `Traced` again for the same inputs."""
        key = tuple(inputs)
        if key not in self._traced:
            weights = [w.shape for w in self._model.weights]
            # Where the file has a budget, a first trace counts what the model holds.
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
            tracing(self._flavour, self._model) as traced,
            capture(self._flavour, traced.changed, options) as captured,
        ):
            function = trace(flat_call(self._interface, names), inputs)
        return function, tuple(names), captured, traced.notes

    def _runs(self, inputs: Sequence[TensorSpec], values: Values) -> bool:
        """Whether the source, run op by op, takes these lengths."""
        arrays = random_inputs(inputs, length=values, batch=1)
        try:
            with tracing(self._flavour, self._model):
                self._interface.call([tf.constant(a) for a in arrays])
        except Exception:  # noqa: BLE001 - the source's own refusal, of any kind
            return False
        return True
