"""The number of iterations of a loop: the least of the bounds on its counters.

What enters: a `Loop` and its counters. What is looked for: comparisons of a counter with a value
that the loop does not change, joined by "and". What leaves: a number, or `NotAScan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnlite.loops.loop import Loop, Variable
from rnnlite.loops.nodes import Kind, Node
from rnnlite.loops.not_a_scan import NotAScan
from rnnlite.loops.walks import origin, reached
from rnnlite.scan.tensors import Count, Integer

COMPARISONS = {Kind.LESS: 0, Kind.LESS_EQUAL: 1, Kind.GREATER: 0, Kind.GREATER_EQUAL: 1}
"""Comparisons -> what they add to the bound: `t <= n` allows one iteration more than `t < n`."""


def count_of(
    loop: Loop, counters: Mapping[Variable, Integer], invariants: Sequence[Variable]
) -> Count | NotAScan:
    """The number of iterations.

    Args:
        counters: variables that grow by one at each iteration -> their first value.
        invariants: variables that never change.

    Returns:
        the number of iterations; or why the loop has none that is known in front of it.
    """
    starts = {v.tested: start for v, start in counters.items()}
    region = loop.condition.region.bind({v.tested: v.initial for v in invariants})
    varying = {v.tested for v in loop.variables if v not in invariants}
    bounds: list[Count] = []
    queue = [loop.condition.result]
    while queue:
        ref = origin(region, queue.pop())
        node = region.node(ref)
        if node is None:
            return NotAScan(f"its condition is no bound on a counter ('{ref}')")
        if node.kind is Kind.AND:
            queue += node.operands
        elif node.kind is Kind.CONSTANT and node.value is not None and bool(node.value):
            continue
        elif node.kind in COMPARISONS:
            a, b = (origin(region, r) for r in node.operands)
            if node.kind in (Kind.GREATER, Kind.GREATER_EQUAL):
                a, b = b, a
            if a not in starts or reached(region, b, varying):
                return NotAScan(f"its condition compares more than a counter ('{node.name}')")
            more = COMPARISONS[node.kind] - int(starts[a])
            bounds.append(loop.tensors.bound(region.value(b), more))
        else:
            return NotAScan(_no_bound(node))
    if not bounds:
        return NotAScan("its condition has no bound")
    return loop.tensors.least(bounds)


def _no_bound(node: Node) -> str:
    return f"its condition is no bound on a counter ({node.op} '{node.name}')"
