"""The reference of a Keras model: its own computation, with its recurrences unchanged.

What enters: a live model, and its `Interface`. What leaves: functions from one NumPy array for each
input to one for each output; the same with moved weights; what is known of the inputs' values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from rnnlite.frontends.functions import Runner, id_ranges, perturbed, runner, trace
from rnnlite.frontends.keras.distributed import in_one_loop
from rnnlite.frontends.keras.flavour import Flavour, layers_of
from rnnlite.frontends.keras.interface import Interface
from rnnlite.frontends.keras.tracing import flat_call, tracing
from rnnlite.frontends.keras.types import KerasModel, Layer, Masking
from rnnlite.scan.tensors import ConcreteFunction
from rnnlite.specs import Array, TensorSpec


class Reference:
    """The model's own computation, with its recurrences unchanged: the reference of the check.

    It is traced once, for free shapes. Only where a layer unrolls under a mask, it is traced for
    each shape: unrolling needs a fixed length, and treats masks in its own way.
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

    def reference(self, inputs: Sequence[TensorSpec]) -> Runner:
        """A function of NumPy arrays for all shapes that `inputs` allow."""
        if not self._unrolled:
            self._trace(inputs)
        return lambda arrays: runner(self._trace(self._shapes(inputs, arrays)))(arrays)

    def perturbed(self, inputs: Sequence[TensorSpec]) -> Callable[[float, int], Runner]:
        """See `Entry.perturbed`."""

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
        if not self._unrolled:
            return tuple(inputs)
        return tuple(replace(p, shape=a.shape) for p, a in zip(inputs, arrays, strict=True))

    def _trace(self, inputs: Sequence[TensorSpec]) -> ConcreteFunction:
        key = tuple(inputs)
        if key not in self._traced:
            with (
                tracing(self._flavour, self._model, keep_unroll=self._unrolled),
                in_one_loop(self._flavour),
            ):
                self._traced[key] = trace(flat_call(self._interface, []), key)
            self.id_ranges = id_ranges(self._traced[key], key)
        return self._traced[key]


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
