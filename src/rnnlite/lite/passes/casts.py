"""Take out pairs of casts: integers that are cast to float and back.

What enters: a float model, changed in place. What leaves: the same without such pairs.

    ids -> CAST to float32 -> CAST to int32 -> GATHER    ->    ids -> GATHER

Keras 2 declares token ids as float and casts them to integers in the Embedding. Converted with an
integer input this is a pair of casts.
"""

from __future__ import annotations

from rnnlite.lite.ir import Graph, Model, Value


def drop_cast_pairs(model: Model) -> None:
    """Let the readers of such a pair read the integers themselves, in place."""
    for graph in model.graphs:
        sources: dict[Value, Value] = {}
        for op in graph.ops:
            if op.kind != "CAST":
                continue
            source, result = op.input(0), op.output
            origin = sources.get(source, source)
            is_back = origin.type == result.type and source.type == "float32"
            if is_back and result.type.startswith("int"):
                result.replace_uses(origin, results=False)
            sources[result] = origin if origin.type.startswith("int") else result
        _drop_unread_casts(graph)


def _drop_unread_casts(graph: Graph) -> None:
    for op in reversed(graph.ops):
        if op.kind == "CAST" and not op.output.is_read:
            graph.remove(op)
