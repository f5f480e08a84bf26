"""Compute a node of one time step for all time steps at once.

What enters: a node that `regions.may_hoist` takes, and its operands as sequences (T, ...) or as
values that never change. What leaves: its result as a sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlite.errors import InternalError
from rnnlite.loops.loop import Tensors
from rnnlite.loops.nodes import Kind, Node, Ref
from rnnlite.loops.regions import Sorted, shape_of
from rnnlite.scan.tensors import Tensor


@dataclass(frozen=True, eq=False)
class Sequenced:
    """A tensor of every time step.

    Attributes:
        tensor: (T, ...).
        rank: of one time step.
    """

    tensor: Tensor
    rank: int

    def along(self, axis: int) -> int:
        """An axis of a time step as one of the sequence."""
        return axis + 1 if axis >= 0 else axis


def over_time(
    nodes: Sorted, tensors: Tensors, node: Node, values: Mapping[Ref, Sequenced]
) -> Sequenced:
    """Compute a node for all time steps; `values` holds the sequences computed so far."""
    kind, region = node.kind, nodes.body.region
    if kind is Kind.GATHER:
        table, ids = region.value(node.operands[0]), values[node.operands[1]]
        rank = ids.rank + len(tensors.shape(table) or ()) - 1
        return Sequenced(tensors.take(table, ids.tensor), rank)
    if kind is Kind.READ_ROW:
        array = nodes.body.array(node)
        if array is None:
            raise InternalError(f"'{node.name}' reads what changes")
        rows = tensors.rows_at(array, values[node.operands[1]].tensor)
        return Sequenced(rows, len(tensors.shape(rows) or ()) - 1)
    if kind in (Kind.MATMUL, Kind.BIAS_ADD):
        x, other = values[node.operands[0]], region.value(node.operands[1])
        if kind is Kind.BIAS_ADD:
            return Sequenced(tensors.add(x.tensor, other), x.rank)
        return Sequenced(tensors.product(x.tensor, other, transposed=node.transposed), 2)
    if kind in (Kind.CONCAT, Kind.EXPAND):
        parts, axis = [values[r] for r in node.operands], nodes.axis(node)
        if axis is None:
            raise InternalError(f"the axis of '{node.name}' is not known")
        first = parts[0]
        if kind is Kind.EXPAND:
            return Sequenced(tensors.expand(first.tensor, first.along(axis)), first.rank + 1)
        joined = tensors.concat([p.tensor for p in parts], first.along(axis))
        return Sequenced(joined, first.rank)
    if kind is Kind.PASS:
        return values[node.operands[0]]
    return _elementwise(nodes, tensors, node, values)


def _elementwise(
    nodes: Sorted, tensors: Tensors, node: Node, values: Mapping[Ref, Sequenced]
) -> Sequenced:
    """Ranks are aligned behind the time axis, as broadcasting aligns them within a step."""
    ranks = [values[r].rank if r in values else len(shape_of(nodes, r) or ()) for r in node.reads]
    rank = max(ranks)
    aligned: list[Tensor] = []
    for ref in node.reads:
        if ref not in values:
            aligned.append(nodes.body.region.value(ref))
            continue
        tensor = values[ref].tensor
        for _ in range(rank - values[ref].rank):
            tensor = tensors.expand(tensor, 1)
        aligned.append(tensor)
    return Sequenced(nodes.body.region.apply(node, aligned), rank)
