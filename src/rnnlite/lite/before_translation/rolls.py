"""Rewrite Roll, which LiteRT lacks, as two slices that change places, or as a lookup.

What enters: a graph. What leaves: what to compute in the place of each Roll whose shifts and axes
are constants. An axis of known size is cut in two. An axis of free size may be shorter than the
shift: its rows are gathered at (t - shift) mod T, in a shape that is known before the model runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from rnnlite.lite.before_translation.convolutions import Instead
from rnnlite.scan.tensors import Graph, Tensor


def rolls(graph: Graph) -> dict[str, Instead]:
    """Name of an op -> what to compute instead."""
    found: dict[str, Instead] = {}
    for op in graph.get_operations():
        if op.type != "Roll":
            continue
        x, *numbers = op.inputs
        shifts, axes = (tf.get_static_value(n) for n in numbers)
        if shifts is not None and axes is not None and x.shape.rank is not None:
            pairs = tuple(zip(np.ravel(shifts).tolist(), np.ravel(axes).tolist(), strict=True))
            found[op.name] = Instead((x,), partial(rolled, pairs=pairs))
    return found


def rolled(x: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """x rolled along each axis of `pairs`, (shift, axis): y[t] = x[(t - shift) mod T]."""
    for shift, number in pairs:
        axis = number % len(x.shape)
        size = x.shape[axis]
        if size is None:
            x = _looked_up(x, shift, axis)
        elif size and shift % size:
            last = shift % size
            x = tf.concat(tf.split(x, [size - last, last], axis)[::-1], axis)
    return x


def _looked_up(x: Tensor, shift: int, axis: int) -> Tensor:
    length = tf.shape(x)[axis]
    ones = tf.fill(tf.expand_dims(length, 0), 1)
    places = tf.math.floormod(tf.cumsum(ones, exclusive=True) - shift, length)
    result: Tensor = tf.gather(x, places, axis=axis)
    result.set_shape(x.shape)
    return result
