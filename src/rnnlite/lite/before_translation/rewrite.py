"""Rewrite TensorFlow ops that the official converter refuses into ones that it takes.

What enters: a ConcreteFunction. What leaves: an equal one, or the same if there was nothing to do.

1. A StridedSlice that inserts axes (x[:, tf.newaxis]) into tensors of free shape becomes an
ExpandDims, after a StridedSlice for the other axes if these are sliced.
2. An Einsum that is no product of matrices becomes products and sums (`einsum`).
3. A Roll becomes slices or a lookup (`rolls`); pooling over three axes becomes two poolings
(`pooling`).
4. Convolutions whose size is not known before a run become others (`convolutions`).
5. A Squeeze and the Transpose in front of it change places (`squeezes`).
6. Reshapes get sizes that are known while tracing (`known_sizes`).

Rules 5 and 6 do not hold in branches and loop bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from rnnlite.lite.before_translation.bodies import bodies, compute_instead
from rnnlite.lite.before_translation.convolutions import RULES as CONVOLUTIONS
from rnnlite.lite.before_translation.convolutions import Instead, convolutions
from rnnlite.lite.before_translation.einsum import Equation, in_products, is_refused, read_equation
from rnnlite.lite.before_translation.known_sizes import is_said_aside, known_sizes
from rnnlite.lite.before_translation.pooling import POOLS, pools
from rnnlite.lite.before_translation.rolls import rolls
from rnnlite.lite.before_translation.squeezes import is_squeezed_transpose, squeezes
from rnnlite.scan.protos import GraphDef, NodeDef, Repeated
from rnnlite.scan.tensors import Array, ConcreteFunction, Graph, Operation
from rnnlite.slicing import masks_of, split_axes


def rewrite(function: ConcreteFunction, *, of_chunks: bool = False) -> ConcreteFunction:
    """Apply the rules above.

    Args:
        of_chunks: whether this is the function of a chunk.
    """
    if not any(
        is_squeezed_transpose(op) or is_said_aside(op) for op in function.graph.get_operations()
    ) and not any(
        op.type in ("Roll", *POOLS, *CONVOLUTIONS) or _enters_axes(op) or _equation(op)
        for op in _all_ops(function.graph)
    ):
        return function
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    graph = frozen.graph.as_graph_def()
    _rewrite_nodes(graph.node, in_function=False)
    for inner in graph.library.function:
        _rewrite_nodes(inner.node_def, in_function=True)
    nodes = {f.signature.name: f.node_def for f in graph.library.function}
    _rename_functions(graph)
    for name, body in bodies(frozen.graph):
        compute_instead(nodes[name], _found(body, ANYWHERE))
    # `sized` replaces the rule for convolutions in ANYWHERE.
    sized = partial(convolutions, fixed=of_chunks)
    known = partial(known_sizes, function.graph)
    found = _found(frozen.graph, (*ANYWHERE, sized, squeezes, known))
    _call_instead(graph, found)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    inputs, outputs = ([t.name for t in end] for end in (frozen.inputs, frozen.outputs))
    pruned: ConcreteFunction = wrapped.prune(inputs, outputs)
    return pruned


_NUMBERS = count()
"""Numbers of rewritten functions, unique in this process."""


def _rename_functions(graph: GraphDef) -> None:
    """Give branches and loop bodies names that no other function of the process has.

    TensorFlow keeps the functions of all graphs under their names, and refuses a second one that
    differs.
    """
    names = {f.signature.name: f"rewritten_{next(_NUMBERS)}" for f in graph.library.function}
    for inner in graph.library.function:
        inner.signature.name = names[inner.signature.name]
    for node in (*graph.node, *(n for f in graph.library.function for n in f.node_def)):
        for value in node.attr.values():
            for called in (value.func, *value.list.func):
                if called.name in names:
                    called.name = names[called.name]


def _all_ops(graph: Graph) -> Iterable[Operation]:
    yield from graph.get_operations()
    for name in graph._functions:
        inner = graph._get_function(name)
        if inner is not None:
            yield from inner.graph.get_operations()


def _enters_axes(op: Operation) -> bool:
    return bool(op.type == "StridedSlice" and op.get_attr("new_axis_mask"))


def _equation(op: Operation) -> Equation | None:
    """The equation of an Einsum that is to be rewritten."""
    if op.type != "Einsum":
        return None
    equation = read_equation(op.get_attr("equation").decode())
    free = any(x.shape.rank is None or None in x.shape.as_list() for x in op.inputs)
    return equation if equation is not None and free and is_refused(equation) else None


def _einsums(graph: Graph) -> dict[str, Instead]:
    """What to compute in the place of each Einsum that is to be rewritten, by its name."""
    return {
        op.name: Instead(tuple(op.inputs), partial(in_products, equation))
        for op in graph.get_operations()
        if (equation := _equation(op)) is not None
    }


Rule = Callable[[Graph], dict[str, Instead]]
"""From a graph to what to compute in the place of some of its ops."""

ANYWHERE: tuple[Rule, ...] = (_einsums, pools, rolls, convolutions)
"""The rules that hold in branches and loop bodies too."""


def _found(graph: Graph, rules: Iterable[Rule]) -> dict[str, Instead]:
    """What to compute in the place of ops, by their names."""
    return {name: found for rule in rules for name, found in rule(graph).items()}


def _call_instead(graph: GraphDef, instead: dict[str, Instead]) -> None:
    """Replace ops of a graph by calls of functions that compute the same with other ops."""
    for node in graph.node:
        if node.name not in instead:
            continue
        found = instead[node.name]
        specs = [tf.TensorSpec(x.shape, x.dtype) for x in found.inputs]
        called = tf.function(found.compute, autograph=False).get_concrete_function(*specs)
        definition = graph.library.function.add()
        definition.CopyFrom(called.function_def)
        del node.input[:]
        node.input.extend(x.name for x in found.inputs)
        node.op = "PartitionedCall"
        node.ClearField("attr")
        types = [x.dtype.as_datatype_enum for x in found.inputs]
        node.attr["Tin"].list.type.extend(types)
        node.attr["Tout"].list.type.append(types[0])
        node.attr["f"].func.name = definition.signature.name


def _rewrite_nodes(nodes: Repeated[NodeDef], *, in_function: bool) -> None:
    constants = {n.name: n for n in nodes if n.op == "Const"}
    for node in list(nodes):
        if node.op != "StridedSlice" or not node.attr["new_axis_mask"].i:
            continue
        bounds = [constants.get(name.split(":")[0]) for name in list(node.input)[1:4]]
        if any(b is None for b in bounds):
            continue
        values = [tf.make_ndarray(b.attr["value"].tensor) for b in bounds if b is not None]
        axes = split_axes(masks_of(node), len(values[0]))
        source = _without_axes(nodes, node, values, axes.kept, in_function)
        order = axes.order()
        for place, axis in enumerate(order):
            last = place == len(order) - 1
            dim = _constant(nodes, f"{node.name}/axis_{place}", np.int32(axis))
            dtype = node.attr["T"].type
            expand = node if last else nodes.add()
            if last:
                # Readers know the node by its name; both ops call their result `output`.
                node.ClearField("input")
                node.ClearField("attr")
            else:
                expand.name = f"{node.name}/expand_{place}"
            expand.op = "ExpandDims"
            expand.attr["T"].type = dtype
            expand.attr["Tdim"].type = tf.int32.as_datatype_enum
            expand.input.extend([source, f"{dim}:output:0" if in_function else dim])
            source = f"{expand.name}:output:0" if in_function else expand.name


def _without_axes(
    nodes: Repeated[NodeDef], node: NodeDef, values: list[Array], kept: list[int], in_function: bool
) -> str:
    """The slice without new axes; the input itself where the other axes are taken whole."""
    begin_mask, end_mask = node.attr["begin_mask"].i, node.attr["end_mask"].i
    shrink, ellipsis = node.attr["shrink_axis_mask"].i, node.attr["ellipsis_mask"].i
    whole = all(
        ellipsis >> k & 1
        or (begin_mask >> k & 1 and end_mask >> k & 1 and values[2][k] == 1 and not shrink >> k & 1)
        for k in kept
    )
    if whole:
        return str(node.input[0])
    rest = nodes.add()
    rest.CopyFrom(node)
    rest.name = f"{node.name}/rest"
    rest.ClearField("input")
    rest.input.append(node.input[0])
    for label, value in zip(("begin", "end", "strides"), values, strict=True):
        name = _constant(nodes, f"{node.name}/{label}", np.asarray(value)[kept])
        rest.input.append(f"{name}:output:0" if in_function else name)
    for mask in ("begin", "end", "shrink_axis", "ellipsis"):
        old = node.attr[f"{mask}_mask"].i
        rest.attr[f"{mask}_mask"].i = sum((old >> k & 1) << n for n, k in enumerate(kept))
    rest.attr["new_axis_mask"].i = 0
    return f"{rest.name}:output:0" if in_function else rest.name


def _constant(nodes: Repeated[NodeDef], name: str, value: npt.ArrayLike) -> str:
    node = nodes.add()
    node.name, node.op = name, "Const"
    array = np.asarray(value)
    node.attr["dtype"].type = tf.as_dtype(array.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    return name
