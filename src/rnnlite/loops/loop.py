"""A loop as its reader sees it, and the interfaces that a front end implements for the reader.

What enters: a loop of any dialect. What leaves: a `Loop`, which a front end makes: variables with
their values in front of the loop, a body that computes their next values, a condition. The reader
does not look into tensors. It asks the `Region` to compute nodes of the source, and `Tensors` to
compute with whole sequences.
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
        """The name of the array, for messages."""
        ...

    @property
    def size(self) -> Count | None:
        """The number of rows; None where the array grows as rows are written."""
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
    """The nodes of a body or of a condition. Some values are bound: known in front of the loop."""

    def node(self, ref: Ref) -> Node | None:
        """The node that makes a value; None for variables and for values from outside the loop."""
        ...

    def bind(self, values: Mapping[Ref, Value]) -> Region:
        """The same nodes, with more values bound to tensors in front of the loop."""
        ...

    def is_bound(self, ref: Ref) -> bool:
        """Whether a value is bound to a tensor in front of the loop."""
        ...

    def value(self, ref: Ref) -> Tensor:
        """The tensor of a value that the loop does not change, computed in front of the loop."""
        ...

    def shape(self, ref: Ref) -> Shape | None:
        """The shape of a value that the loop does not change; None for no tensor, or no rank."""
        ...

    def known(self, tensor: Value) -> Array | None:
        """The content of a tensor in front of the loop; None where it is not known before a run."""
        ...

    def emit(self, refs: Sequence[Ref], given: Mapping[Ref, Tensor]) -> list[Tensor]:
        """Compute values of one step from given values, in the graph that is being built."""
        ...

    def apply(self, node: Node, operands: Sequence[Tensor]) -> Tensor:
        """Compute an elementwise node or a softmax on other operands than those it `reads`."""
        ...

    def shapes(
        self,
        refs: Sequence[Ref],
        states: Mapping[Ref, Tensor],
        rows: Mapping[Ref, Tensor],
        counters: Mapping[Ref, Integer],
    ) -> dict[Ref, Shape | None]:
        """Shapes of the values that one step computes for `refs`; no graph keeps any op of it.

        Args:
            refs: the values that are wanted.
            states: the states, by reference.
            rows: sequences (T, ...), by the reference to their row of one step.
            counters: the counters, by reference; scalars.

        Returns:
            A shape for each tensor, None where its rank is not known. Values that are no tensors
            are left out.
        """
        ...

    def extend(self, nodes: Sequence[Node], constants: Mapping[Ref, Array], like: Node) -> Region:
        """The region with more nodes; a node of an old name takes the place of the old one.

        Args:
            nodes: new nodes, of kinds MATMUL, CONCAT, ADD and BIAS_ADD.
            constants: constants that the new nodes read, by reference.
            like: a node whose dtype the new nodes have.
        """
        ...


class Tensors(Protocol):
    """What the reader does with tensors of whole sequences (T, ...)."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """A context in which the names of new ops begin with `name`."""
        ...

    def shape(self, x: Tensor) -> Shape | None:
        """The shape of a tensor as far as it is known; None where its rank is not known."""
        ...

    def scalar(self, x: Tensor) -> Tensor:
        """A tensor of one element as a number."""
        ...

    def vector(self, x: Tensor) -> Tensor:
        """All elements of a tensor, along one axis."""
        ...

    def column(self, x: Tensor) -> Tensor:
        """All elements of a tensor, as (T, 1)."""
        ...

    def offset(self, x: Tensor, number: Integer) -> Tensor:
        """x plus a number, in the type of the number."""
        ...

    def add(self, x: Tensor, bias: Tensor) -> Tensor:
        """(T, ..., F) plus (F,)."""
        ...

    def product(self, x: Tensor, w: Tensor, *, transposed: bool) -> Tensor:
        """(T, B, F) times (F, G), or the transpose of (G, F), as one product -> (T, B, G)."""
        ...

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Concatenate tensors along an axis."""
        ...

    def expand(self, x: Tensor, axis: int) -> Tensor:
        """Insert an axis of size 1."""
        ...

    def take(self, table: Tensor, ids: Tensor) -> Tensor:
        """Look up rows of a table by ids."""
        ...

    def steps(self, count: Count) -> Tensor:
        """0, 1, 2, ... as (T, 1)."""
        ...

    def as_rows(self, x: Tensor, name: str, axis: int) -> Rows:
        """A tensor as an array of rows along an axis; messages call the array `name`."""
        ...

    def first(self, array: Rows, count: Count) -> Tensor:
        """The first `count` rows of an array."""
        ...

    def rows_at(self, array: Rows, indices: Tensor) -> Tensor:
        """Rows of an array by their indices (T,); the last one for those beyond the end."""
        ...

    def is_full(self, array: Rows, count: Count) -> bool:
        """Whether an array surely has `count` rows."""
        ...

    def bound(self, limit: Tensor, more: int) -> Count:
        """The number of iterations that a limit of a counter allows: `limit + more`, int32."""
        ...

    def least(self, bounds: Sequence[Count]) -> Count:
        """The least of several numbers of iterations, 0 at least."""
        ...


@dataclass(frozen=True, eq=False)
class Variable:
    """What a loop carries from one iteration to the next.

    Attributes:
        argument: the reference to its value in the body.
        update: the reference to its next value in the body.
        tested: the reference to its value in the condition.
        initial: its value in front of the loop.
        rows: `initial`, where the variable is an array of rows; else None.
        wanted: whether anything reads the variable behind the loop.
        last: whether only the last row of an array is read behind the loop.
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
        """The value in front of the loop, of a variable that is no array."""
        if self.rows is not None:
            raise InternalError(f"'{self.argument}' is an array")
        return cast(Tensor, self.initial)


@dataclass(frozen=True, eq=False)
class Condition:
    """The condition of a loop, tested in front of each iteration.

    Attributes:
        region: the nodes of the condition.
        result: the reference to its truth value.
    """

    region: Region
    result: Ref


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, ready to be read.

    Attributes:
        name: for the report and for errors.
        body: the nodes of the body; values from outside the loop are bound.
        condition: what is tested in front of each iteration; values from outside are bound.
        variables: the variables that the loop carries.
        outside: references in the body to values from outside the loop.
        arrays: the references of `outside` that are arrays of rows.
        weights: references of `outside`, and of variables, that are constants of the source ->
            the name of the constant there.
        tensors: computes with whole sequences.
    """

    name: str
    body: Region
    condition: Condition
    variables: tuple[Variable, ...]
    tensors: Tensors
    outside: frozenset[Ref] = frozenset()
    arrays: Mapping[Ref, Rows] = field(default_factory=dict)
    weights: Mapping[Ref, str] = field(default_factory=dict)
