"""Emit a loop that is no recurrence as a `tf.while_loop`, with dense tensors for its arrays.

What enters: a `Loop` that is no Scan, and its regions. What leaves: the values of its variables
behind the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import tensorflow as tf

from rnnlite.errors import UnsupportedError
from rnnlite.frontends.tensorflow.arrays import Array, Value
from rnnlite.frontends.tensorflow.region import GraphRegion
from rnnlite.loops import Loop
from rnnlite.scan.tensors import Tensor, TensorShape


class PlainLoop:
    """A loop of a graph.

    Args:
        loop: a loop that `rnnlite.loops` did not read as a Scan.
        body, condition: its regions.
    """

    def __init__(self, loop: Loop, body: GraphRegion, condition: GraphRegion) -> None:
        self.loop = loop
        self.body = body
        self.condition = condition

    def run(self) -> list[Value]:
        """The values of its variables behind it."""
        initial = self._with_buffers()
        shapes = self._shapes(initial)

        def condition(*tensors: Tensor) -> Tensor:
            names = [v.tested for v in self.loop.variables]
            given = dict(zip(names, _packed(initial, tensors), strict=True))
            (result,) = self.condition.values([self.loop.condition.result], given)
            return tf.reshape(result, [])

        def body(*tensors: Tensor) -> list[Tensor]:
            updates = [_tensor(v) for v in self._step(_packed(initial, tensors))]
            for update, shape in zip(updates, shapes, strict=True):
                update.set_shape(shape)
            return updates

        results = tf.while_loop(
            condition, body, [_tensor(v) for v in initial], shape_invariants=shapes, name="loop"
        )
        return _packed(initial, results)

    def _step(self, values: Sequence[Value]) -> list[Value]:
        """The values of the variables after one iteration."""
        names = [v.argument for v in self.loop.variables]
        updates = [v.update for v in self.loop.variables]
        return self.body.values(updates, dict(zip(names, values, strict=True)))

    def _shapes(self, initial: Sequence[Value]) -> list[Any]:
        """Shapes of the variables that hold in every iteration."""
        shapes = [_tensor(v).shape for v in initial]
        while True:
            # Each round frees an axis at least, or is the last.
            found = self._shapes_after(initial, shapes)
            merged = [
                a.most_specific_compatible_shape(b) for a, b in zip(shapes, found, strict=True)
            ]
            if list(map(_axes, merged)) == list(map(_axes, shapes)):
                break
            shapes = merged
        for k, shape in enumerate(shapes):
            if shape.rank is None:
                raise UnsupportedError(
                    f"variable {k} of the loop '{self.loop.name}' changes its rank",
                    expected="variables that keep their rank",
                    remedy="Name outputs in front of the loop",
                )
        return shapes

    def _shapes_after(self, initial: Sequence[Value], shapes: Sequence[TensorShape]) -> list[Any]:
        """Shapes of the variables after one iteration from variables of the given shapes."""
        with self.body.emitter.emission.scratch():
            tensors = [
                tf.compat.v1.placeholder(_tensor(v).dtype, s)
                for v, s in zip(initial, shapes, strict=True)
            ]
            return [_tensor(v).shape for v in self._step(_packed(initial, tensors))]

    def _with_buffers(self) -> list[Value]:
        """The initial values, arrays that are written with rows to write on."""
        initial = [cast(Value, v.initial) for v in self.loop.variables]
        if not any(isinstance(v, Array) and v.content is None for v in initial):
            return initial
        with self.body.emitter.emission.scratch():
            rows = [u.element if isinstance(u, Array) else u.shape for u in self._step(initial)]
        first: Sequence[Value | None] = [None] * len(rows)
        if any(
            isinstance(v, Array) and None in (_axes(r) or ())
            for v, r in zip(initial, rows, strict=True)
        ):
            # Sizes that are free are taken from the first iteration, computed in front of the loop.
            first = self._step(initial)
        found: list[Value] = []
        for value, row, step in zip(initial, rows, first, strict=True):
            if isinstance(value, Array) and value.content is None:
                value = self._buffer(value, row, step)
            found.append(value)
        return found

    def _buffer(self, array: Array, row: TensorShape, step: Value | None) -> Array:
        """An array with rows to write on.

        Args:
            array: the array.
            row: shape of what the first iteration writes.
            step: the array after it, where a size is free.
        """
        shape = row if row.rank is not None else array.element
        content = step.content if isinstance(step, Array) else None
        like = None if content is None else content[0]
        return array.buffer(shape, like)


def _axes(shape: TensorShape) -> list[int | None] | None:
    return None if shape.rank is None else list(shape.as_list())


def _tensor(value: Value) -> Tensor:
    """The tensor that is carried for a value."""
    if isinstance(value, Array):
        return tf.zeros([0], value.dtype) if value.content is None else value.content
    return value


def _packed(like: Sequence[Value], tensors: Sequence[Tensor]) -> list[Value]:
    """Values of the same kinds from the carried tensors."""
    return [
        v.with_content(t)
        if isinstance(v, Array) and v.content is not None
        else (v if isinstance(v, Array) else t)
        for v, t in zip(like, tensors, strict=True)
    ]
