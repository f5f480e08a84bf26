"""The values of a graph: results of ops, constants, and inputs.

What enters: a type, a shape, quantization parameters, elements where it is a constant. What leaves:
a `Value`.

A value knows its producer and its uses. They change only where the operands and results of ops, and
the outputs of a graph, are set.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rnnlite.lite.ir.graph import Graph
    from rnnlite.lite.ir.ops import Op

Array = npt.NDArray[Any]

FREE = -1
"""The size of a free axis in a shape."""


@dataclass(frozen=True)
class Quantization:
    """How integers stand for real numbers: real = scale * (integer - zero point).

    Attributes:
        scales: one, or one for each index of an axis; float32 numbers.
        zero_points: as many zero points.
        axis: the axis to which several scales belong.
        range: smallest and largest values, where the file states them.
        details: the details of another kind of quantization, unchanged from the file.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0
    range: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    details: Hashable = None

    @classmethod
    def of(
        cls, scales: npt.ArrayLike, zero_points: npt.ArrayLike = 0, axis: int = 0
    ) -> Quantization:
        """Quantization parameters from numbers or arrays; one zero point may serve all scales."""
        known = np.atleast_1d(np.asarray(scales, np.float32))
        points = np.zeros(len(known), np.int64) + np.asarray(zero_points, np.int64)
        return cls(tuple(known.tolist()), tuple(points.tolist()), axis)

    @property
    def is_empty(self) -> bool:
        """Whether it has no content: the converter gives such an object to all tensors."""
        return not (self.scales or self.zero_points or any(self.range) or self.details is not None)


@dataclass(frozen=True)
class Origin:
    """What a value of the float model was made of.

    Attributes:
        paths: names of the ops that made it, as the source and the lowering have them.
        value: a key that is equal for the same value in other steps of one recurrence, in this or
            another loop over steps; None outside of steps.
        scan: the number of the Scan whose step made it; None outside of steps.
    """

    paths: tuple[str, ...]
    value: tuple[Hashable, ...] | None = None
    scan: int | None = None


class Use(NamedTuple):
    """An op that reads a value, and the index of the operand."""

    op: Op
    place: int


class Value:
    """A value of one graph. Made by `Graph.value`, `Graph.constant` and `Graph.like`.

    Attributes:
        graph: the graph that it belongs to.
        name: a name for people and tools; "" where it has none.
        type: NumPy's name of the type of its elements: "float32", "int8", ...
        quantization: scales and zero points; None where there are none.
        data: the elements of a constant, in its shape. None for all other values, and for constants
            without elements. Raw bytes, where NumPy has no such type, or their number does not fit
            the shape. It is never written to: values and copies of a model share it.
        is_variable: whether it keeps its content from run to run.
        origin: what it was made of; None where a pass made it.
        producer: the op that makes it; None for inputs and constants.
        rank_is_said, extra: further fields of the file, which no pass uses.
    """

    __slots__ = (
        "_read",
        "_results",
        "_shape",
        "_signature",
        "_uses",
        "data",
        "derived",
        "extra",
        "graph",
        "is_variable",
        "name",
        "origin",
        "producer",
        "quantization",
        "rank_is_said",
        "type",
    )

    def __init__(
        self,
        graph: Graph,
        type: str,
        shape: Iterable[int] | None,
        signature: Iterable[int] | None = None,
    ) -> None:
        self.graph = graph
        self.type = type
        self._shape = None if shape is None else tuple(map(int, shape))
        self._signature = None if signature is None else tuple(map(int, signature))
        self._read = (False, False)
        self.name = ""
        self.quantization: Quantization | None = None
        self.data: Array | None = None
        self.is_variable = False
        self.origin: Origin | None = None
        self.derived = 0
        self.producer: Op | None = None
        self.rank_is_said = True
        self.extra: dict[str, object] = {}
        self._uses: dict[Use, None] = {}
        self._results = 0

    def __repr__(self) -> str:
        return f"{self.label}: {self.type}{list(self.dims)}"

    @property
    def label(self) -> str:
        """The name of the value in messages."""
        if self.name:
            return f"'{self.name}'"
        number = next((k for k, v in enumerate(self.graph.values) if v is self), -1)
        return f"tensor {number} of subgraph {self.graph.number}"

    # Shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape before inputs are resized: the size of a free axis is mostly 1."""
        return self._shape or ()

    @shape.setter
    def shape(self, shape: Iterable[int]) -> None:
        self._shape = tuple(map(int, shape))
        self._read = (False, self._read[1])

    @property
    def signature(self) -> tuple[int, ...] | None:
        """The schema's shape signature: the shape with `FREE` for free axes.

        None where the file has none; `dims` always has the shape with free axes.
        """
        return self._signature

    @signature.setter
    def signature(self, signature: Iterable[int] | None) -> None:
        self._signature = None if signature is None else tuple(map(int, signature))
        self._read = (self._read[0], False)

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape, with `FREE` for free axes."""
        return self.shape if self._signature is None else self._signature

    @property
    def layout(self) -> tuple[Hashable, ...]:
        """Type and shape as the file has them: equal for values that may be stored once."""
        return self.type, self._shape, self._signature, self._read, self.rank_is_said

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of `shape`."""
        return prod(self.shape)

    @property
    def is_free(self) -> bool:
        """Whether an axis is free."""
        return FREE in self.dims

    # Content

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant, whose elements are in the file."""
        return self.data is not None

    @property
    def is_empty(self) -> bool:
        """Whether it has no elements, such as the shape of a scalar."""
        return 0 in self.shape

    @property
    def scale(self) -> float:
        """The one scale of a quantized value.

        Raises:
            ValueError: it has no scale, or several.
        """
        if self.quantization is None or len(self.quantization.scales) != 1:
            raise ValueError(f"{self!r} has no single scale")
        return self.quantization.scales[0]

    @property
    def zero_point(self) -> int:
        """The one zero point of a quantized value.

        Raises:
            ValueError: it has no zero point, or several.
        """
        if self.quantization is None or len(self.quantization.zero_points) != 1:
            raise ValueError(f"{self!r} has no single zero point")
        return self.quantization.zero_points[0]

    def constant(self, *types: str) -> Array | None:
        """The elements of a constant of one of these types, in its shape; else None."""
        return self.data if self.type in types else None

    def integers(self) -> list[int] | None:
        """The elements of a constant of integers in order; None for any other value."""
        found = self.constant("int32", "int64")
        return None if found is None else [int(n) for n in found.ravel()]

    # Uses

    @property
    def uses(self) -> tuple[Use, ...]:
        """All uses: one for each operand of an op that is this value."""
        return tuple(self._uses)

    @property
    def readers(self) -> tuple[Op, ...]:
        """The ops that read it, each once."""
        return tuple(dict.fromkeys(use.op for use in self._uses))

    @property
    def is_result(self) -> bool:
        """Whether it is an output of its graph."""
        return self._results > 0

    @property
    def is_read(self) -> bool:
        """Whether an op reads it, or it is an output of its graph."""
        return bool(self._uses) or self._results > 0

    def replace_uses(self, new: Value, *, results: bool = True) -> None:
        """Have all ops that read this value read another one.

        Args:
            new: a value of the same graph.
            results: whether to replace it among the outputs of the graph, too.
        """
        for op, place in self.uses:
            op.set_input(place, new)
        if results and self._results:
            self.graph.outputs = [new if v is self else v for v in self.graph.outputs]

    def derive_from(self, like: Value) -> None:
        """Set the `Origin` of this value, from the value that it was made for.

        Passes do the same in all steps, so the n-th values made for one value in all steps get the
        same key.
        """
        origin = like.origin
        if origin is not None and origin.value is not None:
            like.derived += 1
            origin = replace(origin, value=(*origin.value, like.derived))
        self.derived = 0
        self.origin = origin
