"""From a GraphDef with its variables inside to a `Program`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnlite.sources.functions import Runner, trace
from rnnlite.sources.graph import array_ops, conditions, fused, lower, rules
from rnnlite.sources.graph.emit import Emitter, Session
from rnnlite.sources.graph.fused import expand
from rnnlite.sources.graph.nodes import graph_of, name_of
from rnnlite.sources.graph.ports import ends_of, port_of, shaped
from rnnlite.sources.program import Array, Port, Program, Request

__all__ = ["array_ops", "conditions", "fused", "lower", "program_from_graph", "rules"]


def program_from_graph(
    definition: Any,
    request: Request,
    origin: str,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> Program:
    """Open a frozen graph.

    Args:
        definition: a GraphDef without variables.
        request: what the user wants; its inputs and outputs come before the ones given here.
        origin: for the report.
        inputs, outputs: references, where the source knows them.
        names: what to call them, else their node's name.
        notes: for the report.

    Raises:
        SourceError, ShapeError, UnsupportedError: see there.
    """
    graph = graph_of(definition)
    ends = ends_of(graph, request.inputs or inputs, request.outputs or outputs)
    declared = [(r, port_of(graph, r)) for r in ends.inputs]
    ports = shaped(graph, declared, request)
    session = Session(request.max_unroll)
    expanded = expand(graph)
    session.needed = expanded.ancestors(ends.outputs)

    def call(tensors: Sequence[Any]) -> list[Any]:
        emitter = Emitter(session, expanded, dict(zip(ends.inputs, tensors, strict=True)))
        return emitter.get_all(ends.outputs)

    function = trace(call, ports, autograph=False)
    renamed = request.inputs is None and request.outputs is None and names is not None
    labels = names if renamed and names is not None else (
        [name_of(r) for r in ends.inputs],
        _labels(ends.outputs),
    )
    ports = tuple(
        Port(label, p.shape, p.dtype) for label, p in zip(labels[0], ports, strict=True)
    )
    found = tuple(
        Port(label, tuple(t.shape), t.dtype.name)
        for label, t in zip(labels[1], function.outputs, strict=True)
    )
    notes = [*notes, *(ends.notes if not renamed else ()), *session.notes]
    notes += _pinned(ports)
    if not session.records:
        notes.append("the graph has no recurrence; it is converted as it is")
    return Program(
        origin=origin,
        inputs=ports,
        outputs=found,
        function=function,
        reference=session_runner(definition, ends.inputs, ends.outputs),
        perturbed=lambda amount, seed: session_runner(
            moved(definition, amount, seed), ends.inputs, ends.outputs
        ),
        recurrences=tuple(session.records),
        notes=tuple(dict.fromkeys(notes)),
    )


def _labels(references: Sequence[str]) -> list[str]:
    """Names without ":0"; the index stays where a node gives several."""
    return [r.removesuffix(":0") for r in references]


def _pinned(ports: Sequence[Port]) -> list[str]:
    return [
        f"input '{p.name}' has a fixed length, {p.shape[1]}, as the graph pins it"
        for p in ports
        if len(p.shape) >= 3 and p.shape[0] is not None and p.shape[1] is not None
    ]


def session_runner(definition: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Runner:
    """The graph itself, run by TensorFlow."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    session = tf.compat.v1.Session(graph=graph, config=config)

    def run(arrays: Sequence[Array]) -> list[Array]:
        return [
            np.asarray(y)
            for y in session.run(list(outputs), dict(zip(inputs, arrays, strict=True)))
        ]

    return run


def moved(definition: Any, amount: float, seed: int) -> Any:
    """The graph with moved weights; see `rnnlite.sources.functions.perturbed`."""
    changed = tf.compat.v1.GraphDef()
    changed.CopyFrom(definition)
    rng = np.random.default_rng(seed)
    for node in changed.node:
        if node.op != "Const" or node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size > 1:
            reach = amount * np.sqrt(value.size / value.shape[-1])
            value = value * (1 + reach * rng.choice([-1.0, 1.0], value.shape))
            node.attr["value"].tensor.CopyFrom(
                tf.make_tensor_proto(value.astype(np.float32), shape=value.shape)
            )
    return changed


