"""The reference of an ONNX model: the model in ONNX Runtime.

What enters: a ModelProto. What leaves: a `Runner`, from arrays to arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnlite.errors import SourceError
from rnnlite.frontends.functions import Runner
from rnnlite.frontends.onnx.reading import graphs_of
from rnnlite.scan.tensors import Array


def runner(
    proto: Any,
    origin: str,
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str]],
    fixed: Mapping[str, Array],
) -> Runner:
    """A function of arrays, one for each input with all its axes, to arrays, one for each output.

    Args:
        proto: the ModelProto.
        origin: what the source is, for messages.
        inputs: name and declared dtype of each input.
        outputs: name of each output, and the dtype to give.
        fixed: name -> value, of further inputs.

    Raises:
        SourceError: ONNX Runtime refuses the model.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(
            _time_first(proto).SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,
        )
    except Exception as e:
        raise SourceError(
            f"ONNX Runtime refuses {origin}",
            found=" ".join(str(e).split())[:300],
            remedy="Export it again, and see that ONNX Runtime runs it",
        ) from e
    names = [name for name, _ in outputs]

    def run(arrays: Sequence[Array]) -> list[Array]:
        given = {n: np.asarray(a).astype(d) for (n, d), a in zip(inputs, arrays, strict=True)}
        found = session.run(names, {**given, **fixed})
        return [np.asarray(y).astype(d) for y, (_, d) in zip(found, outputs, strict=True)]

    return run


TURNS = ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2])
"""The orders of axes that put the batch of Y, Y_h and Y_c first."""


def _time_first(proto: Any) -> Any:
    """The model with transposes around recurrences of layout 1, which ONNX Runtime lacks."""
    if not any(_is_batch_first(n) for g in graphs_of(proto.graph) for n in g.node):
        return proto
    changed = type(proto)()
    changed.CopyFrom(proto)
    # Bodies first, for a node is replaced by a copy.
    for graph in reversed(list(graphs_of(changed.graph))):
        nodes = [made for node in graph.node for made in _turned(node)]
        del graph.node[:]
        graph.node.extend(nodes)
    return changed


def _is_batch_first(node: Any) -> bool:
    return node.op_type in ("LSTM", "GRU", "RNN") and any(
        a.name == "layout" and a.i for a in node.attribute
    )


def _turned(node: Any) -> list[Any]:
    """A node of layout 1 as one of layout 0 between transposes; any other node unchanged."""
    if not _is_batch_first(node):
        return [node]
    from onnx import helper

    plain = type(node)()
    plain.CopyFrom(node)
    plain.attribute.remove(next(a for a in plain.attribute if a.name == "layout"))
    label = next(name for name in node.output if name)
    before, behind = [], []
    for k in (0, 5, 6):
        if k < len(plain.input) and plain.input[k]:
            plain.input[k] = f"{label}/input_{k}"
            before.append(
                helper.make_node("Transpose", [node.input[k]], [plain.input[k]], perm=[1, 0, 2])
            )
    for k, (name, order) in enumerate(zip(node.output, TURNS, strict=False)):
        if name:
            plain.output[k] = f"{name}/time_first"
            behind.append(helper.make_node("Transpose", [plain.output[k]], [name], perm=order))
    return [*before, plain, *behind]
