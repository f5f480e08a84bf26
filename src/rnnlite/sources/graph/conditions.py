"""Conditions: Switch and Merge of TensorFlow 1, If and Case of TensorFlow 2.

A predicate that is known picks its branch. Small branches without loops are both computed and
selected from, which costs less than a subgraph and is what quantization likes; others become
`tf.cond`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.sources.graph.emit import Emitter, rule
from rnnlite.sources.graph.frames import MERGE, SWITCH
from rnnlite.sources.graph.loop import Value
from rnnlite.sources.graph.nodes import Graph, name_of

SMALL = 12
"""Nodes that a branch may have to be computed in any case."""


def merged(emitter: Emitter, node: Any) -> Value:
    """The value of a Merge that ends a condition."""
    graph = emitter.graph
    branches: dict[bool, str] = {}
    predicate = ""
    for reference in graph.inputs(node):
        found = _switch(graph, reference)
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
        for source in _sources(graph, reference):
            emitter.get(source)

    def branch(side: bool) -> Callable[[], Value]:
        return lambda: Emitter(emitter.session, graph, {}, emitter).get(branches[side])

    return choose(
        emitter, emitter.get(predicate), branch(True), branch(False), max(size.values()) <= SMALL
    )


def choose(
    emitter: Emitter,
    predicate: Any,
    when_true: Callable[[], Value],
    when_false: Callable[[], Value],
    small: bool,
) -> Value:
    """One of two values."""
    known = emitter.session.static(predicate)
    if known is not None:
        return when_true() if bool(known) else when_false()
    if not small:
        return tf.cond(predicate, when_true, when_false)
    a, b = when_true(), when_false()
    if a is b:
        return a
    if not (tf.is_tensor(a) and tf.is_tensor(b)):
        raise UnsupportedError(
            "a condition chooses between arrays",
            expected="tensors in both branches",
            remedy="Name outputs in front of it",
        )
    if (
        a.shape.rank is not None
        and a.shape.rank == b.shape.rank
        and a.shape.as_list() == b.shape.as_list()
    ):
        return tf.where(predicate, a, b)
    return tf.cond(predicate, when_true, when_false)


def _switch(graph: Graph, reference: str) -> tuple[str, bool] | None:
    """The predicate that a branch's value depends on, and the side it stands for.

    Inner conditions are skipped: each Merge on the way back opens one, each Switch closes one.
    """
    queue = [(reference, 0)]
    seen = set()
    while queue:
        current, depth = queue.pop(0)
        if (current, depth) in seen:
            continue
        seen.add((current, depth))
        node = graph.node(current)
        if node.op in SWITCH:
            if depth == 0:
                return graph.inputs(node)[1], current.endswith(":1")
            depth -= 1
            queue.append((graph.inputs(node)[0], depth))
            continue
        if node.op in ("Enter", "RefEnter", "Exit", "RefExit"):
            continue
        if node.op in MERGE:
            depth += 1
        queue += [(r, depth) for r in [*graph.inputs(node), *graph.controls(node)]]
    return None


def _sources(graph: Graph, reference: str) -> list[str]:
    """What a branch reads from outside: the data of its own Switches."""
    found: dict[str, None] = {}
    queue, seen = [(reference, 0)], set()
    while queue:
        current, depth = queue.pop()
        if (current, depth) in seen:
            continue
        seen.add((current, depth))
        node = graph.node(current)
        if node.op in SWITCH:
            if depth == 0:
                found[graph.inputs(node)[0]] = None
                continue
            depth -= 1
        if node.op in MERGE:
            depth += 1
        queue += [(r, depth) for r in graph.inputs(node)]
    return list(found)


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


@rule("If", "StatelessIf")
def _if(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    predicate, *arguments = inputs
    if tf.is_tensor(predicate) and predicate.dtype != tf.bool:
        predicate = tf.cast(predicate, tf.bool)
    names = [node.attr[k].func.name for k in ("then_branch", "else_branch")]
    known = emitter.session.static(predicate)
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


@rule("PartitionedCall", "StatefulPartitionedCall")
def _call(emitter: Emitter, node: Any, inputs: list[Value]) -> list[Value]:
    return emitter.call(node.attr["f"].func.name, inputs)
