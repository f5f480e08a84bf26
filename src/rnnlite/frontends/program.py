"""The Program: what every front end gives, and every later stage takes instead of the source.

What enters: what a front end has traced. What leaves: data that nothing changes.

A Program has one `Entry` for each signature of the file that it becomes. Weights that entries share
are constants of equal content, which a file holds once (`lite.merging`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnlite.errors import FrontEndError
from rnnlite.lengths.lengths import Lengths
from rnnlite.lengths.sizes import Axis
from rnnlite.scan.scan import Lowered, Recurrence
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import Array, TensorSpec


def with_lengths(inputs: Sequence[TensorSpec], lengths: Lengths) -> tuple[TensorSpec, ...]:
    """Inputs with the least sizes of their axes, and the axis that recurrences run over."""
    least, times = lengths.least, lengths.times
    found = []
    for k, spec in enumerate(inputs):
        sizes = tuple(least.get(Axis(k, axis), 1) for axis in range(len(spec.shape)))
        axes = sorted(a.axis for a in times if a.input == k)
        found.append(
            replace(
                spec,
                least=sizes if max(sizes, default=1) > 1 else (),
                time_axis=axes[0] if axes else None,
            )
        )
    return tuple(found)


def type_notes(declared: Sequence[TensorSpec], taken: Sequence[TensorSpec]) -> list[str]:
    """Notes on inputs that the source declares as floats, and that take integers."""
    return [
        f"input '{a.name}' takes token ids: {b.dtype} in place of {a.dtype} (predict takes whole "
        "numbers as floats too)"
        for a, b in zip(declared, taken, strict=True)
        if a.dtype != b.dtype and b.dtype.startswith("int")
    ]


SIGNATURE = "serving_default"
"""The name of the signature of a source that has one function."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One function of an opened source, which becomes one signature of the file.

    Attributes:
        origin: what the source is, for the report, e.g. "Keras 3 Sequential 'speaker'".
        inputs, outputs: in the source's order, with the source's names.
        function: a TensorFlow ConcreteFunction, list of inputs -> list of outputs, in which
            recurrences are lowered to loops of plain ops.
        reference: the source's own computation, list of NumPy arrays -> list of NumPy arrays. It
            takes every shape that `inputs` allow, and raises whatever the source raises.
        perturbed: (amount, seed) -> the reference with each weight moved at random by amount *
            sqrt(its number of inputs), relative, and inputs of exponentials by amount. The check
            derives its error bound from it.
        recurrences: a record for each Scan.
        notes: what the user should know, e.g. which layer pins the length.
        lengths: how the lengths inside follow from those of the inputs.
        scans: the Scans, with their results in `function`.
        place: the name of an op of `function` -> its layer, in words.
        signature: the name of its signature in the file.
    """

    origin: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    function: ConcreteFunction
    reference: Callable[[Sequence[Array]], list[Array]]
    perturbed: Callable[[float, int], Callable[[Sequence[Array]], list[Array]]]
    recurrences: tuple[Recurrence, ...]
    notes: tuple[str, ...] = ()
    lengths: Lengths = Lengths()  # noqa: RUF009 (immutable)
    scans: tuple[Lowered, ...] = ()
    place: Callable[[str], str] = repr
    signature: str = SIGNATURE

    @property
    def id_ranges(self) -> dict[str, tuple[int, int]]:
        """Smallest and largest valid token id, for inputs that are looked up in a table."""
        return {s.name: s.ids for s in self.inputs if s.ids is not None}

    @property
    def mask_values(self) -> dict[str, float]:
        """The value that masks a time step, for inputs that have one."""
        return {s.name: s.mask_value for s in self.inputs if s.mask_value is not None}


@dataclass(frozen=True, eq=False)
class Program:
    """An opened source: its functions, each of which becomes a signature of the file.

    Attributes:
        origin: what the source is, for the report, e.g. "SavedModel 'translator'".
        entries: the functions; the file runs the first one where a caller names no signature.
        notes: what the user should know, whatever the function.

    Raises:
        FrontEndError: there is no entry, or two have one signature.
    """

    origin: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [entry.signature for entry in self.entries]
        if not names or len(set(names)) < len(names):
            raise FrontEndError(
                f"{self.origin} has no Program",
                expected="one entry or more, each with a signature of its own",
                found=", ".join(f"'{name}'" for name in names) or "no entry",
            )

    @classmethod
    def of(cls, entry: Entry) -> Program:
        """The Program of a source with one function."""
        return cls(entry.origin, (entry,))

    @property
    def main(self) -> Entry:
        """The entry that the file runs where a caller names no signature."""
        return self.entries[0]


@dataclass(frozen=True)
class FrozenGraph:
    """A source as a graph without variables.

    Attributes:
        content: a serialized GraphDef.
        inputs, outputs: in the source's order.
    """

    content: bytes
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def as_numpy(values: Sequence[Tensor]) -> list[Array]:
    """TensorFlow results as NumPy arrays of their own shapes and dtypes."""
    return [np.asarray(value) for value in values]
