"""Fix inputs of a graph to values: keep_prob, is_training, a batch size, a sample rate.

What enters: a `Frozen` and values by the names of its inputs. What leaves: a `Frozen` in which
these inputs, and inputs that have a default, are constants. Conditions that depend on constants
alone are decided: only the branch that is taken is left.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.errors import SourceError
from rnnlite.frontends.tensorflow.decide import decided, opened_calls
from rnnlite.frontends.tensorflow.frozen import Frozen
from rnnlite.frontends.tensorflow.nodes import DEFAULT, PLACEHOLDERS, Graph, graph_of, name_of, ref
from rnnlite.frontends.tensorflow.outputs import (
    holds_strings,
    is_input,
    left_out,
    outputs_of,
    refused_strings,
)
from rnnlite.frontends.tensorflow.request import TensorFlowRequest
from rnnlite.frontends.tensorflow.signatures import declared_shape, declared_type
from rnnlite.scan.protos import GraphDef, NodeDef
from rnnlite.scan.tensors import Array, DType

SHOWN = 8
"""The most elements of a value that a note shows."""


def fixed(source: Frozen, request: TensorFlowRequest) -> Frozen:
    """The source with constants for inputs that have a value, and with its outputs found.

    Outputs that hold strings are left out. Inputs of strings that no output depends on are, too.

    An input that `request.constants` names becomes the value given there. A PlaceholderWithDefault
    becomes its default, unless it is named as an input, or the graph has no other input.

    Raises:
        SourceError: a name in `request.constants` is no input, or is given twice; its value has
            another dtype or shape; `request.constants` is no mapping; or an output lies in a branch
            that is not taken.
    """
    source = _with_own_graph(source, request)
    definition = source.definition
    graph = graph_of(definition)
    chosen = _by_node(source, graph, request)
    notes = []
    for name, value in chosen.items():
        _fix(graph.nodes[name], value)
        notes.append(f"input '{name}:0' is fixed to {_shown(value)}")
    inputs = {name_of(ref(r)) for r in request.inputs or source.inputs or ()}
    if not inputs and not any(node.op in PLACEHOLDERS for node in definition.node):
        inputs = {n.name for n in definition.node if n.op == DEFAULT and declared_shape(n).rank}
    defaults = _take_defaults(graph, inputs)
    notes += defaults.values()
    if chosen:
        _require_input(graph, notes)
    # Found before conditions are decided: then what only the other branch reads is read by nothing.
    outputs, found = outputs_of(graph, request.outputs or source.outputs)
    text = [holds_strings(graph, r) for r in outputs]
    if all(text) or (any(text) and request.outputs is not None):
        raise refused_strings(graph, outputs[text.index(True)])
    definition = decided(definition)
    _require_outputs(definition, outputs, notes)
    notes += [left_out(r) for r, t in zip(outputs, text, strict=True) if t]
    kept = [r for r, t in zip(outputs, text, strict=True) if not t]
    unread = _unread_strings(graph_of(definition), source, request, kept)
    needless = "is left out: the outputs need none of its strings"
    notes += [f"input '{name}:0' {needless}" for name in unread]
    names = source.names
    if names is not None and len(names[1]) == len(outputs):
        names = (names[0], tuple(n for n, t in zip(names[1], text, strict=True) if not t))
    changed = replace(
        source,
        definition=definition,
        outputs=tuple(kept),
        names=names,
        notes=(*source.notes, *notes, *found),
        fixed=tuple(f"{name}:0" for name in (*chosen, *defaults)),
    )
    return _without(changed, [*chosen, *unread])


def _with_own_graph(source: Frozen, request: TensorFlowRequest) -> Frozen:
    """The source with a graph that may be changed, whose calls that take strings are opened."""
    named = (*(request.inputs or ()), *(request.outputs or ()))
    definition, moved = opened_calls(source.definition, named)
    if definition is source.definition:
        definition = type(source.definition)()
        definition.CopyFrom(source.definition)
    outputs = source.outputs
    if outputs is not None:
        outputs = tuple(moved.get(r, r) for r in outputs)
    return replace(source, definition=definition, outputs=outputs)


def _require_input(graph: Graph, notes: Sequence[str]) -> None:
    """Refuse constants that leave no input.

    Raises:
        SourceError: with the notes on all constants.
    """
    if not any(is_input(node) for node in graph.nodes.values()):
        raise SourceError(
            "constants= (--constant) fixes all inputs",
            expected="an input left that takes data",
            found="; ".join(notes),
            remedy="Leave its constant out",
        )


def _require_outputs(definition: GraphDef, outputs: Sequence[str], notes: Sequence[str]) -> None:
    """Refuse outputs that the constants have switched off.

    Raises:
        SourceError: naming the first of them, with the notes on all constants.
    """
    left = {node.name for node in definition.node}
    gone = [r for r in outputs if name_of(r) not in left]
    if gone:
        raise SourceError(
            f"the output '{gone[0]}' lies in a branch that is never taken",
            found="; ".join(notes),
            remedy="Name an output behind the condition, or fix the input to another value",
        )


def _unread_strings(
    graph: Graph, source: Frozen, request: TensorFlowRequest, outputs: Sequence[str]
) -> list[str]:
    """The nodes of string inputs that the source declares and no output depends on.

    Such as the key of a row, which a server hands on beside the scores.
    """
    if request.inputs is not None:
        return []
    needed = graph.ancestors(outputs)
    declared = [r for r in source.inputs or () if name_of(r) not in needed]
    return [name_of(r) for r in declared if name_of(r) in graph.nodes and holds_strings(graph, r)]


def _without(source: Frozen, nodes: Collection[str]) -> Frozen:
    """The source without the inputs that these nodes are."""
    if source.inputs is None:
        return source
    kept = [k for k, r in enumerate(source.inputs) if name_of(r) not in nodes]
    names = source.names
    if names is not None:
        names = (tuple(names[0][k] for k in kept), names[1])
    return replace(source, inputs=tuple(source.inputs[k] for k in kept), names=names)


def _by_node(source: Frozen, graph: Graph, request: TensorFlowRequest) -> dict[str, Any]:
    """The constants, checked, by the node of their input."""
    own = {}
    if source.names is not None and source.inputs is not None:
        own = dict(zip(source.names[0], source.inputs, strict=True))
    inputs = {name_of(ref(r)) for r in request.inputs or ()}
    found: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for label, value in _named(request.constants).items():
        name = name_of(own.get(label, ref(label)))
        node = graph.nodes.get(name)
        if node is None or node.op not in (*PLACEHOLDERS, DEFAULT):
            raise _no_input(label, source, graph, list(own))
        if name in inputs:
            raise SourceError(
                f"'{label}' is named twice: as an input, and as a constant",
                remedy="Leave it out of one of them",
            )
        if name in found:
            raise SourceError(
                f"the input '{name}:0' is fixed twice: as '{labels[name]}', and as '{label}'",
                remedy="Leave one of them out",
            )
        found[name], labels[name] = _checked(label, value, node), label
    return found


def _named(constants: object) -> Mapping[str, Any]:
    """The constants as the caller gave them, if they are values by name."""
    if constants is None:
        return {}
    if isinstance(constants, Mapping) and all(isinstance(name, str) for name in constants):
        return constants
    raise SourceError(
        "constants is no mapping from the names of inputs to values",
        expected='such as {"keep_prob:0": 1.0}',
        found=repr(constants)[:60],
    )


def _no_input(label: str, source: Frozen, graph: Graph, own: list[str]) -> SourceError:
    places = [f"{n.name}:0" for n in graph.nodes.values() if n.op in (*PLACEHOLDERS, DEFAULT)]
    names = [*own, *places]
    near = difflib.get_close_matches(label, names, n=3, cutoff=0.5) or names[:5]
    what = "is a tensor, but no input" if name_of(ref(label)) in graph.nodes else "is no input"
    return SourceError(
        f"the constant '{label}' {what} of {source.origin}",
        expected="one of its placeholders",
        found=", ".join(repr(n) for n in near) or "none",
        remedy="Give the name of an input, such as 'keep_prob:0'",
    )


def _checked(label: str, value: object, node: NodeDef) -> Array:
    """The value as an array of the input's dtype.

    Raises:
        SourceError: it does not fit.
    """
    dtype = declared_type(node).base_dtype
    array = np.asarray(value)
    if not _fits(array, dtype):
        kind = "whole numbers" if dtype.is_integer else "numbers"
        kind = {"bool": "true or false", "string": "text"}.get(dtype.name, kind)
        raise SourceError(
            f"the constant '{label}' has the wrong dtype",
            expected=f"{kind} ({dtype.name})",
            found=f"{_shown(array)} ({array.dtype})",
        )
    shape = declared_shape(node)
    if not shape.is_compatible_with(array.shape):
        raise SourceError(
            f"the constant '{label}' has the wrong shape",
            expected=str(shape),
            found=str(array.shape),
        )
    return array.astype(dtype.as_numpy_dtype)


def _fits(array: Array, dtype: DType) -> bool:
    if dtype.is_bool or array.dtype.kind == "b":
        return bool(dtype.is_bool and array.dtype.kind == "b")
    if dtype == tf.string:
        return array.dtype.kind in "US"
    if array.dtype.kind not in "iuf":
        return False
    if not dtype.is_integer:
        return True
    whole = bool(np.all(np.isfinite(array)) and np.all(array == np.floor(array)))
    return whole and bool(np.all(array >= dtype.min) and np.all(array <= dtype.max))


def _fix(node: NodeDef, value: Array) -> None:
    """Make a placeholder a constant, in place."""
    dtype = declared_type(node).base_dtype
    node.op = "Const"
    del node.input[:]
    node.attr.clear()
    node.attr["dtype"].type = dtype.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))


def _take_defaults(graph: Graph, inputs: Collection[str]) -> dict[str, str]:
    """Make placeholders with a default hand it on, in place; what is to be said of each."""
    notes = {}
    for node in graph.nodes.values():
        if node.op != DEFAULT or node.name in inputs:
            continue
        origin = graph.node(graph.origin(graph.inputs(node)[0]))
        dtype = node.attr["dtype"].type
        node.op = "Identity"
        node.attr.clear()
        node.attr["T"].type = dtype
        if origin.op == "Const":
            value = tf.make_ndarray(origin.attr["value"].tensor)
            notes[node.name] = (
                f"input '{node.name}:0' is left at its default, {_shown(value)}; constants= "
                "(--constant) gives it another value"
            )
    return notes


def _shown(value: object) -> str:
    array = np.asarray(value)
    if array.size > SHOWN:
        return f"values of shape {array.shape}"
    return str(array.tolist())
