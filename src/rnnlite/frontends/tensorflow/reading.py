"""Read a loop as a recurrence over time.

What enters: a `Loop`. What it looks for: a counter that starts at 0 and takes steps of 1, a bound
on it in the condition, sequences that are read at the counter, sequences that are written at it.
All other variables are states. What leaves: a `Reading`; or `NotAScan` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from rnnlite.frontends.tensorflow.arrays import Array
from rnnlite.frontends.tensorflow.emit import Emitter
from rnnlite.frontends.tensorflow.kinds import body_names
from rnnlite.frontends.tensorflow.loop import Loop
from rnnlite.frontends.tensorflow.nodes import PASSING, Graph, name_of

READS = {"TensorArrayReadV3": (2, 1), "TensorListGetItem": (0, 1)}
"""Ops that read a row: places of the array and of the index."""

WRITES = {"TensorArrayWriteV3": (3, 1, 2), "TensorListSetItem": (0, 1, 2)}
"""Ops that write a row: places of the array, the index and the row."""


class NotAScan(Exception):  # noqa: N818 - no error: the loop is kept as it is
    """The loop is no recurrence over time; the text says why."""


@dataclass(eq=False)
class Reading:
    """What the variables of a loop are, by number.

    Attributes:
        invariants: never change.
        counters: start at a known number, one more at each turn -> that number.
        written: arrays written at the counter -> reference to the row.
        last: arrays of one row, overwritten at each turn -> the state that equals it.
        states: the rest.
        rows: references in the body that read a sequence at the counter -> the sequence.
        count: number of turns.
    """

    invariants: list[int] = field(default_factory=list)
    counters: dict[int, int] = field(default_factory=dict)
    written: dict[int, str] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    states: list[int] = field(default_factory=list)
    rows: dict[str, Array] = field(default_factory=dict)
    count: Any = None


def read(emitter: Emitter, loop: Loop) -> Reading:
    """Tell the variables of a loop apart.

    Raises:
        NotAScan: with the reason.
    """
    reading = Reading()
    graph = loop.graph
    for k, (argument, update) in enumerate(zip(loop.arguments, loop.updates, strict=True)):
        if graph.origin(update) == _origin(graph, argument):
            reading.invariants.append(k)
        elif (start := _counter(emitter, loop, k)) is not None:
            reading.counters[k] = start
    zero = {loop.arguments[k] for k, start in reading.counters.items() if start == 0}
    zero |= {_origin(graph, a) for a in zero}
    if not zero:
        raise NotAScan("no variable counts the time steps from 0")
    arrays: list[int] = []
    for k, value in enumerate(loop.initial):
        if k not in reading.invariants and k not in reading.counters:
            (arrays if isinstance(value, Array) else reading.states).append(k)
    for k in arrays:
        same = _overwritten(emitter, loop, k, reading.states)
        if same is None:
            reading.written[k] = _row(loop, k, zero)
        else:
            reading.last[k] = same
    reading.count = _count(emitter, loop, reading)
    _find_reads(emitter, loop, reading, zero)
    return reading


def _origin(graph: Graph, reference: str) -> str:
    """As `Graph.origin`, for arguments, whose nodes may not be looked into."""
    node = graph.nodes.get(name_of(reference))
    return graph.origin(reference) if node is not None and node.op in PASSING else reference


def _counter(emitter: Emitter, loop: Loop, k: int) -> int | None:
    """The number that a counter starts from, or None where it is none."""
    value = loop.initial[k]
    if not tf.is_tensor(value) or value.shape.rank != 0 or not value.dtype.is_integer:
        return None
    start = emitter.session.static(value)
    node = loop.graph.node(loop.graph.origin(loop.updates[k]))
    if start is None or node.op not in ("Add", "AddV2"):
        return None
    a, b = (loop.graph.origin(r) for r in loop.graph.inputs(node))
    if b == loop.arguments[k]:
        a, b = b, a
    step = loop.graph.node(b) if a == loop.arguments[k] else None
    if step is None or _static(emitter, loop, b) != 1:
        return None
    return int(start)


def _row(loop: Loop, k: int, zero: set[str]) -> str:
    """Reference to the row that is written at each turn."""
    graph = loop.graph
    node = graph.node(graph.origin(loop.updates[k]))
    places = WRITES.get(node.op)
    name = loop.initial[k].name
    if places is None:
        raise NotAScan(f"'{name}' is not written once at each turn")
    array, index, row = (graph.inputs(node)[p] for p in places)
    if _origin(graph, array) != _origin(graph, loop.arguments[k]):
        raise NotAScan(f"'{name}' is written more than once a turn")
    if _origin(graph, index) not in zero:
        raise NotAScan(f"'{name}' is not written at the counter")
    return row


def _overwritten(emitter: Emitter, loop: Loop, k: int, states: list[int]) -> int | None:
    """The state that an array of one row always holds, as Keras keeps a last output."""
    graph, array = loop.graph, loop.initial[k]
    node = graph.node(graph.origin(loop.updates[k]))
    places = WRITES.get(node.op)
    if places is None or not isinstance(array.size, int) or array.size != 1:
        return None
    source, index, row = (graph.inputs(node)[p] for p in places)
    known = _static(emitter, loop, graph.origin(index))
    if known != 0 or _origin(graph, source) != _origin(graph, loop.arguments[k]):
        return None
    same = [s for s in states if graph.origin(loop.updates[s]) == graph.origin(row)]
    return same[0] if same else None


def _static(emitter: Emitter, loop: Loop, reference: str) -> int | None:
    """The value of a scalar that the loop reads, where it is known."""
    node = loop.graph.node(reference)
    if node.op == "Const":
        value = tf.make_ndarray(node.attr["value"].tensor)
    elif reference in loop.constants:
        value = emitter.session.static(loop.constants[reference])
    elif reference in loop.arguments:
        k = list(loop.arguments).index(reference)
        value = None
        if loop.graph.origin(loop.updates[k]) == reference:
            value = emitter.session.static(loop.initial[k])
    else:
        value = None
    return int(value) if value is not None and value.ndim == 0 else None


def _find_reads(emitter: Emitter, loop: Loop, reading: Reading, zero: set[str]) -> None:
    graph = loop.graph
    wanted = [loop.updates[k] for k in reading.states] + list(reading.written.values())
    invariant = {loop.arguments[k]: loop.initial[k] for k in reading.invariants}
    for name in body_names(emitter, loop, wanted):
        node = graph.nodes[name]
        places = READS.get(node.op)
        if places is None:
            continue
        array, index = (_origin(graph, graph.inputs(node)[p]) for p in places)
        value = loop.constants.get(array, invariant.get(array))
        if index in zero and isinstance(value, Array) and value.content is not None:
            reading.rows[f"{name}:0"] = value


COMPARISONS = {"Less": 0, "LessEqual": 1, "Greater": 0, "GreaterEqual": 1}


def _count(emitter: Emitter, loop: Loop, reading: Reading) -> Any:
    """The number of turns: the least of the bounds on counters.

    Raises:
        NotAScan: the condition depends on anything else.
    """
    graph = loop.cond_graph
    counters = {loop.cond_arguments[k]: start for k, start in reading.counters.items()}
    given = dict(loop.constants)
    for k in reading.invariants:
        given[loop.cond_arguments[k]] = loop.initial[k]
    outside = emitter if graph is emitter.graph else None
    inner = Emitter(emitter.session, graph, given, outside)
    varying = {a for k, a in enumerate(loop.cond_arguments) if k not in reading.invariants}
    bounds: list[Any] = []
    queue = [loop.condition]
    while queue:
        reference = _origin(graph, queue.pop())
        node = graph.node(reference)
        if node.op == "LogicalAnd":
            queue += graph.inputs(node)
        elif node.op == "Const" and bool(tf.make_ndarray(node.attr["value"].tensor)):
            continue
        elif node.op in COMPARISONS:
            a, b = (_origin(graph, r) for r in graph.inputs(node))
            if node.op.startswith("Greater"):
                a, b = b, a
            if a not in counters or varying & _reached(graph, b, varying | set(given)):
                raise NotAScan(f"its condition compares more than a counter ('{node.name}')")
            bound = _simple(tf.cast(inner.get(b), tf.int32))
            more = COMPARISONS[node.op] - counters[a]
            bounds.append(bound + more if more else bound)
        else:
            raise NotAScan(f"its condition is no bound on a counter ({node.op} '{node.name}')")
    if not bounds:
        raise NotAScan("its condition has no bound")
    return _least(emitter, bounds)


def _least(emitter: Emitter, bounds: list[Any]) -> Any:
    known = [tf.get_static_value(b) for b in bounds]
    if all(b is not None for b in known):
        return max(min(int(b) for b in known), 0)
    least = bounds[0]
    for bound in bounds[1:]:
        if bound is not least:
            least = tf.minimum(least, bound)
    return least


def _simple(bound: Any) -> Any:
    """min(T, max(1, T)), as dynamic_rnn writes it, is T; sequences have a time step at least."""
    if getattr(bound, "op", None) is None or bound.op.type != "Minimum":
        return bound
    a, b = bound.op.inputs
    for x, y in ((a, b), (b, a)):
        if y.op.type == "Maximum" and any(z is x for z in y.op.inputs):
            others = [tf.get_static_value(z) for z in y.op.inputs if z is not x]
            if others and others[0] is not None and int(others[0]) <= 1:
                return x
    return bound


def _reached(graph: Graph, reference: str, stop: set[str]) -> set[str]:
    """The stops that a tensor depends on."""
    seen: set[str] = set()
    found: set[str] = set()
    queue = [reference]
    while queue:
        current = queue.pop()
        if current in stop:
            found.add(current)
            continue
        if name_of(current) in seen:
            continue
        seen.add(name_of(current))
        queue += graph.inputs(graph.node(current))
    return found
