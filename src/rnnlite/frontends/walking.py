"""Walk through a TensorFlow function: find all ops that its results depend on.

What enters: a graph and tensors of it. What leaves: the ops that these depend on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnlite.scan.tensors import Graph, Operation, Tensor


def ops_behind(graph: Graph, outputs: Sequence[Tensor]) -> Iterator[Operation]:
    """The ops that tensors depend on, each once, those in called functions included."""
    queue, seen = [t.op for t in outputs], set()
    while queue:
        op = queue.pop()
        if op.name in seen:
            continue
        seen.add(op.name)
        yield op
        for name in _functions(op):
            inner = graph._get_function(name)
            if inner is not None:
                yield from ops_behind(inner.graph, inner.graph.outputs)
        queue += [t.op for t in op.inputs]


def _functions(op: Operation) -> Iterator[str]:
    """The names of the functions that an op calls."""
    for attr in op.node_def.attr.values():
        for value in (attr.func, *attr.list.func):
            if value.name:
                yield value.name
