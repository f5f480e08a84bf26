"""What is known of a tensor's size, what an op demands of sizes, and an op as its rule sees it.

What enters: what rules find. What leaves: `Fact`s, `Requirement`s, and `RULES`, the rule of each
kind of op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rnnlite.lengths.sizes import Axis, Size, divided, least_value, reduced, unknown
from rnnlite.lengths.values import axes_of, evaluate, is_known, substitute
from rnnlite.scan.tensors import Operation, Tensor

Sizes = tuple[Size, ...]
Kind = Literal["equal", "multiple", "least", "meant"]
Content = npt.NDArray[np.object_]
"""The numbers in a tensor of integers, each a `Size`: a shape, or what is computed of one."""

LARGEST_CONTENT = 64
"""The content of a tensor with more numbers is not followed; shape vectors are short."""


@dataclass(frozen=True, eq=False)
class Fact:
    """What is known of one tensor.

    Attributes:
        sizes: one for each axis; None where not even the rank is known.
        content: the numbers themselves, for small tensors of integers; None where not followed.
    """

    sizes: Sizes | None
    content: Content | None = None


NOTHING = Fact(None)


@dataclass(frozen=True)
class Requirement:
    """What one op demands of sizes.

    Attributes:
        kind: "equal": left equals right; "multiple": left is a multiple of right; "least": left is
            at least right, else no step is left; "meant": left and right are meant to be equal,
            though the op takes other sizes too.
        left, right: the sizes.
        op: name of the op in its graph.
    """

    kind: Kind
    left: Size
    right: Size
    op: str

    @property
    def axes(self) -> frozenset[Axis]:
        """The free axes that it depends on."""
        return axes_of(self.left) | axes_of(self.right)

    def holds(self, values: Mapping[Axis, int]) -> bool | None:
        """Whether it holds where free axes have these sizes; None where that is not known."""
        left, right = evaluate(self.left, values), evaluate(self.right, values)
        if left is None or right is None:
            return None
        if self.kind in ("equal", "meant"):
            return left == right
        if self.kind == "multiple":
            return right > 0 and left % right == 0
        return left >= right

    def fixed(self, values: Mapping[Axis, int]) -> Requirement | None:
        """The requirement with sizes put in for free axes; None where it then always holds."""
        left, right = substitute(self.left, values), substitute(self.right, values)
        if self.kind != "least":
            left, right = reduced(left, right)
        changed = Requirement(self.kind, left, right, self.op)
        if self.kind == "multiple":
            always = divided(left, right)[1]
        elif self.kind == "least":
            always = least_value(left - right) >= 0
        else:
            always = left == right
        return None if always else changed


class Demands:
    """The requirements of a graph, each once, without those that always hold."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, Size, Size], Requirement] = {}

    def add(self, kind: Kind, left: Size, right: Size, op: str) -> None:
        """Keep a requirement, unless it always holds, or a size in it is unknown."""
        if kind != "least":
            left, right = reduced(left, right)
        if not (is_known(left) and is_known(right)):
            return
        if left == right or (isinstance(left, int) and isinstance(right, int)):
            return
        self.found.setdefault((kind, left, right), Requirement(kind, left, right, op))


class Node:
    """One op, as its rule sees it.

    Attributes:
        op: the TensorFlow op.
        inputs: the Facts of its inputs.
    """

    def __init__(
        self,
        op: Operation,
        inputs: Sequence[Fact],
        demands: Demands,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self._demands = demands

    def attr(self, name: str) -> Any:
        """An attribute of the op."""
        return self.op.get_attr(name)

    def text(self, name: str) -> str:
        """An attribute that is a text."""
        value = self.attr(name)
        return value.decode() if isinstance(value, bytes) else str(value)

    def sizes(self, place: int) -> Sizes:
        """The sizes of an input.

        Raises:
            Untold: its rank is not known.
        """
        found = self.inputs[place].sizes
        if found is None:
            raise Untold
        return found

    def content(self, place: int) -> Content:
        """The numbers in an input.

        Raises:
            Untold: they are not known.
        """
        found = self.inputs[place].content
        if found is None:
            raise Untold
        return found

    def number(self, place: int) -> int:
        """The one number in an input.

        Raises:
            Untold: it is not known.
        """
        (found,) = self.numbers(place)
        return found

    def only(self, place: int) -> Size:
        """The one size in an input.

        Raises:
            Untold: it is not known.
        """
        found: Size = self.content(place).reshape(-1)[0]
        return found

    def numbers(self, place: int) -> list[int]:
        """The numbers in an input, none of them free.

        Raises:
            Untold: they are not known.
        """
        found = list(self.content(place).reshape(-1))
        if not all(isinstance(x, int) for x in found):
            raise Untold
        return found

    def demand_equal(self, left: Size, right: Size) -> Size:
        """Demand that two sizes are equal; gives the better known one."""
        self._demands.add("equal", left, right, self.op.name)
        if isinstance(left, int) or not is_known(right):
            return left
        return right if isinstance(right, int) or not is_known(left) else left

    def demand_multiple(self, left: Size, right: Size) -> None:
        """Demand that a size is a multiple of another."""
        self._demands.add("multiple", left, right, self.op.name)

    def note_meant(self, left: Size, right: Size) -> None:
        """Note that two sizes are meant to be equal."""
        self._demands.add("meant", left, right, self.op.name)

    def demand_least(self, size: Size, least: Size = 1) -> None:
        """Demand that a size is at least another; else no step is left."""
        self._demands.add("least", size, least, self.op.name)


class Untold(Exception):  # noqa: N818 (no error: the rule has nothing to say)
    """A rule cannot tell the results of an op."""


Rule = Callable[[Node], Sequence[Fact]]
"""Gives a Fact for each output of an op. If it raises `Untold`, or anything, nothing is known."""


@dataclass(frozen=True)
class Record:
    """What is known of one kind of op.

    Attributes:
        sizes: the rule for the sizes of its results.
    """

    sizes: Rule


RULES: dict[str, Record] = {}
"""Kind of op -> its record."""


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register a rule for these ops."""

    def register(function: Rule) -> Rule:
        RULES.update({op: Record(function) for op in ops})
        return function

    return register


def static(tensor: Tensor) -> Sizes | None:
    """The sizes of a tensor as its graph states them, free ones unknown."""
    shape = tensor.shape
    if shape.rank is None:
        return None
    return tuple(unknown() if d is None else int(d) for d in shape)


def filled(shape: Sequence[int], value: Size | Sequence[Size] | Content) -> Content:
    """Content of a shape, filled with one value or with an array of that shape."""
    found = np.empty(tuple(shape), object)
    found[...] = value
    return found


def vector(values: Sequence[Size]) -> Content:
    """The content of a vector of these numbers."""
    return filled([len(values)], list(values))


def scalar(value: Size) -> Content:
    """The content of a scalar."""
    return filled([], value)


def with_content(content: Content) -> Fact:
    """The Fact of a tensor whose numbers are known."""
    if content.size > LARGEST_CONTENT:
        return Fact(content.shape)
    return Fact(content.shape, content)
