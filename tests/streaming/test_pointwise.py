"""Ops that compute each step on its own."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.emit import RULES
from rnnlite.streaming.function import streamed
from rnnlite.streaming.pointwise import ACROSS, ELEMENTWISE, elementwise
from rnnlite.streaming.rows import Rows
from streaming.chunks import check, kernel, program, simple
from streaming.emission import Emission
from streaming.walking import follows

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


SHAPE = (1, None, 4)


def test_no_op_across_places_is_taken_for_one_of_each_place():
    assert not set(ACROSS) & set(ELEMENTWISE)
    assert {RULES[kind] for kind in ELEMENTWISE} == {elementwise}
    assert elementwise not in {RULES.get(kind) for kind in ACROSS}


RESULTS = {
    "a constant row": (lambda x: x + kernel(4), 1, (1, 3, 4)),
    "a constant of one place": (lambda x: x * kernel(1, 1, 4), 1, (1, 3, 4)),
    "more axes in front": (lambda x: x + kernel(2, 5, 1, 1, 4), 3, (2, 5, 1, 3, 4)),
    "a number": (lambda x: x * 2.0, 1, (1, 3, 4)),
    "itself, of a lower rank": (lambda x: x + x[0], 1, (1, 3, 4)),
    "a type": (lambda x: tf.cast(x, tf.int32), 1, (1, 3, 4)),
    "a choice": (lambda x: tf.where(x > 0, x, -x), 1, (1, 3, 4)),
    "several": (lambda x: tf.add_n([x, x, x]), 1, (1, 3, 4)),
    "a product of rows": (lambda x: x[0] @ kernel(4, 5), 0, (3, 5)),
    "a product of turned rows": (
        lambda x: tf.linalg.matmul(tf.transpose(x[0]), kernel(4, 5), transpose_a=True),
        0,
        (3, 5),
    ),
    "a product in a batch": (lambda x: tf.matmul(x, kernel(1, 4, 5)), 1, (1, 3, 5)),
    "turned rows in a batch": (
        lambda x: tf.matmul(tf.transpose(x, [0, 2, 1]), kernel(1, 4, 5), adjoint_a=True),
        1,
        (1, 3, 5),
    ),
    "products of each step": (
        lambda x: tf.matmul(x[..., None], x[..., None], transpose_b=True),
        1,
        (1, 3, 4, 4),
    ),
    "letters": (lambda x: tf.einsum("btf,fg->gtb", x, kernel(4, 5)), 1, (5, 3, 1)),
    "letters of two": (lambda x: tf.einsum("btf,btg->tfg", x, x), 0, (3, 4, 4)),
    "a sum of letters": (lambda x: tf.einsum("btf->t", x), 0, (3,)),
    "a bias": (lambda x: tf.nn.bias_add(x, kernel(4)), 1, (1, 3, 4)),
    "a bias of channels in front": (
        lambda x: tf.raw_ops.BiasAdd(
            value=tf.transpose(x, [0, 2, 1])[..., None], bias=kernel(4), data_format="NCHW"
        ),
        2,
        (1, 4, 3, 1),
    ),
    "shares": (lambda x: tf.nn.log_softmax(x), 1, (1, 3, 4)),
    "the largest": (lambda x: tf.math.top_k(x, 2)[1], 1, (1, 3, 2)),
    "features by place": (lambda x: tf.gather(x, [[0, 1], [3, 3]], axis=2), 1, (1, 3, 2, 2)),
    "batches by place": (lambda x: tf.gather(x, [[0, 0]], axis=0), 2, (1, 2, 3, 4)),
}
"""Functions of (1, 3, 4) -> where time is then, and the shape of a chunk."""


@pytest.mark.parametrize("name", RESULTS)
def test_where_time_is_then(name):
    function, axis, shape = RESULTS[name]
    emission = Emission(function, SHAPE, chunk=3)
    value = emission.value()
    assert value.rows == Rows(axis)
    assert value.tensor.shape.as_list() == list(shape)
    assert emission.states.met == []
    follows(emission, 6, [3, 3])


IDS = {
    "rows of a table": (lambda x: tf.gather(kernel(5, 2), x), 1, (1, 3, 2)),
    "columns of a table": (lambda x: tf.gather(kernel(2, 5), x, axis=1), 2, (2, 1, 3)),
    "classes behind": (lambda x: tf.one_hot(x, 5), 1, (1, 3, 5)),
    "classes in front": (lambda x: tf.one_hot(x, 5, axis=0), 2, (5, 1, 3)),
    "classes at time": (lambda x: tf.one_hot(x, 5, axis=1), 2, (1, 5, 3)),
}


@pytest.mark.parametrize("name", IDS)
def test_where_time_of_ids_is_then(name):
    function, axis, shape = IDS[name]
    emission = Emission(function, (1, None), chunk=3, dtype="int32")
    value = emission.value()
    assert value.rows == Rows(axis)
    assert value.tensor.shape.as_list() == list(shape)
    follows(emission, 6, [3, 3], low=5)


def test_what_comes_early_waits_for_what_comes_late():
    emission = Emission(lambda x: x[:, 2:] + x[:, :-2], SHAPE, chunk=None, tail=True)
    assert emission.value().rows == Rows(1, 1, 2, -2)
    follows(emission)


def test_the_same_fold_stays_one():
    """Of a layer for rows: its halves meet again as rows."""

    def model(x):
        rows = tf.reshape(x, [-1, 4])
        return tf.nn.softmax(tf.tanh(rows) + rows * 2.0)

    value = Emission(model, (3, None, 4)).value()
    assert value.fold.front == 3
    assert value.rows == Rows(0)


def normalized(training):
    """Batch normalization of the features, with statistics of its own or given ones."""

    def model(x):
        x, n = x[:, :, None], 4
        return tf.compat.v1.nn.fused_batch_norm(
            x, tf.ones([n]), tf.zeros([n]), tf.zeros([n]), tf.ones([n]), is_training=training
        )[0]

    return model


def test_given_statistics_are_of_no_step():
    emission = Emission(normalized(False), SHAPE)
    assert emission.value().rows == Rows(1)
    follows(emission, 8, [4, 4])


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (
            normalized(True),
            "FusedBatchNormV3' cannot be streamed: normalization over the whole of time.",
        ),
        (
            lambda x: tf.ensure_shape(x, [1, 9, 4]) + kernel(9, 1),
            "it has values of its own for each place of the sequence; found a constant of (9, 1).",
        ),
        (
            lambda x: tf.cast(tf.shape(x)[1], tf.float32) * kernel(2),
            "it computes with the length of the whole sequence.",
        ),
        (
            lambda x: tf.raw_ops.BiasAdd(value=x, bias=x[0, -1]),
            "it needs the whole of time at each step; found a result of all steps beside single",
        ),
        (
            lambda x: tf.raw_ops.BiasAdd(value=kernel(3, 9), bias=tf.ensure_shape(x[0, :, 0], [9])),
            "its bias has a time axis.",
        ),
        (
            lambda x: tf.raw_ops.BiasAdd(
                value=tf.transpose(tf.ensure_shape(x, [1, 9, 4]), [0, 2, 1]), bias=kernel(9)
            ),
            "its channels are places of time.",
        ),
        (
            lambda x: tf.nn.softmax(tf.transpose(x, [0, 2, 1])),
            "Softmax over the whole of time.",
        ),
        (lambda x: tf.nn.log_softmax(x[..., 0]), "LogSoftmax over the whole of time."),
        (
            lambda x: tf.linalg.matmul(x[0], x[0], transpose_b=True),
            "it needs the whole of time at each step; found a product of what changes with time.",
        ),
        (
            lambda x: tf.linalg.matmul(
                tf.transpose(tf.ensure_shape(x, [1, 9, 4])[0]), kernel(9, 2)
            ),
            "a product over the whole of time.",
        ),
        (
            lambda x: tf.matmul(kernel(1, 3, 4), x, transpose_b=True),
            "attention, a product over the whole of time.",
        ),
        (
            lambda x: tf.einsum("btf,bsf->bts", x, x),
            "attention, a product over the whole of time; found Einsum btf,bsf->bts.",
        ),
        (
            lambda x: tf.einsum("btf->bf", x),
            "attention, a product over the whole of time; found Einsum btf->bf.",
        ),
        (
            lambda x: tf.einsum("...tf,fg->...tg", x, kernel(4, 2)),
            "it needs the whole of time at each step; found Einsum ...tf,fg->...tg.",
        ),
        (lambda x: tf.gather(x, [0], axis=1), "it picks places of the sequence."),
        (lambda x: tf.gather_nd(x, [[0, 2]]), "it picks places of the sequence."),
        (lambda x: tf.math.top_k(x[..., 0], 1)[0], "it picks places of the sequence."),
        (
            lambda x: tf.one_hot(tf.shape(x)[1], 3),
            "it computes with the length of the whole sequence.",
        ),
    ],
)
def test_what_a_step_alone_does_not_give_is_refused(function, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        Emission(function, SHAPE).value()
