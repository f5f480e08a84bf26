"""Walks over the nodes of a region, from values back to the values that they depend on.

What enters: a region and references. What leaves: the nodes behind them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rnnlite.loops.loop import Region
from rnnlite.loops.nodes import Kind, Node, Ref


def origin(region: Region, ref: Ref) -> Ref:
    """The value that a reference stands for, behind nodes that hand a value on."""
    node = region.node(ref)
    while node is not None and node.kind is Kind.PASS:
        ref = node.operands[0]
        node = region.node(ref)
    return ref


def nodes_of(region: Region, refs: Iterable[Ref]) -> list[Node]:
    """The nodes that values are computed from, each once."""
    found: dict[str, Node] = {}
    queue = list(refs)
    while queue:
        node = region.node(queue.pop())
        if node is not None and node.name not in found:
            found[node.name] = node
            queue += node.reads
    return [found[name] for name in sorted(found)]


def reached(region: Region, ref: Ref, stop: Collection[Ref]) -> set[Ref]:
    """The values of `stop` that a value depends on, within the loop."""
    found: set[Ref] = set()
    seen: set[Ref] = set()
    queue = [ref]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in stop:
            found.add(current)
            continue
        node = None if region.is_bound(current) else region.node(current)
        queue += node.reads if node is not None else ()
    return found
