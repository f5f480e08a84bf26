"""Ops that ONNX defines by other ops, such as RMSNormalization and Attention, written by these.

What enters: a ModelProto, and the ops that have a rule. What leaves: the same model, in which an op
without a rule stands as its definition, where ONNX has one that fits its inputs.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TypeProto
    from onnx.defs import OpSchema

DOMAIN = "rnnlite.definitions"
DEEPEST = 4
"""How far definitions are followed that have others in them."""


def with_definitions(proto: ModelProto, rules: Container[str], version: int) -> ModelProto:
    """A model whose ops have a rule, as far as ONNX defines the others.

    Args:
        proto: the model, without functions of its own; it is left as it is.
        rules: names of the ops that have a rule.
        version: the operator set of the model.
    """
    from onnx import helper, shape_inference
    from onnx.inliner import inline_local_functions

    for _ in range(DEEPEST):
        if not any(_defined(n, rules, version) for n in _nodes(proto.graph)):
            break
        made = type(proto)()
        made.CopyFrom(shape_inference.infer_shapes(proto))
        _define(made, made.graph, rules, version, {})
        if not made.functions:
            break
        made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
        proto = inline_local_functions(made)
    return proto


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _defined(node: NodeProto, rules: Container[str], version: int) -> OpSchema | None:
    """What ONNX says of an op without a rule that it defines by others; else None."""
    from onnx import defs

    if node.op_type in rules or node.domain not in ("", "ai.onnx"):
        return None
    if not defs.has(node.op_type):
        return None
    try:
        schema = defs.get_schema(node.op_type, version)
    except defs.SchemaError:
        return None
    return schema if schema.has_function or schema.has_context_dependent_function else None


def _define(
    model: ModelProto,
    graph: GraphProto,
    rules: Container[str],
    version: int,
    around: Mapping[str, TypeProto],
) -> None:
    """Make calls of such nodes of a graph, and functions of the model that are their definitions.

    Args:
        around: types of the tensors around the graph, by name.
    """
    from onnx import helper

    types = {**around, **{v.name: v.type for v in (*graph.input, *graph.value_info, *graph.output)}}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _define(model, attribute.g, rules, version, types)
        schema = _defined(node, rules, version)
        body = schema and _definition(schema, node, version, types)
        if body:
            body.domain, body.name = DOMAIN, f"{node.op_type}_{len(model.functions)}"
            model.functions.append(body)
            node.domain, node.op_type = DOMAIN, body.name


def _definition(
    schema: OpSchema, node: NodeProto, version: int, types: Mapping[str, TypeProto]
) -> FunctionProto | None:
    """The definition of a node as a FunctionProto, or None where there is none for its inputs.

    The node is given its default attributes: definitions refer to them.
    """
    from onnx import FunctionProto, TypeProto

    there = {a.name for a in node.attribute}
    for name, attribute in schema.attributes.items():
        if name not in there and attribute.default_value.type:
            node.attribute.append(attribute.default_value)
    if schema.has_function:
        data = schema.get_function_with_opset_version(version)
    else:
        if not all(i in types for i in node.input if i):
            return None
        given = [types[i] if i else TypeProto() for i in node.input]
        known = [v for v in schema.context_dependent_function_opset_versions if v <= version]
        data = schema.get_context_dependent_function_with_opset_version(
            max(known, default=version),
            node.SerializeToString(),
            [t.SerializeToString() for t in given],
        )
    if not data:
        return None
    body = FunctionProto()
    body.ParseFromString(data)
    for imported in body.opset_import:
        if not imported.domain:
            imported.version = version
    return body
