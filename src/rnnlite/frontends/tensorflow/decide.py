"""Decide conditions of a graph whose predicate is a constant: only the branch taken is left.

What enters: a GraphDef. What leaves: an equal one, in which no Switch of TensorFlow 1 and no If
or Case of TensorFlow 2 has a predicate that is known. Nodes that only the other branch reads are
not read any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.errors import SourceError
from rnnlite.frontends.tensorflow.fold import FOLDED, run_op
from rnnlite.frontends.tensorflow.frames import MERGE, SWITCH
from rnnlite.frontends.tensorflow.nodes import Graph, graph_of, name_of, ref, stop_waiting
from rnnlite.scan.protos import GraphDef, NodeDef

IF = ("If", "StatelessIf")
CHOICES = (*IF, "Case", "StatelessCase")
CALLS = ("PartitionedCall", "StatefulPartitionedCall")

SMALL = 64
"""The most elements of a value that is computed to find a predicate."""


def decided(definition: GraphDef) -> Any:
    """The graph with its known conditions decided; the graph itself where there is none."""
    while True:
        graph = graph_of(definition)
        known = _Known(graph)
        chosen = {
            node.name: _branch(node, value)
            for node in graph.nodes.values()
            if node.op in CHOICES and (value := known.number(graph.inputs(node)[0])) is not None
        }
        if not chosen:
            break
        definition, _ = _inlined(definition, graph, chosen, first=1)
    sides = {}
    for node in graph.nodes.values():
        if node.op in SWITCH and graph.node(graph.inputs(node)[1]).op != "LoopCond":
            value = known.number(graph.inputs(node)[1])
            if value is not None:
                sides[node.name] = bool(value)
    return _switched(definition, graph, sides) if sides else definition


def opened_calls(definition: GraphDef, named: Sequence[str] = ()) -> tuple[Any, dict[str, str]]:
    """Inline the calls of functions that take strings.

    A SavedModel of TensorFlow 2 is one call of a function that holds the whole model. Only inside
    this function can be seen which tensors depend on a string, and where numbers begin.

    Args:
        definition: the graph.
        named: tensors that the user names. The name of a tensor within a function begins with the
            name of the call, "call/..."; this call is inlined too.

    Returns:
        the graph; old reference to the result of a call -> its reference now.
    """
    moved: dict[str, str] = {}
    while True:
        graph = graph_of(definition)
        chosen = {
            node.name: str(node.attr["f"].func.name)
            for node in graph.nodes.values()
            if node.op in CALLS
            and (
                tf.string.as_datatype_enum in node.attr["Tin"].list.type
                or any(name.startswith(f"{node.name}/") for name in named)
            )
        }
        if not chosen:
            return definition, moved
        definition, found = _inlined(definition, graph, chosen, first=0)
        # To wait for a call is to wait for its strings; a frozen graph writes nothing.
        stop_waiting(definition, chosen)
        moved = {r: found.get(to, to) for r, to in moved.items()} | found


def _branch(node: NodeDef, value: float) -> str:
    """The function that an If or a Case calls for a value."""
    if node.op in IF:
        return str(node.attr["then_branch" if value else "else_branch"].func.name)
    branches = node.attr["branches"].list.func
    return str(branches[int(value) if 0 <= int(value) < len(branches) else -1].name)


class _Known:
    """Small values that follow from constants alone."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._values: dict[str, Any] = {}

    def value(self, reference: str) -> Any:
        """The value of a tensor as an array, or None."""
        if reference not in self._values:
            self._values[reference] = None
            self._values[reference] = self._find(reference)
        return self._values[reference]

    def number(self, reference: str) -> Any:
        """The value of a tensor that holds one number, or None."""
        value = self.value(reference)
        if value is not None and value.size != 1:
            raise SourceError(
                f"the condition '{name_of(reference)}' is fixed to {value.size} values",
                expected="one",
                remedy="Fix the input that it comes from to a single value",
            )
        return None if value is None else value.item()

    def _find(self, reference: str) -> Any:
        node = self._graph.node(self._graph.origin(reference))
        if node.op == "Const":
            value = tf.make_ndarray(node.attr["value"].tensor)
            return value if value.size <= SMALL else None
        if node.op not in FOLDED or not reference.endswith(":0"):
            return None
        inputs = [self.value(r) for r in self._graph.inputs(node)]
        if not inputs or any(v is None for v in inputs):
            return None
        attrs = {k: v for k, v in node.attr.items() if not k.startswith("_")}
        return np.asarray(run_op(node.op, inputs, attrs)[0])


def _inlined(
    definition: GraphDef, graph: Graph, chosen: Mapping[str, str], *, first: int
) -> tuple[Any, dict[str, str]]:
    """The graph with the body of a function, by its name, in place of each of these nodes.

    Args:
        first: the place of the function's first argument among what the node reads.

    Returns:
        the graph, and what the nodes' results are called now, by reference.
    """
    nodes: list[Any] = []
    results: dict[str, str] = {}
    for node in definition.node:
        if node.name not in chosen:
            nodes.append(_copy(node))
            continue
        body = graph.function(chosen[node.name])
        given = dict(zip(body.arguments, graph.inputs(node)[first:], strict=True))
        for inner in body.nodes.values():
            if f"{inner.name}:0" not in given:
                nodes.append(_copy(inner, f"{node.name}/{inner.name}"))
                # It says beside which node to run, by a name that only the function has.
                nodes[-1].attr.pop("_class", None)
                for k, text in enumerate(inner.input):
                    nodes[-1].input[k] = _moved(text, node.name, given)
        found = [given.get(r, f"{node.name}/{r}") for r in body.results]
        results.update({f"{node.name}:{k}": r for k, r in enumerate(found)})
        # A node of its name stays: others may wait for it, and outputs may be named by it.
        nodes.append(_copy(node))
        _become(nodes[-1], "IdentityN" if found else "NoOp", found)
        nodes[-1].attr["T"].list.type.extend(node.attr["Tout"].list.type)
    _redirect(nodes, results)
    return _with_nodes(definition, nodes), results


def _moved(text: str, prefix: str, given: Mapping[str, str]) -> str:
    """What a node of a body reads, as it is called outside."""
    reference = ref(text)
    outside = given.get(reference, f"{prefix}/{reference}")
    return f"^{name_of(outside)}" if text.startswith("^") else outside


def _switched(definition: GraphDef, graph: Graph, sides: Mapping[str, bool]) -> Any:
    """The graph without what a Switch keeps from running, and without these Switches."""
    dead, silent = _dead(graph, sides)
    nodes: list[Any] = []
    results: dict[str, str] = {}
    for node in definition.node:
        if node.name in dead:
            continue
        nodes.append(_copy(node))
        data = graph.inputs(node)
        alive = [r for r in data if name_of(r) not in dead and r not in silent]
        controls = [t for t in node.input if t.startswith("^")]
        if node.op in MERGE and len(alive) < len(data):
            (taken,) = alive
            _become(nodes[-1], "Identity", [taken, *controls])
            nodes[-1].attr["T"].CopyFrom(node.attr["T"])
            nodes.append(_index(f"{node.name}/value_index", data.index(taken)))
            results[f"{node.name}:1"] = nodes[-1].name
        elif node.name in sides:
            _become(nodes[-1], "Identity", [data[0], *controls])
            nodes[-1].attr["T"].CopyFrom(node.attr["T"])
            results[f"{node.name}:1"] = node.name
    _redirect(nodes, results)
    return _with_nodes(definition, nodes)


def _dead(graph: Graph, sides: Mapping[str, bool]) -> tuple[set[str], set[str]]:
    """Nodes that never run, and the outputs of Switches that they are made of.

    A node that reads, or waits for, what never comes to be does not run either; a Merge runs with
    one of its inputs. What a loop hands to its next iteration comes to be if the loop is entered.
    """
    silent = {f"{name}:{0 if side else 1}" for name, side in sides.items()}
    followers: dict[str, list[NodeDef]] = {}
    for node in graph.nodes.values():
        for reference in [*graph.inputs(node), *graph.controls(node)]:
            followers.setdefault(name_of(reference), []).append(node)
    dead: set[str] = set()
    queue = list(sides)
    while queue:
        for node in followers.get(queue.pop(), []):
            if node.name in dead:
                continue
            data = graph.inputs(node)
            gone = [name_of(r) in dead or r in silent for r in data]
            if node.op in MERGE:
                entering = [
                    g for g, r in zip(gone, data, strict=True) if not _comes_again(graph, r)
                ]
                stops = all(entering)
            else:
                stops = any(gone) or any(name_of(r) in dead for r in graph.controls(node))
            if stops:
                dead.add(node.name)
                queue.append(node.name)
    return dead, silent


def _comes_again(graph: Graph, reference: str) -> bool:
    return graph.node(reference).op in ("NextIteration", "RefNextIteration")


def _index(name: str, value: int) -> Any:
    node = tf.compat.v1.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = tf.int32.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.int32(value)))
    return node


def _copy(node: NodeDef, name: str = "") -> Any:
    copy = tf.compat.v1.NodeDef()
    copy.CopyFrom(node)
    copy.name = name or node.name
    return copy


def _become(node: NodeDef, op: str, inputs: Sequence[str]) -> None:
    """Make a node another op that reads these inputs, in place; its attributes go."""
    node.op = op
    del node.input[:]
    node.input.extend(inputs)
    node.attr.clear()


def _redirect(nodes: Sequence[NodeDef], results: Mapping[str, str]) -> None:
    """Read other tensors in the place of those named, in place."""
    for node in nodes:
        for k, text in enumerate(node.input):
            reference = ref(text)
            while not text.startswith("^") and reference in results:
                reference = ref(results[reference])
                node.input[k] = reference


def _with_nodes(definition: GraphDef, nodes: Sequence[NodeDef]) -> Any:
    changed = type(definition)()
    changed.CopyFrom(definition)
    del changed.node[:]
    changed.node.extend(nodes)
    return changed
