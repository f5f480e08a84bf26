"""Exchange a Squeeze with the Transpose in front of it.

What enters: a graph. What leaves: what to compute in the place of each Squeeze of a Transpose. The
official converter makes the same exchange, but it refuses some shapes, and takes wrong axes where
they are counted from the end.

    before                                 after
    Transpose(x, order) -> Squeeze(axes)   Squeeze(x, order[axes]) -> Transpose(of what is left)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from rnnlite.lengths.analysis import Analysis
from rnnlite.lite.before_translation.convolutions import Instead
from rnnlite.scan.tensors import Graph, Operation, Tensor


def is_squeezed_transpose(op: Operation) -> bool:
    """Whether an op is a Squeeze right behind a Transpose."""
    return op.type == "Squeeze" and _source(op.inputs[0]).op.type == "Transpose"


def squeezes(graph: Graph) -> dict[str, Instead]:
    """Name of an op -> what to compute instead."""
    found: dict[str, Instead] = {}
    analysis: Analysis | None = None
    for op in graph.get_operations():
        if not is_squeezed_transpose(op):
            continue
        analysis = analysis or Analysis(graph, [])
        instead = _exchanged(op, analysis)
        if instead is not None:
            found[op.name] = instead
    return found


def _exchanged(op: Operation, analysis: Analysis) -> Instead | None:
    source = _source(op.inputs[0])
    sizes = source.shape.as_list()
    axes = list(op.get_attr("squeeze_dims")) or [k for k, n in enumerate(sizes) if n == 1]
    places = list(range(len(sizes)))
    while source.op.type == "Transpose":
        order = analysis.content(source.op.inputs[1])
        if order is None or not all(isinstance(k, int | np.integer) for k in order):
            return None
        places = [int(order[k]) for k in places]
        source = _source(source.op.inputs[0])
    gone = {places[k] for k in axes}
    return Instead((source,), partial(squeezed, gone=sorted(gone), order=places))


def squeezed(x: Tensor, gone: Sequence[int], order: Sequence[int]) -> Tensor:
    """x without the axes `gone`, with the others in the order of `order`; both have axes of x."""
    left = [axis for axis in order if axis not in gone]
    y: Tensor = tf.squeeze(x, list(gone))
    return y if left == sorted(left) else tf.transpose(y, [sorted(left).index(k) for k in left])


def _source(tensor: Tensor) -> Tensor:
    while tensor.op.type in ("Identity", "StopGradient"):
        tensor = tensor.op.inputs[0]
    return tensor
