"""The few ops that models of people use, under one name for Keras 3 and for tf_keras.

Keras 3 code calls `keras.ops`; Keras 2 code calls TensorFlow. `glued` puts such code into a model:
as an op on symbolic tensors, in a Lambda, or in a layer of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf


def _keras3() -> SimpleNamespace:
    o = keras.ops
    return SimpleNamespace(
        sum=o.sum,
        mean=o.mean,
        square=o.square,
        sqrt=o.sqrt,
        exp=o.exp,
        tanh=o.tanh,
        cast=o.cast,
        squeeze=o.squeeze,
        expand_dims=o.expand_dims,
        concatenate=o.concatenate,
        zeros_like=o.zeros_like,
        not_equal=o.not_equal,
        tensordot=o.tensordot,
        einsum=o.einsum,
        l2_normalize=lambda v, axis: o.normalize(v, axis=axis),
        cumsum_of_softplus=lambda v: o.cumsum(o.softplus(v), axis=-1),
        arange_like=lambda v: o.cumsum(o.ones_like(v[:1, :, :1]), axis=1) * 0.01,
    )


def _tensorflow() -> SimpleNamespace:
    return SimpleNamespace(
        sum=lambda v, axis, keepdims=False: tf.reduce_sum(v, axis=axis, keepdims=keepdims),
        mean=lambda v, axis, keepdims=False: tf.reduce_mean(v, axis=axis, keepdims=keepdims),
        square=tf.square,
        sqrt=tf.sqrt,
        exp=tf.exp,
        tanh=tf.tanh,
        cast=tf.cast,
        squeeze=tf.squeeze,
        expand_dims=tf.expand_dims,
        concatenate=tf.concat,
        zeros_like=tf.zeros_like,
        not_equal=tf.not_equal,
        tensordot=lambda a, b, axes: tf.tensordot(a, b, axes),
        einsum=tf.einsum,
        l2_normalize=lambda v, axis: tf.math.l2_normalize(v, axis=axis),
        cumsum_of_softplus=lambda v: tf.cumsum(tf.nn.softplus(v), axis=-1),
        arange_like=lambda v: (
            tf.cast(tf.range(tf.shape(v)[1]), tf.float32)[tf.newaxis, :, tf.newaxis] * 0.01
        ),
    )


KERAS3, TENSORFLOW = _keras3(), _tensorflow()


def ops_of(K: Any) -> SimpleNamespace:
    """The ops for models of a package."""
    return KERAS3 if K.__name__ == "keras" else TENSORFLOW


def glued(K: Any, form: str, function: Callable[..., Any], *tensors: Any, order: Any = None) -> Any:
    """Apply a function of tensors in a model: form "op", "lambda" or "layer".

    `order` gives the places of the tensors in the function's arguments, where they differ.
    """
    call = function if order is None else lambda *v: function(*[v[k] for k in order])
    if form == "op":
        return call(*tensors)
    if form == "lambda":
        layer = K.layers.Lambda(lambda v: call(*v) if len(tensors) > 1 else call(v))
    else:
        layer = _glue_layer(K, call, len(tensors))
    return layer(list(tensors) if len(tensors) > 1 else tensors[0])


def _glue_layer(K: Any, call: Callable[..., Any], count: int) -> Any:
    class Glue(K.layers.Layer):
        def call(self, v: Any) -> Any:
            return call(*v) if count > 1 else call(v)

    return Glue()
