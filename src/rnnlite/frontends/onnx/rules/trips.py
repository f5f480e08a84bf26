"""Find how often a Loop runs whose body computes the condition, as tf2onnx writes while loops.

    go = 0 < n;  Loop(go) { k, n -> next = k + 1;  go = float(next) < float(n) }

What enters: the node with its body. What leaves: the number of iterations; None where the condition
is more than bounds on counters.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rnnlite.frontends.onnx.emit import Argument, Emitter, as_tensor, known
from rnnlite.frontends.onnx.nodes import Graph, Node
from rnnlite.frontends.onnx.values import Dims, Operand
from rnnlite.scan.tensors import Tensor

ITERATION, GO = 0, 1
"""Indices of a body's inputs in front of its states."""

COMPARISONS = {"Less": 0, "LessOrEqual": 1, "Greater": 0, "GreaterOrEqual": 1}
"""Comparison -> what it adds to the bound."""


@dataclass(frozen=True)
class Bound:
    """A bound: the loop goes on while a counter is below `top` + `more`.

    Attributes:
        first: the value of the counter in the first iteration.
        top: a whole number that the loop does not change.
        more: what is added to `top`.
    """

    first: Operand
    top: Operand
    more: int


def iterations(emitter: Emitter, node: Node, go: Tensor | bool) -> Tensor | None:
    """The number of iterations, an int32 scalar; None where the condition is something else.

    Args:
        emitter: the emitter of the graph around.
        node: the Loop.
        go: the condition before the first iteration, which the body does not compute.
    """
    bounds = _bounds(emitter, node)
    if not bounds:
        return None
    counts = [_whole(b.top) + b.more - _whole(b.first) for b in bounds]
    count = tf.maximum(functools.reduce(tf.minimum, counts), 1)
    return count if go is True else tf.where(go, count, 0)


def _whole(operand: Operand) -> Tensor:
    """A whole number as an int32 scalar."""
    if isinstance(operand, Dims):
        return tf.reshape(operand.tensor(tf.int32), [])
    return tf.reshape(tf.cast(as_tensor(operand), tf.int32), [])


def _bounds(emitter: Emitter, node: Node) -> list[Bound] | None:
    """The bounds that make up a body's condition; None where it has other parts."""
    loop = _Loop(emitter, node)
    found: list[Bound] = []
    waiting = [loop.made(loop.body.outputs[0].name)]
    while waiting:
        name = waiting.pop()
        maker = loop.makers.get(name)
        if name == loop.body.inputs[GO].name or loop.is_true(name):
            continue
        if maker is not None and maker.op == "And":
            waiting += map(loop.made, maker.inputs)
            continue
        bound = None if maker is None else loop.bound(maker)
        if bound is None:
            return None
        found.append(bound)
    return found


class _Loop:
    """Looks up what the names in a body stand for."""

    def __init__(self, emitter: Emitter, node: Node) -> None:
        self.emitter = emitter
        self.body: Graph = node.get("body")
        self.states = node.inputs[2:]
        self.makers: Mapping[str, Node] = {n: m for m in self.body.nodes for n in m.outputs if n}
        self.places = {p.name: k - 2 for k, p in enumerate(self.body.inputs)}

    def made(self, name: str) -> str:
        """The tensor behind Identity and Cast."""
        while name in self.makers and self.makers[name].op in ("Identity", "Cast"):
            name = self.makers[name].inputs[0]
        return name

    def given(self, name: str) -> Argument:
        """The value of a tensor that is the same in all iterations; None where it may change.

        Such a tensor is a constant, a tensor from outside, or a state that the body does not
        change.
        """
        if name in self.makers:
            return self.makers[name].get("value") if self.makers[name].op == "Constant" else None
        if name in self.body.constants:
            return self.body.constants[name]
        place = self.places.get(name)
        if place is None:
            return self.emitter.get(name)
        if place < 0 or self.made(self.body.outputs[1 + place].name) != name:
            return None
        return self.emitter.get(self.states[place])

    def is_true(self, name: str) -> bool:
        """Whether a tensor is known to be true."""
        value = known(self.given(name))
        return value is not None and bool(np.all(value))

    def bound(self, comparison: Node) -> Bound | None:
        """The bound that a comparison states: of a counter plus 1 and a number that stays."""
        if comparison.op not in COMPARISONS:
            return None
        low, high = map(self.made, comparison.inputs)
        if comparison.op.startswith("Greater"):
            low, high = high, low
        first, top = self._counter(low), self.given(high)
        if first is None or top is None or not _is_whole(top):
            return None
        return Bound(first, top, COMPARISONS[comparison.op])

    def _counter(self, name: str) -> Argument:
        """The first value of a counter, if the tensor of this name is counter + 1; else None."""
        maker = self.makers.get(name)
        if maker is None or maker.op != "Add":
            return None
        for old, step in (maker.inputs, reversed(maker.inputs)):
            old, number = self.made(old), known(self.given(self.made(step)))
            place = self.places.get(old)
            if number is None or number.size != 1 or int(number.reshape(())) != 1:
                continue
            if place is None or not np.issubdtype(number.dtype, np.integer):
                continue
            if place == ITERATION - 2:
                return np.zeros((), np.int64)
            if place >= 0 and self.made(self.body.outputs[1 + place].name) == name:
                return self.emitter.get(self.states[place])
        return None


def _is_whole(operand: Argument) -> bool:
    """Whether an operand holds integers."""
    if operand is None or isinstance(operand, Dims):
        return isinstance(operand, Dims)
    if isinstance(operand, np.ndarray):
        return bool(np.issubdtype(operand.dtype, np.integer))
    return bool(operand.base.dtype.is_integer)
