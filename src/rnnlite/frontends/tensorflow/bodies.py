"""The body of a function (FunctionDef) as nodes of a GraphDef.

In a FunctionDef a tensor is called "node:result:index", where `result` is the name of an output in
the definition of the op. In a GraphDef a tensor is called "node:index". What enters: a FunctionDef.
What leaves: NodeDefs, with a placeholder for each argument, and references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from rnnlite.errors import UnsupportedError
from rnnlite.scan.protos import FunctionDef, NodeDef


def body_of(
    definition: FunctionDef, functions: Mapping[str, FunctionDef]
) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Nodes by name, references to the arguments, references to the results.

    Raises:
        UnsupportedError: the body holds an op that TensorFlow does not know.
    """
    nodes: dict[str, NodeDef] = {}
    names: dict[str, str] = {}
    for argument in definition.signature.input_arg:
        node = tf.compat.v1.NodeDef(op="Placeholder", name=argument.name)
        node.attr["dtype"].type = argument.type
        nodes[argument.name] = node
        names[argument.name] = f"{argument.name}:0"
    for node in definition.node_def:
        place = 0
        for label, count in _results(node, functions):
            for k in range(count):
                names[f"{node.name}:{label}:{k}"] = f"{node.name}:{place}"
                place += 1
    for node in definition.node_def:
        copy = tf.compat.v1.NodeDef()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(t if t.startswith("^") else names[t] for t in node.input)
        nodes[node.name] = copy
    arguments = tuple(f"{a.name}:0" for a in definition.signature.input_arg)
    results = tuple(names[definition.ret[r.name]] for r in definition.signature.output_arg)
    return nodes, arguments, results


def _results(node: NodeDef, functions: Mapping[str, FunctionDef]) -> list[tuple[str, int]]:
    """Names of an op's results in its signature, and how many tensors each stands for."""
    if node.op in functions:
        return [(a.name, 1) for a in functions[node.op].signature.output_arg]
    known = op_def_registry.get(node.op)
    if known is None:
        raise UnsupportedError(
            f"op {node.op} of '{node.name}' is not known to this TensorFlow",
            remedy="Name outputs in front of it, or rewrite that part of the model",
        )
    found = []
    for argument in known.output_arg:
        if argument.number_attr:
            count = node.attr[argument.number_attr].i
        elif argument.type_list_attr:
            count = len(node.attr[argument.type_list_attr].list.type)
        else:
            count = 1
        found.append((argument.name, count))
    return found
