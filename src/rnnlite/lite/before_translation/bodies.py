"""Rewrite ops in the branches and loop bodies of a graph.

What enters: a frozen graph, and what to compute in the place of ops. What leaves: each function
that the graph calls, by name, as a graph; nodes in the place of those ops. Rules need ranks and
free sizes, but the definitions in a library state no shapes: they are read where a function is
called.
"""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

from rnnlite.errors import InternalError
from rnnlite.lite.before_translation.convolutions import Instead
from rnnlite.scan.protos import FunctionDef, NodeDef, Repeated
from rnnlite.scan.tensors import Graph, Operation, Tensor, TensorShape


def bodies(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """The name and the graph of each branch and loop body, nested ones too, each once."""
    definitions = {f.signature.name: f for f in graph.as_graph_def().library.function}
    yield from _called(graph, definitions, set())


def _called(
    graph: Graph, definitions: dict[str, FunctionDef], seen: set[str]
) -> Iterator[tuple[str, Graph]]:
    for op in graph.get_operations():
        for name in _names(op):
            if name in seen or name not in definitions:
                continue
            seen.add(name)
            count = len(definitions[name].signature.input_arg)
            inner = function_def_to_graph(
                definitions[name],
                input_shapes=_shapes(op)[-count:] if count else [],
                include_library_functions=False,
            )
            yield name, inner
            yield from _called(inner, definitions, seen)


def _names(op: Operation) -> Iterator[str]:
    for attr in op.node_def.attr.values():
        for function in (attr.func, *attr.list.func):
            if function.name:
                yield function.name


def _shapes(op: Operation) -> list[TensorShape]:
    """Shapes of the arguments of a function of an op; a branch takes all but the first operand."""
    # A loop variable may start with a size that it does not keep: its result has the shape.
    tensors = op.outputs if op.type in ("While", "StatelessWhile") else op.inputs
    return [t.shape for t in tensors]


def compute_instead(nodes: Repeated[NodeDef], instead: dict[str, Instead]) -> None:
    """Replace nodes of a function by nodes that compute something else, in place.

    The new nodes are no calls of functions: the official converter inlines such calls, and
    registers the result under the old name of the outer function.

    Args:
        nodes: the nodes of the function.
        instead: name of a node -> what to compute; its inputs are tensors of the function's graph.
    """
    for node in [n for n in nodes if n.name in instead]:
        found = instead[node.name]
        specs = [tf.TensorSpec(x.shape, x.dtype) for x in found.inputs]
        made = tf.function(found.compute, autograph=False).get_concrete_function(*specs)
        definition = made.function_def
        arguments = [a.name for a in definition.signature.input_arg]
        given = dict(zip(arguments, map(_in_function, found.inputs), strict=True))
        scope = _free_scope(nodes, node.name)
        for part in definition.node_def:
            copy = nodes.add()
            copy.CopyFrom(part)
            copy.name = f"{scope}/{part.name}"
            del copy.input[:]
            copy.input.extend(_placed(name, scope, given) for name in part.input)
        (result,) = definition.ret.values()
        # Its readers know the node by name; both ops call their result `output`.
        node.ClearField("input")
        node.ClearField("attr")
        node.op = "Identity"
        node.input.append(_placed(result, scope, given))
        node.attr["T"].type = made.outputs[0].dtype.as_datatype_enum


def _free_scope(nodes: Repeated[NodeDef], name: str) -> str:
    """A scope below a node that no other node is in."""
    scope, number = f"{name}/instead", 0
    while any(n.name == scope or n.name.startswith(f"{scope}/") for n in nodes):
        number += 1
        scope = f"{name}/instead_{number}"
    return scope


def _in_function(tensor: Tensor) -> str:
    """The name by which nodes of a function read a tensor of its graph."""
    op = tensor.op
    if op.type == "Placeholder":
        return op.name
    place = [t.name for t in op.outputs].index(tensor.name)
    for result in op.op_def.output_arg:
        count = 1
        if result.number_attr:
            count = op.get_attr(result.number_attr)
        elif result.type_list_attr:
            count = len(op.get_attr(result.type_list_attr))
        if place < count:
            return f"{op.name}:{result.name}:{place}"
        place -= count
    raise InternalError(f"'{tensor.name}' is no result of its op")


def _placed(name: str, scope: str, given: dict[str, str]) -> str:
    """The name of a tensor of a function whose nodes were put into another function."""
    if name in given:
        return given[name]
    return f"^{scope}/{name[1:]}" if name.startswith("^") else f"{scope}/{name}"
