"""The body of a loop as the cell of a Scan: what the state does not touch is hoisted.

Every node of the body is one of three: it depends on constants alone (computed once, outside), on
the inputs of its time step alone (computed for all time steps at once, where its op allows), or on
the state (stays in the step). A product of [x, h] with one kernel is cut in two on the way, so that
x times its rows of the kernel falls into the second kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.frontends.tensorflow.emit import Emitter, emit_constant
from rnnlite.frontends.tensorflow.hoist import HOISTED, Sequenced, emit_over_time, may_hoist
from rnnlite.frontends.tensorflow.nodes import PASSING, Graph, name_of
from rnnlite.frontends.tensorflow.products import cut_products
from rnnlite.frontends.tensorflow.reading import NotAScan
from rnnlite.scan.scan import Tensor

INVARIANT, INPUT, STATE = 0, 1, 2
RANDOM = ("RandomUniform", "RandomStandardNormal", "TruncatedNormal", "Multinomial")
SPLITTING = ("Merge", "Switch", "Exit", "While", "StatelessWhile", "If", "StatelessIf")


class GraphCell:
    """A `Cell` whose step is a part of a graph.

    Args:
        invariant: emitter of the body's nodes in the graph outside of the loop.
        states: references to the states in the body.
        rows: references that stand for a row of each input -> rank of the row.
        counters: references to counters of the time step -> their first value.
        updates: references to the new states.
        outputs: references to the outputs.
        name: of the loop.
    """

    kind = "graph"
    units: int | None = None
    output_is_state: int | None = None
    cuts = None

    def __init__(
        self,
        *,
        invariant: Emitter,
        states: Sequence[str],
        rows: Mapping[str, int],
        counters: Mapping[str, int],
        updates: Sequence[str],
        outputs: Sequence[str],
        name: str,
    ) -> None:
        self.invariant = invariant
        self.states = list(states)
        self.rows = dict(rows)
        self.counters = dict(counters)
        self.updates = list(updates)
        self.outputs = list(outputs)
        self.name = name
        self.hoisted = False
        self.recurrent_weights = 0
        self.shapes: dict[str, Any] = {}
        self.classes: dict[str, int] = {}
        self.frontier: list[str] = []
        self.plan: list[str] = []

    @property
    def graph(self) -> Graph:
        """The nodes of the body."""
        return self.invariant.graph

    def prepare(self, inputs: Sequence[Tensor], states: Sequence[Tensor]) -> None:
        """Learn the shapes of one step, cut products, decide what is hoisted."""
        self._probe(inputs, states)
        self._classify()
        cut_products(self)
        self._classify()
        self._plan()
        self.recurrent_weights = self._weights_in_step()

    def _probe(self, inputs: Sequence[Tensor], states: Sequence[Tensor]) -> None:
        session = self.invariant.session
        with session.scratch():
            given = dict(zip(self.states, states, strict=True))
            for (r, rank), x in zip(self.rows.items(), inputs, strict=False):
                given[r] = tf.reshape(x[0], []) if rank == 0 else x[0]
            given.update(dict.fromkeys(self.counters, tf.zeros([], tf.int32)))
            inner = Emitter(session, self.graph, given, self.invariant)
            inner.get_all([*self.updates, *self.outputs])
            self.shapes = {k: v.shape for k, v in inner.values.items() if tf.is_tensor(v)}

    def _classify(self) -> None:
        """The class of every tensor of the body, by the name of its node."""
        known = dict.fromkeys(self.states, STATE)
        known.update(dict.fromkeys([*self.rows, *self.counters], INPUT))
        classes: dict[str, int] = {}
        order = self._order()
        for name in order:
            node = self.graph.nodes[name]
            found = [known.get(r, classes.get(name_of(r), INVARIANT)) for r in self.reads(node)]
            worst = max(found, default=INVARIANT)
            # What a branch computes may not be computed outside of it; each step draws anew.
            bound = (node.op in SPLITTING and worst) or node.op in RANDOM
            classes[name] = STATE if bound else worst
        self.classes = classes
        self.known = known

    def class_of(self, reference: str) -> int:
        """INVARIANT, INPUT or STATE."""
        return self.known.get(reference, self.classes.get(name_of(reference), INVARIANT))

    def _order(self) -> list[str]:
        """Names of the body's nodes, each behind its inputs."""
        given = {*self.states, *self.rows, *self.counters, *self._outside()}
        order: list[str] = []
        done: set[str] = set()
        for start in [*self.updates, *self.outputs]:
            stack = [(start, False)]
            while stack:
                reference, ready = stack.pop()
                name = name_of(reference)
                if reference in given or name in done:
                    continue
                if ready:
                    done.add(name)
                    order.append(name)
                    continue
                stack.append((reference, True))
                stack += [(r, False) for r in self.reads(self.graph.node(reference))]
        return order

    def reads(self, node: Any) -> list[str]:
        """What a node is made of; an inner loop stands for one node."""
        return self.invariant.reads(node)

    def _outside(self) -> list[str]:
        """References whose values are there before the loop."""
        return list(self.invariant.values)

    def _plan(self) -> None:
        """What to hoist, in order, and which hoisted tensors the step reads."""
        order = self._order()
        hoisted: set[str] = set()
        for name in order:
            node = self.graph.nodes[name]
            if self.classes[name] != INPUT or not (node.op in HOISTED or node.op in PASSING):
                continue
            inputs = self.graph.inputs(node)
            ready = all(
                self.class_of(r) == INVARIANT
                or r in self.rows
                or r in self.counters
                or name_of(r) in hoisted
                for r in inputs
            )
            if ready and may_hoist(self, node):
                hoisted.add(name)
        read: dict[str, None] = {}
        for name in order:
            if name in hoisted or self.classes[name] == INVARIANT:
                continue
            for r in self.reads(self.graph.nodes[name]):
                if name_of(r) in hoisted or r in self.rows or r in self.counters:
                    read[r] = None
        for r in [*self.updates, *self.outputs]:
            if name_of(r) in hoisted or r in self.rows or r in self.counters:
                read[r] = None
        self.plan = [name for name in order if name in hoisted]
        self.frontier = list(read)
        self.hoisted = any(
            self.graph.nodes[name].op in ("MatMul", "BatchMatMulV2") for name in hoisted
        )

    def _weights_in_step(self) -> int:
        """Weights that each step reads, to size the unrolled body."""
        total = 0
        for name in self._order():
            node = self.graph.nodes[name]
            if node.op == "MatMul" and self.classes[name] == STATE:
                kernel = self.graph.inputs(node)[1]
                shape = self.kernel(kernel)
                total += 0 if shape is None else int(np.prod(shape.shape))
        return total

    def kernel(self, reference: str) -> Any:
        """The value of an invariant, or None where it is not known."""
        if self.class_of(reference) != INVARIANT:
            return None
        return self.invariant.session.static(self.invariant.get(reference))

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Everything that is hoisted, for all time steps; gives what the step reads of it."""
        *sequences, time = inputs
        values: dict[str, Sequenced] = {
            r: Sequenced(tf.reshape(x, [-1]) if rank == 0 else x, rank)
            for (r, rank), x in zip(self.rows.items(), sequences, strict=True)
        }
        for counter, start in self.counters.items():
            values[counter] = Sequenced(tf.reshape(time, [-1]) + start, 0)
        with tf.name_scope("project"):
            for name in self.plan:
                emit_over_time(self, self.graph.nodes[name], values)
        self._ranks = [values[r].rank for r in self.frontier]
        found = []
        for r in self.frontier:
            tensor = values[r].tensor
            # A scalar a time step is carried as a row of one.
            found.append(tf.reshape(tensor, [-1, 1]) if values[r].rank == 0 else tensor)
        return found or [time]

    def weights(self) -> list[Tensor]:
        """None of its own: invariants are read from outside."""
        for name in self._order():
            if self.classes[name] == INVARIANT:
                continue
            for r in self.reads(self.graph.nodes[name]):
                if self.class_of(r) == INVARIANT:
                    self.invariant.get(r)
        for r in [*self.updates, *self.outputs]:
            if self.class_of(r) == INVARIANT:
                self.invariant.get(r)
        return []

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One turn of the loop."""
        given: dict[str, Any] = dict(zip(self.states, states, strict=True))
        for r, rank, row in zip(self.frontier, self._ranks, projected, strict=False):
            given[r] = tf.reshape(row, []) if rank == 0 else row
        inner = Emitter(self.invariant.session, self.graph, given, self.invariant)
        updates = [_dense(v) for v in inner.get_all(self.updates)]
        outputs = [_dense(v) for v in inner.get_all(self.outputs)]
        return outputs, updates

    def neutral(self) -> None:
        """Not known."""
        return None

    def constant(self, name: str, value: Any) -> str:
        """A new constant of the body; gives its reference."""
        reference = f"{name}:0"
        self.invariant.values[reference] = emit_constant(self.invariant, value)
        return reference


def _dense(value: Any) -> Tensor:
    if not tf.is_tensor(value):
        raise NotAScan("an array is a state")
    return value
