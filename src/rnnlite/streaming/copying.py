"""Copy ops of one TensorFlow graph into another, as they stand.

What enters: ops of one graph, and tensors of the current one for their inputs. What leaves: the
outputs in the current graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import nullcontext
from typing import Any

import tensorflow as tf

from rnnlite.scan.scan import Tensor

SKIPPED = ("_class", "_output_shapes")
"""Attributes that speak of the graph that an op stands in."""


def copied(op: Any, inputs: Sequence[Tensor], *, within: bool = False) -> list[Tensor]:
    """An op in the current graph, on other inputs; gives its outputs.

    Args:
        within: whether its name goes into the current scope; else it stays what it was.
    """
    graph = tf.compat.v1.get_default_graph()
    attrs = {k: v for k, v in op.node_def.attr.items() if k not in SKIPPED}
    for value in attrs.values():
        if value.HasField("func"):
            graph._add_function_recursive(op.graph._get_function(value.func.name))
    with nullcontext() if within else tf.name_scope(""):
        made = graph.create_op(
            op.type,
            list(inputs),
            [y.dtype for y in op.outputs],
            name=op.name,
            attrs=attrs,
            op_def=op.op_def,
        )
    return list(made.outputs)


def replayed(outputs: Sequence[Tensor], given: Mapping[str, Tensor]) -> list[Tensor]:
    """What a graph computes, emitted into the current one.

    Args:
        outputs: tensors of the graph.
        given: by the names of tensors of the graph, what stands for them; all placeholders that
            the outputs depend on are among them.
    """
    made = dict(given)
    for output in outputs:
        stack = [output]
        while stack:
            top = stack[-1]
            if top.name in made:
                stack.pop()
                continue
            missing = [t for t in top.op.inputs if t.name not in made]
            if missing:
                stack += missing
                continue
            found = copied(top.op, [made[t.name] for t in top.op.inputs], within=True)
            made.update(zip((y.name for y in top.op.outputs), found, strict=True))
            stack.pop()
    return [made[t.name] for t in outputs]


def read_by(outputs: Sequence[Tensor], given: Set[str]) -> list[str]:
    """The names of the placeholders that tensors of a graph depend on.

    Args:
        given: names of tensors at which the search ends.
    """
    found: dict[str, None] = {}
    met = set(given)
    queue = list(outputs)
    while queue:
        tensor = queue.pop()
        if tensor.name in met:
            continue
        met.add(tensor.name)
        if tensor.op.type == "Placeholder":
            found[tensor.name] = None
        queue += tensor.op.inputs
    return list(found)
