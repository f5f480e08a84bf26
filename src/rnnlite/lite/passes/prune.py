"""Make a model small: each constant once, nothing that nobody reads.

What enters: a model, changed in place. What leaves: an equal one that makes a smaller file.

    before                                   after
    two constants of equal content           one content, which both refer to
    values, kinds of ops in no use           gone
    quantization parameters that are empty   none
    graphs "main_while_body_1373", ...       "subgraph_1", ...

The converter writes one buffer a tensor, and constants of equal content in several places. It
counts graphs through a process, so that the same model would give different files.
"""

from __future__ import annotations

from rnnlite.lite.ir import Array, Model


def prune(model: Model) -> None:
    """Apply the list above, in place."""
    for graph in model.graphs:
        graph.drop_unused_values()
    model.drop_unused_codes()
    for number, graph in enumerate(model.graphs[1:], 1):
        graph.name = f"subgraph_{number}"
    contents: dict[tuple[str, tuple[int, ...], bytes], Array] = {}
    for graph in model.graphs:
        for value in graph.values:
            if value.data is not None:
                key = value.data.dtype.str, value.data.shape, value.data.tobytes()
                value.data = contents.setdefault(key, value.data)
            # The flag tells a scalar from a value of unknown rank; elsewhere it only takes space.
            value.rank_is_said = value.rank == 0
            if value.quantization is not None and value.quantization.is_empty:
                value.quantization = None
