"""One form for every loop of a graph: a frame of TensorFlow 1 or a While of TensorFlow 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnlite.frontends.tensorflow.nodes import Graph

Value = Any
"""A tensor, or an `Array`, or a `Handle`."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, ready to be lowered.

    Attributes:
        name: the frame or the node.
        graph: the nodes of the body.
        cond_graph: the nodes of the condition.
        arguments: references to the variables in the body.
        updates: references to their new values.
        cond_arguments: references to the variables in the condition.
        condition: reference to the condition.
        constants: what the loop reads from outside, by reference.
        sources: what these and the arguments are called outside, by reference.
        initial: the variables' values in front of the loop.
        wanted: whether anything reads a variable behind the loop.
        last: whether nothing but the last row of it is read there.
    """

    name: str
    graph: Graph
    cond_graph: Graph
    arguments: Sequence[str]
    updates: Sequence[str]
    cond_arguments: Sequence[str]
    condition: str
    constants: Mapping[str, Value]
    sources: Mapping[str, str]
    initial: Sequence[Value]
    wanted: Sequence[bool]
    last: Sequence[bool]
