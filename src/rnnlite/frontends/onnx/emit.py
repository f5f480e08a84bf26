"""Emit an ONNX graph as TensorFlow ops, node by node, from the outputs back.

What enters: a `Graph` and values for its inputs. What leaves: the values of its outputs. Each op
has a rule (`rules/`). Nodes whose inputs are all known are computed at once. Nodes that no output
needs are not emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, cast

import numpy as np
import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.onnx.folding import folded
from rnnlite.frontends.onnx.nodes import WIDER, Graph, Node
from rnnlite.frontends.onnx.values import Dims, Operand, Value
from rnnlite.frontends.recurrences import Recurrences
from rnnlite.scan.tensors import Array, Tensor

Argument = Operand | None
"""An operand of a node; None where an optional one is left out."""

Rule = Callable[["Emitter", Node, list[Argument]], Sequence[Operand] | Operand]
RULES: dict[str, Rule] = {}
"""`Node.key` -> its rule."""

IMPURE = frozenset(
    [
        *("If", "Loop", "Scan", "LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"),
        *("StackedRows", "WrittenRows"),
    ]
)
"""Ops that are never computed at once, even if their inputs are known."""


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register the rule of some ops."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register


class Emitter:
    """Emits the values of one graph: the main graph, or the body of a node.

    Args:
        graph: the graph.
        given: name -> value, of the inputs.
        recurrences: lowers the recurrences.
        notes: notes for the report, which are added to.
        parent: for a body, the emitter of the graph around it.
    """

    def __init__(
        self,
        graph: Graph,
        given: Mapping[str, Operand],
        recurrences: Recurrences,
        notes: list[str],
        parent: Emitter | None = None,
    ) -> None:
        self.graph = graph
        self.values: dict[str, Operand] = {**graph.constants, **given}
        self.recurrences = recurrences
        self.notes = notes
        self.parent = parent
        self._makers = {name: node for node in graph.nodes for name in node.outputs if name}
        self._uses = uses_of(graph)

    def get_all(self, names: Sequence[str]) -> list[Operand]:
        """Several values by name; see `get`."""
        return [self.get(name) for name in names]

    def get(self, name: str) -> Operand:
        """A value by name; the nodes that it needs are emitted.

        Raises:
            UnsupportedError: no node makes it, or nodes depend on each other.
        """
        if name not in self.values and name not in self._makers:
            if self.parent is None:
                raise UnsupportedError(
                    f"the tensor '{name}' is made by no node",
                    expected="a node, an input or an initializer of this name",
                    remedy="Export the model again",
                )
            return self.parent.get(name)
        stack = [name]
        while stack:
            top = stack[-1]
            if top in self.values or top not in self._makers:
                stack.pop()
                continue
            node = self._makers[top]
            missing = [i for i in self._needs(node) if i in self._makers and i not in self.values]
            if missing:
                if len(stack) > 10 * len(self.graph.nodes) + 100:
                    raise UnsupportedError(
                        f"node {node.label} depends on itself",
                        expected="nodes that can be put in an order",
                        remedy="Export the model again",
                    )
                stack += missing
                continue
            self._emit(node)
        return self.values[name]

    def _needs(self, node: Node) -> list[str]:
        """Names of the tensors that a node needs."""
        names = [i for i in node.inputs if i]
        for body in node.attributes.values():
            if isinstance(body, Graph):
                names += body.outside()
        return names

    def _emit(self, node: Node) -> None:
        inputs: list[Argument] = [self.get(i) if i else None for i in node.inputs]
        found = folded(node, inputs) if node.op not in IMPURE else None
        results: list[Operand] | None = None if found is None else [*found]
        if results is None:
            made = self._called(node, inputs)
            several = not isinstance(made, Value | Dims | np.ndarray)
            results = list(cast(Sequence[Operand], made)) if several else [cast(Operand, made)]
        for name, value in zip(node.outputs, results, strict=False):
            if name:
                self.values[name] = value
        missing = [n for n in node.outputs if n and n not in self.values]
        if missing:
            raise UnsupportedError(
                f"node {node.label} is asked for its result '{missing[0]}', which is not computed",
                expected=f"the first {len(results)} of its results alone",
                remedy="Export the model in evaluation mode",
            )

    def _called(self, node: Node, inputs: list[Argument]) -> Sequence[Operand] | Operand:
        try:
            with tf.name_scope(scope_name(node.name)):
                return RULES[node.key](self, node, inputs)
        except (ValueError, TypeError, IndexError, tf.errors.OpError) as e:
            raise UnsupportedError(
                f"node {node.label} does not fit its inputs at the shapes asked for",
                expected="operands of known rank, whose sizes go together",
                found=" ".join(str(e).split())[:200],
                remedy="Convert with the batch size and length that the model was exported for",
            ) from e

    def is_read(self, name: str) -> bool:
        """Whether a node reads a tensor, or it is an output."""
        return bool(name) and (name in self._uses or name in {p.name for p in self.graph.outputs})

    def only_last(self, name: str) -> bool:
        """Whether only the last time step of a sequence (T, D, B, H) is read."""
        return only_last(self, name, 0)

    def users(self, name: str) -> list[Node] | None:
        """The nodes that read a tensor; None where it is an output, or a body reads it."""
        if name in {p.name for p in self.graph.outputs}:
            return None
        found = self._uses.get(name, [])
        return None if any(name not in node.inputs for node in found) else found

    def label(self, node: Node, reverse: bool, directions: int) -> str:
        """The name of a recurrence in the report."""
        return node.name + (f" ({'backward' if reverse else 'forward'})" if directions > 1 else "")

    def body(self, graph: Graph, given: Mapping[str, Operand]) -> Emitter:
        """An emitter for the body of a node."""
        return Emitter(graph, given, self.recurrences, self.notes, self)


def uses_of(graph: Graph) -> dict[str, list[Node]]:
    """Name of a tensor -> the nodes that read it, also in their bodies."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        names = dict.fromkeys(node.inputs)
        for body in node.attributes.values():
            if isinstance(body, Graph):
                names.update(dict.fromkeys(body.outside()))
        for name in names:
            if name:
                found.setdefault(name, []).append(node)
    return found


def only_last(emitter: Emitter, name: str, axis: int) -> bool:
    """Whether only the last element along an axis is read of a tensor."""
    users = emitter.users(name)
    return bool(users) and all(_takes_last(emitter, node, name, axis) for node in users or ())


def _takes_last(emitter: Emitter, node: Node, name: str, axis: int) -> bool:
    def numbers(place: int, attribute: str) -> list[int] | None:
        if place < len(node.inputs) and node.inputs[place]:
            source = emitter.get(node.inputs[place])
            array = source if isinstance(source, np.ndarray) else None
            return None if array is None else [int(n) for n in array.reshape(-1)]
        given = node.get(attribute)
        return None if given is None else [int(n) for n in np.reshape(given, -1)]

    if node.inputs[0] != name or name in node.inputs[1:]:
        return False
    (result,) = node.outputs[:1]
    match node.op:
        case "Identity":
            return only_last(emitter, result, axis)
        case "Transpose":
            order = node.get("perm")
            return bool(order) and only_last(emitter, result, list(order).index(axis))
        case "Squeeze":
            axes = numbers(1, "axes")
            if not axes or min(axes) < 0 or axis in axes:
                return False
            return only_last(emitter, result, axis - sum(a < axis for a in axes))
        case "Gather":
            return int(node.get("axis", 0)) == axis and numbers(1, "") == [-1]
        case "Slice":
            starts, ends = numbers(1, "starts"), numbers(2, "ends")
            return (
                numbers(3, "axes") == [axis]
                and starts == [-1]
                and ends is not None
                and ends[0] >= np.iinfo(np.int32).max
                and numbers(4, "steps") in (None, [1])
            )
    return False


def scope_name(name: str) -> str:
    """The name of a node, changed to one that TensorFlow takes."""
    parts = ["".join(c if c.isalnum() or c in "_.-" else "_" for c in p) for p in name.split("/")]
    text = "/".join(p for p in parts if p)
    return text if text[:1].isalnum() else f"n{text}"


def as_value(operand: Argument) -> Value:
    """Any operand as a tensor, with its order of axes.

    Raises:
        ValueError: the operand is left out.
    """
    if operand is None:
        raise ValueError("an operand is left out")
    if isinstance(operand, Value):
        return operand
    if isinstance(operand, Dims):
        return Value.of(operand.tensor())
    wide = WIDER.get(operand.dtype.name)
    return Value.of(tf.constant(operand.astype(wide) if wide else operand))


def as_tensor(operand: Argument) -> Tensor:
    """Any operand as a tensor in ONNX's order."""
    return as_value(operand).plain()


def known(operand: Argument) -> Array | None:
    """The numbers of an operand; None where they are not known."""
    if isinstance(operand, np.ndarray):
        return operand
    if isinstance(operand, Dims):
        return operand.known()
    return None


def constant(node: Node, operand: Argument, what: str) -> Array:
    """The numbers of an operand that has to be known.

    Raises:
        UnsupportedError: the operand is computed from the inputs.
    """
    found = known(operand)
    if found is None:
        raise UnsupportedError(
            f"the {what} of {node.label} is computed from the inputs",
            expected="numbers that the model holds",
            remedy="Export the model with it as a constant",
        )
    return found


def numbers_of(node: Node, inputs: list[Argument], place: int, name: str) -> list[int] | None:
    """Integers that are an attribute in older operator sets, an input in newer ones; else None."""
    operand = inputs[place] if place < len(inputs) else None
    if operand is not None:
        return [int(n) for n in constant(node, operand, name).reshape(-1)]
    given = node.get(name)
    return None if given is None else [int(n) for n in np.reshape(given, -1)]


def refuse(node: Node, what: str, expected: str, remedy: str = "") -> NoReturn:
    """Refuse a form of a node that has no rule.

    Args:
        what: what the node has that no rule takes.
        expected: what a rule takes.
        remedy: what the user can do; if not given, to cut the model in front of the node.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        f"node {node.label} has {what}",
        expected=expected,
        remedy=remedy or "Take outputs in front of it (--outputs), and run it outside",
    )
