"""Models as one, with the signatures of all; what they share stands once in the file.

What enters: models, each signed, each with a record. What leaves: the first of them with the
graphs and signatures of the others. `passes.prune` then lets equal constants stand once.

    main, subgraph_1      main            ->    main, subgraph_1, subgraph_2
    "encode"              "decode"              "encode", "decode"

The record of the first is that of the file. What another's says otherwise stands in it beneath
`SIGNATURES`, by signature (`record.of_signature` reads it).
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnlite.lite.ir import Model
from rnnlite.lite.record import SIGNATURES, record, set_record


def merge(models: Sequence[Model]) -> Model:
    """The first model, changed; the others are left empty.

    Args:
        models: each has other signatures than the others.
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
    """Graphs, op codes and signatures of another model, which is left empty."""
    for code in other.codes:
        # Also codes that no op has: by these, older releases refuse the file.
        model.code(code.kind, code.version)
    for op in other.ops():
        op.code = model.code(op.kind, op.version)
    for signature in other.signatures:
        for value in {*signature.graph.inputs, *signature.graph.outputs}:
            # Tensor names are to differ in a file; a signature keeps its own names of them.
            value.name = f"{signature.key}/{value.name}"
    for graph in other.graphs:
        graph.model = model
        graph.name = f"subgraph_{len(model.graphs)}"
        model.graphs.append(graph)
    model.signatures += other.signatures
    other.graphs, other.signatures = [], []
