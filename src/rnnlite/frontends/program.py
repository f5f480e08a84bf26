"""The Program: what every front end gives and every later stage takes, its source forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnlite.axes import Batched
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.scan import Lowered, Recurrence

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Port(Batched):
    """One input or output of a model.

    Attributes:
        name: the source's name for it.
        shape: with the batch axis; None where an axis is free.
        dtype: NumPy name, e.g. "float32".
        batch_axis: 0, but 1 for time-major tensors; None where there is none.
        counts: whether it holds the number of time steps of each sequence.
        least: the least size of each axis that the model takes; () where any size does.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    batch_axis: int | None = 0
    counts: bool = False
    least: tuple[int, ...] = ()


def with_least(ports: Sequence[Port], lengths: Lengths) -> tuple[Port, ...]:
    """Inputs with the least sizes of their axes."""
    least = lengths.least
    sizes = [
        tuple(least.get(Axis(k, axis), 1) for axis in range(len(p.shape)))
        for k, p in enumerate(ports)
    ]
    return tuple(
        replace(p, least=found if max(found, default=1) > 1 else ())
        for p, found in zip(ports, sizes, strict=True)
    )


def type_notes(declared: Sequence[Port], taken: Sequence[Port]) -> list[str]:
    """What is to be said of inputs that are declared as floats and take integers."""
    return [
        f"input '{a.name}' takes token ids: {b.dtype} in place of {a.dtype} (predict takes whole "
        "numbers as floats too)"
        for a, b in zip(declared, taken, strict=True)
        if a.dtype != b.dtype and b.dtype.startswith("int")
    ]


@dataclass(frozen=True, eq=False)
class Program:
    """A source opened, its recurrences lowered.

    Attributes:
        origin: what the source is, for the report, e.g. "Keras 3 Sequential 'speaker'".
        inputs, outputs: in the source's order, with the source's names.
        function: a TensorFlow ConcreteFunction, list of inputs -> list of outputs, recurrences
            lowered to loops of plain ops, weights inlined.
        reference: the source's own computation on NumPy arrays, in the order of `inputs`; it takes
            every shape that `inputs` allow and raises whatever the source raises.
        perturbed: (amount, seed) -> the same with every weight moved at random by about amount *
            sqrt(its number of inputs), relative, and exponentials by amount. The check derives its
            error bound from it.
        recurrences: one record for each Scan.
        notes: what the user should know, e.g. which layer pins the length.
        id_ranges: smallest and largest valid value of integer inputs that are looked up in a table.
        mask_values: the value that masks a time step, for float inputs that have one.
        lengths: how the lengths inside follow from those of the inputs.
        scans: the recurrences and the tensors of `function` that they became.
        place: the name of an op of `function` -> its layer, in words.
    """

    origin: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    function: Any
    reference: Callable[[Sequence[Array]], list[Array]]
    perturbed: Callable[[float, int], Callable[[Sequence[Array]], list[Array]]]
    recurrences: tuple[Recurrence, ...]
    notes: tuple[str, ...] = ()
    id_ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    mask_values: Mapping[str, float] = field(default_factory=dict)
    lengths: Lengths = Lengths()  # noqa: RUF009 (immutable)
    scans: tuple[Lowered, ...] = ()
    place: Callable[[str], str] = repr


End = tuple[str, tuple[int | None, ...] | None, str]
"""Name, shape (None where not even the rank is known) and dtype."""


@dataclass(frozen=True)
class FrozenGraph:
    """A source as a graph without variables.

    Attributes:
        content: a GraphDef, serialized.
        inputs, outputs: in the source's order.
    """

    content: bytes
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]


def as_numpy(values: Sequence[Any]) -> list[Array]:
    """TensorFlow results as NumPy arrays."""
    return [np.asarray(value) for value in values]
