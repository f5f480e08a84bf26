"""Find references in a file that point nowhere.

What enters: the objects of the schema, as the file has them. What leaves: the first such reference,
in words. A file that has one is refused before a `Model` is made of it.
"""

from __future__ import annotations

from rnnlite.lite.schema.reading import graph_fields, ints
from rnnlite.lite.schema.tables import Table


def fault(tree: Table) -> str:
    """The first reference in a file that points nowhere, in words; "" if there is none."""
    if not tree.subgraphs or tree.operatorCodes is None or not tree.buffers:
        return "no subgraph, no op or no buffer"
    for k, subgraph in enumerate(tree.subgraphs):
        count = len(subgraph.tensors or [])
        used = ints(subgraph.inputs) + ints(subgraph.outputs)
        for op in subgraph.operators or []:
            if not 0 <= op.opcodeIndex < len(tree.operatorCodes):
                return f"an op without a code in subgraph {k}"
            optional = ints(op.inputs) + ints(op.intermediates)
            used += [*(t for t in optional if t != -1), *ints(op.outputs)]
            # Without its options an op calls nothing.
            called = [getattr(op.builtinOptions, field, -1) for field in graph_fields(op)]
            if any(not 0 <= index < len(tree.subgraphs) for index in called):
                return "a loop or branch whose body is not there"
        if any(not 0 <= t < count for t in used):
            return f"an op of a tensor that is not there in subgraph {k}"
        if any(not 0 <= t.buffer < len(tree.buffers) for t in subgraph.tensors or []):
            return f"a tensor of a buffer that is not there in subgraph {k}"
    for signature in tree.signatureDefs or []:
        if not 0 <= signature.subgraphIndex < len(tree.subgraphs):
            return "a signature of a subgraph that is not there"
        count = len(tree.subgraphs[signature.subgraphIndex].tensors or [])
        maps = [*(signature.inputs or []), *(signature.outputs or [])]
        if any(not 0 <= m.tensorIndex < count for m in maps):
            return "a signature of a tensor that is not there"
    if any(not 0 <= m.buffer < len(tree.buffers) for m in tree.metadata or []):
        return "metadata without content"
    return ""
