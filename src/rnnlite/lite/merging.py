"""Two models as one file with a signature each; what both hold stands once.

What enters: a finished model, and another that is to be called by a name of its own. What leaves:
the first with the graphs and the signature of the second; equal constants are written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlite.lite import schema
from rnnlite.lite.ir import Model, Signature
from rnnlite.lite.record import record, set_record
from rnnlite.lite.releases import RELEASES
from rnnlite.lite.requirements import METADATA


def merged(first: bytes, second: bytes, key: str, details: Mapping[str, Any]) -> bytes:
    """The one file.

    Args:
        first: its main graph, signature and record stay what they are.
        second: a model with one signature.
        key: what the second's signature is called.
        details: what the record is to say besides.
    """
    model, other = schema.read(first), schema.read(second)
    content, its = record(model), record(other)
    # In a quantized file names differ within a graph alone.
    _take_in(model, other, key, prefix="" if "quantize" in content else f"{key}/")
    names = [release.name for release in RELEASES]
    ours, theirs = (names.index(r["min_runtime"]["release"]) for r in (content, its))
    if theirs > ours:
        content["min_runtime"] = its["min_runtime"]
        model.metadata[METADATA] = other.metadata[METADATA]
    set_record(model, {**content, **details})
    return schema.write(model)


def _take_in(model: Model, other: Model, key: str, *, prefix: str) -> None:
    """Graphs, op codes and the signature of another model, which is left empty."""
    for code in other.codes:
        # Those that no op has keep older releases from loading the file.
        model.code(code.kind, code.version)
    for op in other.ops():
        op.code = model.code(op.kind, op.version)
    for graph in other.graphs:
        graph.model = model
        graph.name = f"subgraph_{len(model.graphs)}"
        model.graphs.append(graph)
        for value in graph.values:
            value.name = f"{prefix}{value.name}"
    (signature,) = other.signatures
    model.signatures.append(Signature(key, signature.graph, signature.inputs, signature.outputs))
    other.graphs, other.signatures = [], []
