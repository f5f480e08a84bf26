"""The body of a loop as the cell of a Scan.

Nodes that do not depend on a state are hoisted: they become the `project` of the cell. What enters:
the region of the body, and what its variables are. What leaves: a `Cell`, or the reason why there
is none (`refused`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rnnlite.loops.loop import Region, Rows, Shape, Tensors
from rnnlite.loops.nodes import Kind, Ref
from rnnlite.loops.not_a_scan import NotAScan
from rnnlite.loops.over_time import Sequenced, over_time
from rnnlite.loops.products import cut_products
from rnnlite.loops.regions import Body, Class, Plan, invariants_read, plan, sort, step_weights
from rnnlite.scan.tensors import Integer, Tensor


class BodyCell:
    """A `Cell` whose step is the body of a loop.

    Args:
        region: the nodes of the body. Values that the loop does not change are bound to tensors.
        tensors: computes with whole sequences.
        states: references to the states -> their values in front of the loop.
        rows: references that stand for a row of each input -> the sequence (T, ...).
        arrays: references to arrays that never change, with the axis of rows -> what they hold.
        counters: references to counters of the time step -> their first value, of their type.
        updates: references to the new states.
        outputs: references to the outputs.
    """

    kind = "graph"
    units: int | None = None
    output_is_state: int | None = None
    cuts = None

    def __init__(
        self,
        *,
        region: Region,
        tensors: Tensors,
        states: Mapping[Ref, Tensor],
        rows: Mapping[Ref, Tensor],
        arrays: Mapping[tuple[Ref, int], Rows],
        counters: Mapping[Ref, Integer],
        updates: Sequence[Ref],
        outputs: Sequence[Ref],
    ) -> None:
        self.tensors = tensors
        self.ranks = {r: len(tensors.shape(x) or ()) - 1 for r, x in rows.items()}
        self.counters = dict(counters)
        self.updates = tuple(updates)
        self.outputs = tuple(outputs)
        results = (*self.updates, *self.outputs)
        shapes = region.shapes(results, states, rows, counters)
        self.body = Body(region, tuple(states), (*rows, *counters), results, shapes, arrays)
        self.refused: NotAScan | None = None
        if any(r not in shapes and not region.is_bound(r) for r in results):
            self.refused = NotAScan("an array is a state")
        elif not all(map(_agree, map(tensors.shape, states.values()), map(shapes.get, updates))):
            self.refused = NotAScan("a state changes its shape")
        if self.refused is not None:
            return
        self.nodes = sort(self.body)
        self.body = cut_products(self.nodes)
        self.nodes = sort(self.body)
        self.plan: Plan = plan(self.nodes)
        self.recurrent_weights = step_weights(self.nodes)
        self.hoisted = any(n.kind is Kind.MATMUL for n in self.plan.hoisted)
        self._ranks: list[int] = []

    def project(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute all hoisted nodes for all time steps; gives the results that the step reads."""
        *sequences, time = inputs
        tensors = self.tensors
        values: dict[Ref, Sequenced] = {
            r: Sequenced(tensors.vector(x) if rank == 0 else x, rank)
            for (r, rank), x in zip(self.ranks.items(), sequences, strict=True)
        }
        for counter, start in self.counters.items():
            values[counter] = Sequenced(tensors.offset(tensors.vector(time), start), 0)
        with tensors.scope("loop"):
            for node in self.plan.hoisted:
                values[node.result] = over_time(self.nodes, tensors, node, values)
        read = [values[r] for r in self.plan.frontier]
        self._ranks = [x.rank for x in read]
        # A scalar a time step is carried as a row of one.
        return [tensors.column(x.tensor) if x.rank == 0 else x.tensor for x in read] or [time]

    def weights(self) -> list[Tensor]:
        """None. The step reads weights from outside the loop; those computed there are made now."""
        for ref in invariants_read(self.nodes):
            self.body.region.value(ref)
        return []

    def step(
        self, projected: Sequence[Tensor], states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One iteration of the loop."""
        given: dict[Ref, Tensor] = dict(zip(self.body.states, states, strict=True))
        for ref, rank, row in zip(self.plan.frontier, self._ranks, projected, strict=False):
            given[ref] = self.tensors.scalar(row) if rank == 0 else row
        found = self.body.region.emit(self.body.results, given)
        count = len(self.updates)
        return found[count:], found[:count]

    def identity_padding(self) -> None:
        """Not known."""
        return None

    def describe(self) -> tuple[str, int | None]:
        """The kind of cell, guessed from its functions (sigmoid, tanh), and its state's width."""
        shapes = [self.body.shapes.get(r) for r in self.updates]
        units = [s[-1] for s in shapes if s and s[-1] is not None]
        counts: Counter[str] = Counter()
        for node in self.nodes.order:
            if self.nodes.classes[node.name] is not Class.INVARIANT:
                counts[node.function] += 1
                counts["product"] += node.kind is Kind.MATMUL
        return _name(len(self.body.states), counts), units[-1] if units else None


def _agree(one: Shape | None, other: Shape | None) -> bool:
    """Whether two shapes may be the same."""
    if one is None or other is None:
        return True
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or None in (a, b) for a, b in pairs)


def _name(states: int, counts: Counter[str]) -> str:
    # A hard sigmoid is a clipped line: a minimum, then a maximum.
    gates = counts["sigmoid"] + min(counts["minimum"], counts["maximum"])
    if states == 2 and counts["sigmoid"] in (0, 3) and gates >= 3 and counts["tanh"] == 2:
        return "LSTM"
    if states == 1 and gates in (1, 2) and counts["tanh"] == 1:
        return "GRU"
    if states == 1 and gates == 0 and counts["product"] in (1, 2):
        return "RNN"
    return "graph cell"
