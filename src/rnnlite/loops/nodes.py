"""The vocabulary in which a front end describes the nodes of a loop.

What enters: the ops of a dialect. What leaves: `Node`s of known kinds.

A reference names a value of a loop: any string that is unique in its region. A node computes one
value or more. The kind of a node says what the reader may rely on. An op that has no kind of its
own is `OTHER`. This is always right: an `OTHER` node stays in the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from rnnlite.scan.tensors import Array

Ref = str
"""The name of a value within a region."""


class Kind(Enum):
    """What a node does. The operands are in this order, whatever their order in the dialect."""

    CONSTANT = auto()
    """`Node.value`."""
    PASS = auto()
    """Hands its operand on as it is."""
    ADD = auto()
    """a + b, broadcast."""
    AND = auto()
    """a and b."""
    LESS = auto()
    """a < b."""
    LESS_EQUAL = auto()
    """a <= b."""
    GREATER = auto()
    """a > b."""
    GREATER_EQUAL = auto()
    """a >= b."""
    ELEMENTWISE = auto()
    """Any other function of single elements, select among them, operands broadcast."""
    SOFTMAX = auto()
    """Over the last axis."""
    MATMUL = auto()
    """x (B, F) times w (F, G), or w (G, F) where `Node.transposed`."""
    PRODUCT = auto()
    """Any other product of its first operand with weights, its second: convolutions."""
    BIAS_ADD = auto()
    """x (..., F) plus b (F,)."""
    CONCAT = auto()
    """Its operands side by side along `Node.axis`."""
    EXPAND = auto()
    """A new axis of one at `Node.axis`."""
    GATHER = auto()
    """Entries of a table by ids, along `Node.axis`."""
    READ_ROW = auto()
    """A row of an array, or of a tensor, by its index; of a tensor along `Node.axis`, if given."""
    WRITE_ROW = auto()
    """(array, index, row): the array with that row replaced."""
    RANDOM = auto()
    """Draws anew at each step."""
    BRANCH = auto()
    """Control flow: a condition, or a loop within the loop."""
    OTHER = auto()
    """Anything else."""


ELEMENTWISE = frozenset(
    [
        Kind.ADD,
        Kind.AND,
        Kind.LESS,
        Kind.LESS_EQUAL,
        Kind.GREATER,
        Kind.GREATER_EQUAL,
        Kind.ELEMENTWISE,
    ]
)
"""Kinds that compute each element on its own."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a region.

    Attributes:
        name: unique in the region.
        op: what its dialect calls it, for messages.
        kind: what it does.
        reads: all values that the node depends on, in the order of its dialect.
        result: the first value that the node computes.
        operands: the operands that its `kind` names, in the order given there; all are in `reads`.
        value: the number of a CONSTANT; None where the constant has more than one element.
        axis: the axis of a CONCAT, EXPAND, GATHER or READ_ROW: a number, or a reference to one.
        transposed: see MATMUL.
        function: the common name of an elementwise function, in lower case, where the report may
            ask for it: "sigmoid", "tanh", "minimum", "maximum".
    """

    name: str
    op: str
    kind: Kind
    reads: tuple[Ref, ...]
    result: Ref
    operands: tuple[Ref, ...] = ()
    value: Array | None = None
    axis: int | Ref | None = None
    transposed: bool = False
    function: str = ""
