"""A graph without variables, and its signature. Every kind of graph file becomes a `Frozen` first.

What enters: a GraphDef whose variables became constants. What leaves: the same GraphDef, changed in
place: without writes to variables, and with lookups that read the constants. `Frozen` holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from rnnlite.scan.protos import GraphDef


@dataclass(frozen=True, eq=False)
class Frozen:
    """A graph without variables.

    Attributes:
        definition: the GraphDef.
        inputs, outputs: references to inputs and outputs, where the source has a signature.
        names: the names of inputs and outputs in this signature.
        origin: what the report calls the source.
        notes: notes for the report.
        fixed: references to the inputs that became constants.
    """

    definition: GraphDef
    inputs: tuple[str, ...] | None
    outputs: tuple[str, ...] | None
    names: tuple[tuple[str, ...], tuple[str, ...]] | None
    origin: str
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


WRITES = frozenset(
    [
        "Assign",
        "AssignAdd",
        "AssignSub",
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSubVariableOp",
    ]
)


def drop_writes(definition: GraphDef) -> None:
    """Turn each write to a variable into a NoOp, in place, if nothing reads its result.

    A frozen graph has no variables: each call starts from the values that were saved.
    """
    for nodes in (definition.node, *(f.node_def for f in definition.library.function)):
        read = {t.removeprefix("^").split(":")[0] for n in nodes for t in n.input if t[:1] != "^"}
        for node in nodes:
            if node.op in WRITES and node.name not in read:
                controls = [t for t in node.input if t.startswith("^")]
                node.op = "NoOp"
                del node.input[:]
                node.input.extend(controls)
                node.attr.clear()


def gather_from_constants(definition: GraphDef) -> None:
    """Let lookups in functions and loop bodies read the constants of variables, in place.

    TensorFlow's own freezing turns a variable that a function takes into a constant. But it leaves
    the ResourceGather in the function, and this op reads only variables.
    """
    for function in definition.library.function:
        taken = {a.name: a.type for a in function.signature.input_arg}
        added = []
        for node in function.node_def:
            kind = taken.get(node.input[0]) if node.op == "ResourceGather" else None
            if kind is None or kind == types_pb2.DT_RESOURCE:
                continue
            axis = type(node)()
            axis.name, axis.op = f"{node.name}/axis", "Const"
            axis.attr["dtype"].type = types_pb2.DT_INT32
            place = tf.make_tensor_proto(np.int32(node.attr["batch_dims"].i))
            axis.attr["value"].tensor.CopyFrom(place)
            added.append(axis)
            controls = [t for t in node.input if t.startswith("^")]
            data = [*node.input[:2], f"{axis.name}:output:0", *controls]
            kinds = {"Tparams": kind, "Tindices": node.attr["Tindices"].type}
            batch = node.attr["batch_dims"].i
            node.op = "GatherV2"
            del node.input[:]
            node.input.extend(data)
            node.attr.clear()
            for name, value in {**kinds, "Taxis": types_pb2.DT_INT32}.items():
                node.attr[name].type = value
            node.attr["batch_dims"].i = batch
        function.node_def.extend(added)
