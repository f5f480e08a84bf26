"""Merge models into one with all their signatures.

What enters: models, each signed, each with a record. What leaves: the first of them with the
graphs and signatures of the others. `passes.prune` then stores equal constants once.

    main, subgraph_1      main            ->    main, subgraph_1, subgraph_2
    "encode"              "decode"              "encode", "decode"

The file has the record of the first model. Entries of other records that differ are kept in it
below `SIGNATURES`, by signature (`record.of_signature` reads them).
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lite.ir import Model
from rnnlite.lite.record import SIGNATURES, record, set_record


def merge(models: Sequence[Model]) -> Model:
    """Add the graphs and signatures of the other models to the first one, which is returned.

    Args:
        models: models without common names of signatures; all but the first are left empty.
    """
    first, *others = models
    if not others:
        return first
    content = record(first)
    for other in others:
        its = record(other)
        differing = {k: v for k, v in its.items() if k not in content or content[k] != v}
        own = {s.key: differing for s in other.signatures}
        content[SIGNATURES] = {**content.get(SIGNATURES, {}), **own}
        _take_in(first, other)
    set_record(first, content)
    return first


def _take_in(model: Model, other: Model) -> None:
    """Move the graphs, op codes and signatures of another model into a model."""
    for code in other.codes:
        # Also codes that no op has: by these, older releases refuse the file.
        model.code(code.kind, code.version)
    for op in other.ops():
        op.code = model.code(op.kind, op.version)
    for signature in other.signatures:
        for value in {*signature.graph.inputs, *signature.graph.outputs}:
            # Names of tensors have to differ in a file; a signature has its own names for them.
            value.name = f"{signature.key}/{value.name}"
    for graph in other.graphs:
        graph.model = model
        graph.name = f"subgraph_{len(model.graphs)}"
        model.graphs.append(graph)
    model.signatures += other.signatures
    other.graphs, other.signatures = [], []
