"""Share graphs between loops over parts of one sequence, and between equal signatures.

What enters: a model, changed in place. What leaves: an equal one with fewer graphs, and how many
loops or signatures use the graph of another.

    WHILE (condition 1, body 1)          WHILE (condition 1, body 1)
    WHILE (condition 2, body 2)    ->    WHILE (condition 1, body 1)

The runtime packs the weights of each subgraph anew. Several copies of a body would drive each other
out of the cache.

Loops may share a body only if all their shapes surely agree: the tensors of a body have the shapes
of the WHILE that was prepared last. So only loops that `lowering.loops` made for parts of one
sequence (`Mark.family`) share one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from rnnlite.lite.ir import Graph, Model, Op, Signature, Value


def share_bodies(model: Model) -> int:
    """Merge the bodies of loops over parts of one sequence, in place.

    Returns:
        How many loops use the body of another one.
    """
    first: dict[Hashable, tuple[Hashable, tuple[Graph, ...]]] = {}
    count = 0
    for op in model.loops():
        mark = op.branches[1].mark
        if mark is None or mark.family is None:
            continue
        content = tuple(_content(graph) for graph in op.branches)
        known, branches = first.setdefault(mark.family, (content, op.branches))
        if branches != op.branches and known == content:
            op.branches = branches
            count += 1
    if count:
        model.graphs = model.reached()
    return count


def share_functions(model: Model) -> int:
    """Let signatures that compute the same run one graph, in place.

    A source may have a function by several names, as Keras exports "serve" and "serving_default".

    Returns:
        How many signatures use the graph of another one.
    """
    if len(model.signatures) < 2:
        return 0
    first: dict[Hashable, Graph] = {}
    signatures = []
    for signature in model.signatures:
        graph = first.setdefault(_content(signature.graph), signature.graph)
        if graph is not signature.graph:
            twins = dict(zip(signature.graph.inputs, graph.inputs, strict=True))
            twins.update(zip(signature.graph.outputs, graph.outputs, strict=True))
            ends = (
                tuple((name, twins[value]) for name, value in end)
                for end in (signature.inputs, signature.outputs)
            )
            signature = Signature(signature.key, graph, *ends)
        signatures.append(signature)
    count = sum(a.graph is not b.graph for a, b in zip(signatures, model.signatures, strict=True))
    model.signatures = signatures
    if count:
        model.graphs = model.reached()
    return count


def _content(graph: Graph) -> Hashable:
    """What a graph computes, with what it calls, in a form that can be compared: no names, and
    values numbered as they are met."""
    met: dict[Value | None, int] = {None: -1}
    traits: list[Hashable] = []

    def numbers(values: Iterable[Value | None]) -> tuple[int, ...]:
        found = []
        for value in values:
            if value is not None and value not in met:
                met[value] = len(traits)
                content = None if value.data is None else value.data.tobytes()
                traits.append((value.type, value.shape, value.dims, value.quantization, content))
            found.append(met[value])
        return tuple(found)

    inputs = numbers(graph.inputs)
    ops = [
        (
            (op.kind, op.version, op.table, _options(op)),
            numbers(op.inputs),
            numbers(op.outputs),
            tuple(_content(inner) for inner in op.branches),
        )
        for op in graph.ops
    ]
    return inputs, tuple(ops), numbers(graph.outputs), tuple(traits)


def _options(op: Op) -> Hashable:
    return tuple(
        (field, tuple(found.tolist()) if isinstance(found, np.ndarray) else repr(found))
        for field, found in sorted(op.options.items())
    )
