"""Make a frozen graph that `rnnlite freeze` writes, with the control flow of TensorFlow 1.

What enters: a `Frozen`, or a ConcreteFunction. What leaves: a GraphDef whose inputs and outputs are
nodes with the names of the source; and the shapes and dtypes of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from rnnlite.errors import RnnliteError
from rnnlite.frontends.program import Entry, FrozenGraph
from rnnlite.frontends.tensorflow.frozen import Frozen
from rnnlite.frontends.tensorflow.live import from_function
from rnnlite.frontends.tensorflow.nodes import graph_of, name_of, pruned
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.signatures import signature_refs, spec_of
from rnnlite.scan.protos import GraphDef
from rnnlite.scan.tensors import ConcreteFunction, Tensor
from rnnlite.specs import TensorSpec

CONTROL = (
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "PartitionedCall",
    "StatefulPartitionedCall",
)


def frozen_entry(entry: Entry) -> FrozenGraph:
    """An entry's function as a graph to write, with the entry's names."""
    names = ([p.name for p in entry.inputs], [p.name for p in entry.outputs])
    return frozen_function(entry.function, *names)


def frozen_function(
    concrete: ConcreteFunction, inputs: Sequence[str], outputs: Sequence[str]
) -> FrozenGraph:
    """A ConcreteFunction as a graph to write, its inputs and outputs called so."""
    source = from_function(concrete, (inputs, outputs), "", lower=True)
    return writable(source, TensorFlowRequest())


def writable(source: Frozen, request: TensorFlowRequest) -> FrozenGraph:
    """The GraphDef to write, and its inputs and outputs."""
    refs = signature_refs(
        graph_of(source.definition),
        request.inputs or source.inputs,
        request.outputs or source.outputs,
    )
    own = request.inputs is None and request.outputs is None
    if source.names is not None and own:
        labels = [[_node_name(n) for n in part] for part in source.names]
    else:
        labels = [[name_of(r) for r in part] for part in (refs.inputs, refs.outputs)]
    definition = source.definition
    if any(node.op in CONTROL for node in definition.node):
        lowered = from_function(
            _function(definition, refs.inputs, refs.outputs), ([], []), "", lower=True
        )
        definition = lowered.definition
        begin, end = lowered.inputs or (), lowered.outputs or ()
    else:
        begin, end = refs.inputs, refs.outputs
    definition = _renamed(definition, dict(zip(map(name_of, begin), labels[0], strict=True)))
    begin = tuple(f"{label}:0" for label in labels[0])
    for reference, label in zip(end, labels[1], strict=True):
        _add_output(definition, reference, label)
    definition = pruned(definition, [*labels[1], *labels[0]])
    table = graph_of(definition)
    found = (
        [spec_of(table, r) for r in begin],
        _output_ends(definition, begin, labels[1]),
    )
    # Last: importing a graph fills its attributes in.
    _strip_new_attributes(definition)
    return FrozenGraph(definition.SerializeToString(), *map(tuple, found))


def _output_ends(
    definition: GraphDef, inputs: Sequence[str], labels: Sequence[str]
) -> list[TensorSpec]:
    """Names, shapes and dtypes of the outputs; behind a loop rnnlite's own reading knows more."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    tensors = [graph.get_tensor_by_name(f"{label}:0") for label in labels]
    if any(t.shape.rank is None for t in tensors):
        from rnnlite.frontends.tensorflow.entry import entry_of

        try:
            outputs = tuple(f"{label}:0" for label in labels)
            source = Frozen(definition, tuple(inputs), outputs, None, "")
            entry = entry_of(source, TensorFlowRequest(batch_size=None))
            return list(entry.outputs)
        except RnnliteError:
            pass
    return [_tensor_end(t) for t in tensors]


def _strip_new_attributes(definition: GraphDef) -> None:
    """Drop attributes at their default: older TensorFlows do not know all of them."""
    for node in definition.node:
        known = op_def_registry.get(node.op)
        if known is None:
            continue
        defaults = {a.name: a.default_value for a in known.attr if a.HasField("default_value")}
        names = {a.name for a in known.attr}
        for name in list(node.attr):
            if name not in names or node.attr[name] == defaults.get(name):
                del node.attr[name]


def _function(definition: GraphDef, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    return wrapped.prune(list(inputs), list(outputs))


def _node_name(name: str) -> str:
    """A name that a node may have."""
    allowed = "".join(c if c.isalnum() or c in "_./-" else "_" for c in name)
    return allowed if allowed[:1].isalnum() or allowed[:1] == "." else f"x{allowed}"


def _renamed(definition: GraphDef, names: dict[str, str]) -> Any:
    """Rename nodes, and all that reads them; a node that has a new name already is moved away."""
    taken = {n.name for n in definition.node} & set(names.values())
    names = {
        **{t: f"{t}_before_freezing" for t in taken if names.get(t) != t and t not in names},
        **names,
    }
    changed = tf.compat.v1.GraphDef()
    changed.CopyFrom(definition)
    for node in changed.node:
        node.name = names.get(node.name, node.name)
        for k, text in enumerate(node.input):
            control = "^" if text.startswith("^") else ""
            name, _, index = text.removeprefix("^").partition(":")
            if name in names:
                node.input[k] = control + names[name] + (f":{index}" if index else "")
        if "_class" in node.attr:
            del node.attr["_class"]
    return changed


def _add_output(definition: GraphDef, reference: str, label: str) -> None:
    """An Identity of the output's name, unless the node has it already."""
    name = name_of(reference)
    if name == label and reference.endswith(":0"):
        return
    for node in definition.node:
        if node.name == label:
            _move(definition, label, f"{label}_before_freezing")
            if name == label:
                reference = f"{label}_before_freezing:{reference.rsplit(':', 1)[1]}"
            break
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    dtype = graph.get_tensor_by_name(reference).dtype
    node = definition.node.add()
    node.name, node.op = label, "Identity"
    node.input.append(reference.removesuffix(":0"))
    node.attr["T"].type = dtype.as_datatype_enum


def _move(definition: GraphDef, old: str, new: str) -> None:
    definition.CopyFrom(_renamed(definition, {old: new}))


def _tensor_end(tensor: Tensor) -> TensorSpec:
    ranked = tensor.shape.rank is not None
    shape = tuple(tensor.shape.as_list()) if ranked else ()
    return TensorSpec(name_of(tensor.name), shape, tensor.dtype.name, ranked=ranked)
