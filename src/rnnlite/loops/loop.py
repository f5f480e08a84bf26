"""A loop as its reader sees it, and what a front end gives with it: regions, arrays, tensors.

What enters: a loop of any dialect. What leaves: a `Loop`, and the interfaces that a front end
implements for it.

A front end describes a loop as a `Loop`: variables with their values in front of it, a body that
makes new values of them, a condition. Tensors are opaque here; what is to be done with them is
asked of the `Region` (nodes of the source) and of `Tensors` (whole sequences).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, cast

from rnnlite.errors import InternalError
from rnnlite.loops.nodes import Node, Ref
from rnnlite.scan.tensors import Array, Count, Integer, Tensor

Shape = tuple[int | None, ...]


class Rows(Protocol):
    """An array that a loop reads or writes row by row, at one point of a computation."""

    @property
    def name(self) -> str:
        """What it is called, for messages."""
        ...

    @property
    def size(self) -> Count | None:
        """The number of rows; None where it grows as it is written."""
        ...

    @property
    def content(self) -> Tensor | None:
        """The rows (N, ...); None while nothing was written."""
        ...

    def length(self) -> Count:
        """The number of rows at this point."""
        ...

    def rows(self) -> Tensor:
        """The rows (N, ...), zeros where nothing was written."""
        ...


Value = Tensor | Rows


class Region(Protocol):
    """Nodes of a body or of a condition, and the values that are there in front of the loop."""

    def node(self, ref: Ref) -> Node | None:
        """The node that makes a value; None for what comes from outside, variables among it."""
        ...

    def bind(self, values: Mapping[Ref, Value]) -> Region:
        """The same nodes with more values that are there in front of the loop."""
        ...

    def is_bound(self, ref: Ref) -> bool:
        """Whether a value is there in front of the loop."""
        ...

    def value(self, ref: Ref) -> Tensor:
        """A value that the loop does not change, computed in front of it if need be."""
        ...

    def shape(self, ref: Ref) -> Shape | None:
        """The shape of such a value; None where its rank is not known, or it is no tensor."""
        ...

    def known(self, tensor: Value) -> Array | None:
        """A tensor's value in front of the loop, in its shape, where it is known without a run."""
        ...

    def emit(self, refs: Sequence[Ref], given: Mapping[Ref, Tensor]) -> list[Tensor]:
        """Values of one step, in the graph that is being built, from the given ones."""
        ...

    def apply(self, node: Node, operands: Sequence[Tensor]) -> Tensor:
        """An elementwise node, or a softmax, of other operands in place of what it `reads`."""
        ...

    def shapes(
        self,
        refs: Sequence[Ref],
        states: Mapping[Ref, Tensor],
        rows: Mapping[Ref, Tensor],
        counters: Mapping[Ref, Integer],
    ) -> dict[Ref, Shape | None]:
        """Shapes of what one step makes on the way to `refs`; nothing is left in any graph.

        Args:
            states: the states.
            rows: sequences (T, ...), whose first row stands for the row of the step.
            counters: scalars of these types.

        Returns:
            A shape for each tensor, None where its rank is not known; nothing for what is no
            tensor.
        """
        ...

    def extend(self, nodes: Sequence[Node], constants: Mapping[Ref, Array], like: Node) -> Region:
        """The region with nodes added, or put in the place of those of the same names.

        Args:
            nodes: of kinds MATMUL, CONCAT, ADD and BIAS_ADD.
            constants: what they read beside values of the region.
            like: a node of the dtype that they compute in.
        """
        ...


class Tensors(Protocol):
    """What the reader does with tensors of whole sequences (T, ...)."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Within it, ops are named below `name`."""
        ...

    def shape(self, x: Tensor) -> Shape | None:
        """Its shape as far as it is known; None where its rank is not."""
        ...

    def scalar(self, x: Tensor) -> Tensor:
        """A tensor of one element as a number."""
        ...

    def vector(self, x: Tensor) -> Tensor:
        """All elements along one axis."""
        ...

    def column(self, x: Tensor) -> Tensor:
        """All elements as (T, 1)."""
        ...

    def offset(self, x: Tensor, number: Integer) -> Tensor:
        """x plus a number, in the type of that."""
        ...

    def add(self, x: Tensor, bias: Tensor) -> Tensor:
        """(T, ..., F) plus (F,)."""
        ...

    def product(self, x: Tensor, w: Tensor, *, transposed: bool) -> Tensor:
        """(T, B, F) times (F, G), or the transpose of (G, F), as one product -> (T, B, G)."""
        ...

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Side by side."""
        ...

    def expand(self, x: Tensor, axis: int) -> Tensor:
        """With a new axis of one."""
        ...

    def take(self, table: Tensor, ids: Tensor) -> Tensor:
        """Rows of a table."""
        ...

    def steps(self, count: Count) -> Tensor:
        """0, 1, 2, ... as (T, 1)."""
        ...

    def as_rows(self, x: Tensor, name: str, axis: int) -> Rows:
        """A tensor as an array of its rows along an axis, called so in messages."""
        ...

    def first(self, array: Rows, count: Count) -> Tensor:
        """The first rows of an array."""
        ...

    def rows_at(self, array: Rows, indices: Tensor) -> Tensor:
        """Rows of an array by their indices (T,); the last one for those beyond the end."""
        ...

    def is_full(self, array: Rows, count: Count) -> bool:
        """Whether an array surely has that many rows."""
        ...

    def bound(self, limit: Tensor, more: int) -> Count:
        """A limit of a counter as a number of iterations: `limit + more`, int32."""
        ...

    def least(self, bounds: Sequence[Count]) -> Count:
        """The least of several numbers of iterations, 0 at least."""
        ...


@dataclass(frozen=True, eq=False)
class Variable:
    """What a loop carries from one iteration to the next.

    Attributes:
        argument: what the body calls it.
        update: what the body calls its new value.
        tested: what the condition calls it.
        initial: its value in front of the loop.
        rows: the same where it is an array of rows, else None.
        wanted: whether anything reads it behind the loop.
        last: of an array, whether nothing but the last row of it is read there.
    """

    argument: Ref
    update: Ref
    tested: Ref
    initial: Value
    rows: Rows | None = None
    wanted: bool = True
    last: bool = False

    @property
    def tensor(self) -> Tensor:
        """The value in front of the loop of what is no array."""
        if self.rows is not None:
            raise InternalError(f"'{self.argument}' is an array")
        return cast(Tensor, self.initial)


@dataclass(frozen=True, eq=False)
class Condition:
    """What is tested in front of each iteration.

    Attributes:
        region: its nodes.
        result: reference to the truth value.
    """

    region: Region
    result: Ref


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, ready to be read.

    Attributes:
        name: for the report and for errors.
        body: its nodes; what it reads from outside is bound.
        condition: what is tested in front of each iteration; the same is bound there.
        variables: what is carried.
        outside: references in the body to what it reads from outside.
        arrays: those of them that are arrays of rows.
        weights: those of them (or of variables) that are constants of the source -> its name.
        tensors: what sequences are computed with.
    """

    name: str
    body: Region
    condition: Condition
    variables: tuple[Variable, ...]
    tensors: Tensors
    outside: frozenset[Ref] = frozenset()
    arrays: Mapping[Ref, Rows] = field(default_factory=dict)
    weights: Mapping[Ref, str] = field(default_factory=dict)
