"""Between `ir.Model` and the schema's objects, for the rooms that still work on these.

Beside what a file holds, origins and marks go over.
"""

from __future__ import annotations

from typing import Any

from rnnlite.lite import schema
from rnnlite.lite.ir import Model


def tree_of(model: Model) -> Any:
    """The schema's objects of a model."""
    tree = schema.to_tree(model)
    for graph, content in zip(model.graphs, tree.subgraphs, strict=True):
        content.origin, content.mark = graph.origin, graph.mark
        for value, tensor in zip(graph.values, content.tensors, strict=True):
            if value.origin is not None:
                tensor.origin, tensor.derived = value.origin, value.derived
    return tree


def model_of(tree: Any) -> Model:
    """The model of the schema's objects."""
    model = schema.from_tree(tree)
    for graph, content in zip(model.graphs, tree.subgraphs, strict=True):
        graph.origin, graph.mark = getattr(content, "origin", None), getattr(content, "mark", None)
        for value, tensor in zip(graph.values, content.tensors, strict=True):
            value.origin = getattr(tensor, "origin", None)
            value.derived = getattr(tensor, "derived", 0)
    return model
