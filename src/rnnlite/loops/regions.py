"""Sort the nodes of a body by what they depend on, and decide which of them leave the loop.

What enters: a `Body`. What leaves: the class of each value, and a `Plan`: what is computed in front
of the loop, and what in each step. Every node is one of three: it depends on nothing that changes
(INVARIANT: computed once, in front of the loop), on the inputs of its time step alone (INPUT:
computed for all time steps at once, where its kind allows), or on a state (STATE: stays in the
step).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rnnlite.loops.loop import Region, Rows, Shape
from rnnlite.loops.nodes import ELEMENTWISE, Kind, Node, Ref
from rnnlite.loops.walks import origin
from rnnlite.scan.tensors import Array

HOISTED = ELEMENTWISE | {
    Kind.PASS,
    Kind.SOFTMAX,
    Kind.MATMUL,
    Kind.BIAS_ADD,
    Kind.CONCAT,
    Kind.EXPAND,
    Kind.GATHER,
    Kind.READ_ROW,
}
"""Kinds that have a form over all time steps at once."""


class Class(IntEnum):
    """What a value depends on; the greater, the less may it leave the step."""

    INVARIANT = 0
    INPUT = 1
    STATE = 2


@dataclass(frozen=True, eq=False)
class Body:
    """The body of a loop whose variables are told apart.

    Attributes:
        region: the nodes of the body; values that never change are bound.
        states: references to the states.
        inputs: references to the input rows of one step, and to counters of steps.
        results: references to the results of a step: new states and outputs.
        shapes: the shapes of the values that the results are computed from.
        arrays: references to arrays that never change, with the axis of rows -> what they hold.
    """

    region: Region
    states: tuple[Ref, ...]
    inputs: tuple[Ref, ...]
    results: tuple[Ref, ...]
    shapes: Mapping[Ref, Shape | None]
    arrays: Mapping[tuple[Ref, int], Rows]

    def array(self, node: Node) -> Rows | None:
        """The array that a READ_ROW reads, if it never changes."""
        axis = node.axis if isinstance(node.axis, int) else 0
        return self.arrays.get((origin(self.region, node.operands[0]), axis))

    def order(self) -> list[Node]:
        """The nodes of the step, each behind the nodes that it reads."""
        given = {*self.states, *self.inputs}
        order: list[Node] = []
        done: set[str] = set()
        for start in self.results:
            stack = [(start, False)]
            while stack:
                ref, ready = stack.pop()
                node = None if ref in given or self.region.is_bound(ref) else self.region.node(ref)
                if node is None or node.name in done:
                    continue
                if ready:
                    done.add(node.name)
                    order.append(node)
                    continue
                stack.append((ref, True))
                stack += [(r, False) for r in node.reads]
        return order


@dataclass(frozen=True, eq=False)
class Sorted:
    """A body and the class of each of its values.

    Attributes:
        body: the body.
        order: the nodes, each behind the nodes that it reads.
        classes: the class of each node, by name.
        given: the class of each input and state of the step, by reference.
    """

    body: Body
    order: Sequence[Node]
    classes: Mapping[str, Class]
    given: Mapping[Ref, Class]

    def of(self, ref: Ref) -> Class:
        """The class of a value."""
        if ref in self.given:
            return self.given[ref]
        node = self.body.region.node(ref)
        return Class.INVARIANT if node is None else self.classes.get(node.name, Class.INVARIANT)

    def known(self, ref: Ref) -> Array | None:
        """The content of an invariant, where it is known."""
        if self.of(ref) is not Class.INVARIANT:
            return None
        return self.body.region.known(self.body.region.value(ref))

    def axis(self, node: Node) -> int | None:
        """The axis of a node, where it is known."""
        if node.axis is None or isinstance(node.axis, int):
            return node.axis
        value = self.known(node.axis)
        return None if value is None else int(value)


def sort(body: Body) -> Sorted:
    """Find the class of every value of the body."""
    given = dict.fromkeys(body.states, Class.STATE)
    given.update(dict.fromkeys(body.inputs, Class.INPUT))
    classes: dict[str, Class] = {}
    order = body.order()
    found = Sorted(body, order, classes, given)
    for node in order:
        worst = max((found.of(r) for r in node.reads), default=Class.INVARIANT)
        # A branch may not run where its condition does not hold; a random op draws anew each step.
        bound = node.kind is Kind.RANDOM or (node.kind is Kind.BRANCH and worst)
        classes[node.name] = Class.STATE if bound else worst
    return found


@dataclass(frozen=True, eq=False)
class Plan:
    """What leaves the loop.

    Attributes:
        hoisted: nodes that are computed for all time steps at once, each behind those it reads.
        frontier: references to the values that the step reads: results of hoisted nodes, inputs.
    """

    hoisted: tuple[Node, ...]
    frontier: tuple[Ref, ...]


def plan(nodes: Sorted) -> Plan:
    """Decide which nodes leave the loop."""
    inputs, region = nodes.body.inputs, nodes.body.region
    hoisted: dict[str, Node] = {}

    def is_ready(ref: Ref) -> bool:
        return nodes.of(ref) is Class.INVARIANT or is_over_time(ref)

    def is_over_time(ref: Ref) -> bool:
        node = None if ref in inputs else region.node(ref)
        return ref in inputs or (node is not None and node.name in hoisted)

    for node in nodes.order:
        if nodes.classes[node.name] is not Class.INPUT or node.kind not in HOISTED:
            continue
        # What a row's index is packed into on the way is not needed over all time steps.
        needed = node.operands if node.kind is Kind.READ_ROW else node.reads
        if all(map(is_ready, needed)) and may_hoist(nodes, node):
            hoisted[node.name] = node
    read: dict[Ref, None] = {}
    for node in _in_step(nodes, hoisted):
        if nodes.classes[node.name] is not Class.INVARIANT:
            read.update(dict.fromkeys(filter(is_over_time, node.reads)))
    read.update(dict.fromkeys(filter(is_over_time, nodes.body.results)))
    return Plan(tuple(hoisted.values()), tuple(read))


def _in_step(nodes: Sorted, hoisted: Collection[str]) -> list[Node]:
    """The nodes that the step is made of: none that only what is hoisted reads."""
    region = nodes.body.region

    def makers(refs: Iterable[Ref]) -> set[str]:
        return {node.name for node in map(region.node, refs) if node is not None}

    needed = makers(nodes.body.results)
    found: list[Node] = []
    for node in reversed(nodes.order):
        if node.name in needed and node.name not in hoisted:
            needed |= makers(node.reads)
            found.append(node)
    return found[::-1]


def may_hoist(nodes: Sorted, node: Node) -> bool:
    """Whether a node computes each time step on its own, so that it may leave the loop."""
    kind = node.kind
    shapes = {r: shape_of(nodes, r) for r in node.reads}
    if kind is Kind.PASS or kind is Kind.SOFTMAX or kind in ELEMENTWISE:
        return all(shape is not None for shape in shapes.values())
    varying = [nodes.of(r) is not Class.INVARIANT for r in node.operands]
    if kind is Kind.MATMUL:
        return varying == [True, False]
    if kind is Kind.BIAS_ADD:
        return varying == [True, False] and len(shapes[node.operands[0]] or ()) == 2
    if kind in (Kind.CONCAT, Kind.EXPAND):
        return all(varying) and nodes.axis(node) is not None
    if kind is Kind.GATHER:
        return varying == [False, True] and nodes.axis(node) == 0
    if kind is Kind.READ_ROW:
        # At another index than the counter: backwards, or a step late.
        index = node.operands[1]
        return nodes.body.array(node) is not None and shape_of(nodes, index) == ()
    return False


def shape_of(nodes: Sorted, ref: Ref) -> Shape | None:
    """The shape of a value in one step, where its rank is known."""
    region = nodes.body.region
    if nodes.of(ref) is Class.INVARIANT:
        return region.shape(ref)
    return nodes.body.shapes.get(ref)


def step_weights(nodes: Sorted) -> int:
    """The number of weights that each step reads, to size its loop."""
    total = 0
    for node in nodes.order:
        if node.kind is Kind.MATMUL and nodes.classes[node.name] is Class.STATE:
            kernel = nodes.known(node.operands[1])
            total += 0 if kernel is None else int(kernel.size)
    return total


def invariants_read(nodes: Sorted) -> list[Ref]:
    """References to the values that the step reads and that never change."""
    found: dict[Ref, None] = {}
    for node in nodes.order:
        if nodes.classes[node.name] is not Class.INVARIANT:
            found.update(dict.fromkeys(node.reads))
    found.update(dict.fromkeys(nodes.body.results))
    return [r for r in found if nodes.of(r) is Class.INVARIANT]
