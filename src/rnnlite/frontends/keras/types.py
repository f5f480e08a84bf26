"""Types of Keras's objects, with what is used of them here, for Keras ships none.

Types alone, for type checkers and people; they do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rnnlite.scan.tensors import Array, Tensor

Nested = object
"""A tensor, or tuples, lists and dictionaries of them in any nesting."""

Function = Callable[..., Any]
"""A function or method of Keras that is replaced, or its replacement."""


class Variable(Protocol):
    """A weight."""

    shape: Sequence[int]
    dtype: object

    def numpy(self) -> Array:
        """The value."""
        ...


class Layer(Protocol):
    """Any layer, cell or model."""

    name: str
    built: bool
    compute_dtype: str
    variable_dtype: str

    def __call__(self, *args: Nested, **kwargs: Nested) -> Nested:
        """The outputs of the layer for its inputs."""
        ...


class Masking(Layer, Protocol):
    """The layer that masks time steps of one value."""

    mask_value: float


class RecurrentCell(Protocol):
    """A cell of one of the known kinds."""

    kernel: Variable
    recurrent_kernel: Variable
    bias: Variable
    use_bias: bool
    activation: Callable[[Tensor], Tensor]
    recurrent_activation: Callable[[Tensor], Tensor]
    reset_after: bool
    padding: str
    data_format: str

    def input_conv(self, x: Tensor, w: Tensor, *, padding: str) -> Tensor:
        """Of a ConvLSTM: the convolution of the inputs."""
        ...

    def recurrent_conv(self, x: Tensor, w: Tensor) -> Tensor:
        """Of a ConvLSTM: the convolution of the state."""
        ...


class Wrapper(Layer, Protocol):
    """A layer around another one."""

    layer: InnerLayer


class InnerLayer(Layer, Protocol):
    """A layer as its wrapper calls it."""

    call: Callable[..., Nested]


class KerasModel(Layer, Protocol):
    """A live model of either package."""

    weights: Sequence[Variable]
    inputs: Sequence[Tensor] | None

    def save(self, path: str | Path) -> None:
        """Write it to a file."""
        ...


class Step(Protocol):
    """The step function that a recurrent layer hands to its backend."""

    __module__: str

    def __call__(self, inputs: Nested, states: Sequence[Nested]) -> tuple[Nested, Nested]:
        """Outputs and new states for the inputs of one step and the states before it."""
        ...


CustomObjects = Mapping[str, Any]
"""Classes and functions by the names that a file has for them."""
