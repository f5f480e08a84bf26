"""The structural check that every model passes before it is written.

What enters: a model. What leaves: nothing, or a refusal that names the first fault: a value of
another graph, a value that is read before it is made, a constant of the wrong size, or values that
a WHILE or IF ties but that differ in type, rank, scale or zero point.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from rnnlite.errors import ModelError
from rnnlite.lite.control_flow import flows
from rnnlite.lite.ir import Graph, Model, Value

SIZED = ("float32", "float16", "int8", "uint8", "bool", "int16", "int32", "int64")
"""Types whose constants have as many bytes as their shape says."""


def check_structure(model: Model) -> None:
    """Refuse a model that is not well formed.

    Raises:
        ModelError: with the first fault found.
    """
    fault = _place_fault(model) or _order_fault(model) or _size_fault(model) or _flow_fault(model)
    if fault:
        raise ModelError(
            "the converted model is not well formed",
            found=fault,
            remedy="Please report it with the source model",
        )


def scales_and_zero_points(value: Value) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Scales and zero points of a value; empty for a value without quantization."""
    found = value.quantization
    return ((), ()) if found is None or not found.scales else (found.scales, found.zero_points)


def _place_fault(model: Model) -> str:
    """The first value that an op names but its graph lacks, or graph that the model lacks."""
    graphs = set(model.graphs)
    for number, graph in enumerate(model.graphs):
        known = set(graph.values)
        for op in graph.ops:
            for value in (*op.operands, *op.outputs):
                if value not in known:
                    return f"{op.kind} of {value.label}, which is not there, in subgraph {number}"
            if not graphs.issuperset(op.branches):
                return f"a {op.kind} whose body is not there in subgraph {number}"
        for value in (*graph.inputs, *graph.outputs):
            if value not in known:
                return f"{value.label} is an end of subgraph {number}, but not there"
    return ""


def _order_fault(model: Model) -> str:
    for graph in model.graphs:
        # A constant without elements, such as the shape of a scalar, holds no bytes.
        made = {v for v in graph.values if v.is_constant or v.is_variable or v.is_empty}
        made.update(graph.inputs)
        fault = _first_unmade(graph, made)
        if fault:
            return fault
    return ""


def _first_unmade(graph: Graph, made: set[Value]) -> str:
    for op in graph.ops:
        for value in op.operands:
            if value not in made:
                return f"{op.kind} reads {value.label} before it is made"
        made.update(op.outputs)
    for value in graph.outputs:
        if value not in made:
            return f"{value.label} is a result that nothing makes"
    return ""


def _size_fault(model: Model) -> str:
    for graph in model.graphs:
        for value in graph.values:
            if value.data is None or value.type not in SIZED:
                continue
            due = np.dtype(value.type).itemsize * value.size
            if value.data.nbytes != due:
                return f"{value.label} holds {value.data.nbytes} bytes where {due} are due"
    return ""


def _flow_fault(model: Model) -> str:
    for flow in flows(model):
        for slot in flow.slots:
            demands: tuple[tuple[str, list[Hashable]], ...] = (
                ("type", [v.type for v in slot]),
                ("rank", [v.rank for v in slot]),
                ("scale or zero point", [scales_and_zero_points(v) for v in slot]),
            )
            for what, values in demands:
                if any(v != values[0] for v in values):
                    return (
                        f"a {flow.op.kind} of subgraph {flow.graph.number} ties tensors of "
                        f"different {what}: {', '.join(map(str, dict.fromkeys(values)))} "
                        f"({slot[0].label})"
                    )
    return ""
