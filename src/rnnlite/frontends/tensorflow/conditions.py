"""Conditions: Switch and Merge of TensorFlow 1, If and Case of TensorFlow 2.

What enters: the node that ends a condition. What leaves: its value, or values. A predicate
that is known chooses its branch. Small branches without loops are both computed, and a SELECT takes
one result: this costs less than a subgraph, and quantizes better. Other branches become `tf.cond`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Value, is_tensor, tensor_of
from rnnlite.frontends.tensorflow.emit import Emitter, value_rule
from rnnlite.frontends.tensorflow.frames import MERGE, SWITCH
from rnnlite.frontends.tensorflow.nodes import Graph, name_of
from rnnlite.lengths.analysis import Analysis
from rnnlite.scan.protos import NodeDef
from rnnlite.scan.tensors import Tensor

SMALL = 12
"""The most nodes of a branch that is computed whether it is taken or not."""


def merged(emitter: Emitter, node: NodeDef) -> Value:
    """The value of a Merge that ends a condition.

    Raises:
        UnsupportedError: the Merge does not join the two branches of one predicate.
    """
    graph = emitter.graph
    branches: dict[bool, str] = {}
    predicate = ""
    for reference in graph.inputs(node):
        found = _switch(emitter, reference)
        if found is not None:
            predicate, side = found
            branches[side] = reference
    if len(branches) == 1 and len(graph.inputs(node)) == 2:
        # A branch of constants alone that nothing ties to the condition.
        (side,) = branches
        other = next(r for r in graph.inputs(node) if r != branches[side])
        branches[not side] = other
    if len(branches) != 2:
        raise UnsupportedError(
            f"Merge '{node.name}' joins branches of no condition that can be read",
            expected="Switch and Merge as tf.cond makes them",
            remedy="Name outputs in front of it",
        )
    size = {side: _size(graph, reference) for side, reference in branches.items()}
    for reference in branches.values():
        # What goes into the branches is computed in front of them, once.
        for source in _sources(emitter, reference):
            emitter.get(source)

    def branch(side: bool) -> Callable[[], Value]:
        return lambda: Emitter(emitter.emission, graph, {}, emitter).get(branches[side])

    return choose(
        emitter,
        tensor_of(emitter.get(predicate), f"Merge '{node.name}'", predicate),
        branch(True),
        branch(False),
        max(size.values()) <= SMALL,
    )


def choose(
    emitter: Emitter,
    predicate: Tensor,
    when_true: Callable[[], Value],
    when_false: Callable[[], Value],
    small: bool,
) -> Value:
    """One of two values.

    Args:
        predicate: a scalar that says which value.
        when_true, when_false: emit the value in the current graph.
        small: whether both values may be computed, and one selected.

    Raises:
        UnsupportedError: the values are arrays of rows, which cannot be chosen from here.
    """
    known = emitter.emission.static(predicate)
    if known is not None:
        return when_true() if bool(known) else when_false()
    if not small:
        return tf.cond(predicate, when_true, when_false)
    a, b = when_true(), when_false()
    if a is b:
        return a
    if not (is_tensor(a) and is_tensor(b)):
        raise UnsupportedError(
            "a condition chooses between arrays",
            expected="tensors in both branches",
            remedy="Name outputs in front of it",
        )
    if _alike(a, b):
        return tf.where(predicate, a, b)
    return tf.cond(predicate, when_true, when_false)


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are of one size, whatever sizes the inputs have."""
    shapes = [t.shape.as_list() if t.shape.rank is not None else None for t in (a, b)]
    if shapes[0] is None or shapes[0] != shapes[1]:
        return False
    if None not in shapes[0]:
        return True
    sizes = Analysis(a.graph, ())
    return sizes.sizes(a) == sizes.sizes(b)


def _switches(emitter: Emitter, reference: str, *, controls: bool) -> Iterator[tuple[Any, bool]]:
    """The Switches that let a branch's value in, and the side that each stands for.

    Inner conditions are passed over: each Merge on the path back opens one, each Switch closes one.
    A loop stands for one node.

    Args:
        controls: also follow what nodes wait for: a branch of constants only waits for its Switch.
    """
    graph = emitter.graph
    queue, seen = deque([(reference, 0)]), set()
    while queue:
        current, depth = queue.popleft()
        if (current, depth) in seen:
            continue
        seen.add((current, depth))
        node = graph.node(current)
        if node.op in SWITCH:
            if graph.node(graph.inputs(node)[1]).op == "LoopCond":
                continue
            if depth == 0:
                yield node, current.endswith(":1")
                continue
            depth -= 1
        read = graph.inputs(node) if node.op in MERGE else emitter.needs(node)
        depth += node.op in MERGE
        queue += [(r, depth) for r in read]
        if controls:
            queue += [(r, depth) for r in graph.controls(node)]


def _switch(emitter: Emitter, reference: str) -> tuple[str, bool] | None:
    """The predicate that a branch's value depends on, and the side it stands for."""
    found = next(_switches(emitter, reference, controls=True), None)
    return None if found is None else (emitter.graph.inputs(found[0])[1], found[1])


def reads(emitter: Emitter, node: NodeDef) -> list[str]:
    """All that a node's value depends on: for a condition, its predicate too."""
    if node.op not in MERGE:
        return emitter.needs(node)
    predicate = predicate_of(emitter, node)
    return [*emitter.graph.inputs(node), *([] if predicate is None else [predicate])]


@value_rule(*MERGE)
def _merge(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return [merged(emitter, node), tf.constant(0)]


def predicate_of(emitter: Emitter, node: NodeDef) -> str | None:
    """The predicate of the condition that a Merge ends."""
    found = (_switch(emitter, r) for r in emitter.graph.inputs(node))
    return next((f[0] for f in found if f is not None), None)


def _sources(emitter: Emitter, reference: str) -> list[str]:
    """What a branch reads from outside: the data of its own Switches."""
    found = _switches(emitter, reference, controls=False)
    return list(dict.fromkeys(emitter.graph.inputs(node)[0] for node, _ in found))


def _size(graph: Graph, reference: str) -> int:
    """Nodes of a branch, or many where it holds a loop."""
    seen: set[str] = set()
    queue = [name_of(reference)]
    while queue:
        name = queue.pop()
        node = graph.nodes[name]
        if name in seen or node.op in SWITCH:
            continue
        if node.op in ("Exit", "While", "StatelessWhile", "PartitionedCall"):
            return SMALL + 1
        seen.add(name)
        if len(seen) > SMALL:
            return len(seen)
        queue += [name_of(r) for r in graph.inputs(node)]
    return len(seen)


def _given(value: Value) -> Value:
    return value


@value_rule("If", "StatelessIf")
def _if(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    predicate = tensor_of(inputs[0], f"{node.op} '{node.name}'", node.input[0])
    arguments = inputs[1:]
    if predicate.dtype != tf.bool:
        predicate = tf.cast(predicate, tf.bool)
    names = [node.attr[k].func.name for k in ("then_branch", "else_branch")]
    known = emitter.emission.static(predicate)
    if known is not None:
        return emitter.call(names[0 if bool(known) else 1], arguments)
    bodies = [emitter.graph.function(name) for name in names]
    results: list[Value] = []
    small = all(max((_size(b, r) for r in b.results), default=0) <= SMALL for b in bodies)
    if small:
        a, b = (emitter.call(name, arguments) for name in names)
        for x, y in zip(a, b, strict=True):
            results.append(choose(emitter, predicate, partial(_given, x), partial(_given, y), True))
        return results
    return list(
        tf.nest.flatten(
            tf.cond(
                predicate,
                lambda: emitter.call(names[0], arguments),
                lambda: emitter.call(names[1], arguments),
            )
        )
    )


@value_rule("Case", "StatelessCase")
def _case(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    """One of several functions by a number; any that there is none for takes the last."""
    index, *arguments = inputs
    names = [f.name for f in node.attr["branches"].list.func]
    known = emitter.emission.static(index)
    if known is not None:
        place = int(known) if 0 <= int(known) < len(names) else len(names) - 1
        return emitter.call(names[place], arguments)

    def branch(place: int) -> list[Value]:
        if place == len(names) - 1:
            return emitter.call(names[place], arguments)
        taken = tf.equal(index, place)
        rest = partial(branch, place + 1)
        found = tf.cond(taken, partial(emitter.call, names[place], arguments), rest)
        return list(tf.nest.flatten(found))

    return branch(0)


@value_rule("PartitionedCall", "StatefulPartitionedCall")
def _call(emitter: Emitter, node: NodeDef, inputs: list[Value]) -> list[Value]:
    return emitter.call(node.attr["f"].func.name, inputs)
