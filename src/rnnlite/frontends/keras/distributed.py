"""TimeDistributed of Keras 3 as one loop over time, for a reference that is traced once.

What enters: a `Flavour`. What leaves: a context in which TimeDistributed layers run Keras's own
code on one time step after the other. Where the length is known, Keras unrolls with a copy of the
layer for each step: to trace a thousand recurrences takes minutes. Where it is free, Keras gives
wrong results (3.15 loops over the batch instead of time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from rnnlite.frontends.keras.flavour import Flavour
from rnnlite.frontends.keras.patching import Change, Mine, replaced
from rnnlite.frontends.keras.types import Function, Layer, Nested
from rnnlite.scan.tensors import Tensor


@contextmanager
def in_one_loop(flavour: Flavour) -> Iterator[None]:
    """A context in which TimeDistributed layers of Keras 3, in this thread, loop over time."""
    if not flavour.is_keras3:
        yield
        return

    def make(original: Function, mine: Mine) -> Function:
        def call(
            wrapper: Layer, inputs: Tensor, training: object = None, mask: Tensor | None = None
        ) -> Nested:
            if not mine():
                return original(wrapper, inputs, training=training, mask=mask)

            def step(t: Tensor) -> Tensor:
                given = None if mask is None else _at(mask, t)
                return original(wrapper, _at(inputs, t), training=training, mask=given)

            return _over_time(step, tf.shape(inputs)[1])

        return call

    with replaced([Change(flavour.layers.TimeDistributed, "call", make)]):
        yield


def _at(x: Tensor, t: Tensor) -> Tensor:
    """One time step of x (B, T, ...), as (B, 1, ...)."""
    found: Tensor = x[:, t : t + 1]
    found.set_shape([x.shape[0], 1, *x.shape[2:]])
    return found


def _over_time(step: Callable[[Tensor], Tensor], length: Tensor) -> Tensor:
    """The results (B, T, ...) of a function of the index of a time step that gives (B, 1, ...)."""
    # A function of its own, for the loop has to know the type of its results before it runs.
    one = tf.function(lambda t: tf.squeeze(step(t), 1), autograph=False)
    one = one.get_concrete_function(tf.TensorSpec([], tf.int32))
    (result,) = one.outputs
    spec = tf.TensorSpec(result.shape, result.dtype)
    found = tf.map_fn(one, tf.range(length), fn_output_signature=spec)
    turned: Tensor = tf.transpose(found, [1, 0, *range(2, found.shape.rank)])
    return turned
