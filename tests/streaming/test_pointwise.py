"""Ops that compute each step on its own."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program, simple

FUNCTIONS = {
    "activations": lambda x: tf.nn.relu(x) + tf.tanh(x) * tf.sigmoid(x) - tf.nn.elu(x),
    "softmax": lambda x: tf.nn.softmax(x),
    "bias": lambda x: tf.nn.bias_add(x, kernel(4)),
    "constants": lambda x: x * kernel(4) + kernel(1, 1, 4),
    "clip": lambda x: tf.clip_by_value(x, -1.0, 1.0),
    "where": lambda x: tf.where(x > 0, x, tf.zeros([])),
    "products": lambda x: tf.matmul(x, kernel(4, 3)),
    "einsum": lambda x: tf.einsum("btf,fg->btg", x, kernel(4, 3)),
    "einsum of two": lambda x: tf.einsum("btf,btg->btfg", x, x * 2),
    "norm": lambda x: (
        (x - tf.reduce_mean(x, -1, keepdims=True)) / tf.norm(x, axis=-1, keepdims=True)
    ),
    "batch norm": lambda x: tf.compat.v1.nn.fused_batch_norm(
        x[:, :, None], kernel(4), kernel(4), np.zeros(4, "f"), np.ones(4, "f"), is_training=False
    )[0],
    "layer norm": lambda x: tf.reshape(
        tf.compat.v1.nn.fused_batch_norm(
            tf.reshape(x, [1, -1, 4, 1]),
            tf.fill([tf.shape(x)[1]], 1.0),
            tf.fill([tf.shape(x)[1]], 0.0),
            data_format="NCHW",
        )[0],
        [1, -1, 4],
    ),
    "top": lambda x: tf.math.top_k(x, 2)[0],
    "places of features": lambda x: tf.gather(x, [0, 2], axis=2),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_each_step_alone(name):
    assert check(program(simple(FUNCTIONS[name]), (1, None, 4))).signature.layout.states == ()


def test_ids():
    def model(x):
        return tf.gather(kernel(5, 3), x) + tf.one_hot(x, 3)

    check(program(simple(model), (1, None), dtype="int32"))


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: tf.matmul(x, x, transpose_b=True), "needs the whole of time at each step"),
        (lambda x: tf.matmul(x, x, transpose_a=True), "attention, a product over the whole"),
        (lambda x: tf.einsum("btf,bsf->bts", x, x), "attention, a product over the whole of time"),
        (lambda x: x[:, :, None] - x[:, None], "found each step beside each other"),
        (lambda x: tf.gather(x, [0, 1], axis=1), "it picks places of the sequence"),
    ],
)
def test_what_needs_the_whole_is_refused(function, why):
    with pytest.raises(StreamingError, match=why):
        streamed(program(simple(function), (1, None, 4)), None, Options())
