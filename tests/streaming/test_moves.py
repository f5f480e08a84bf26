"""Ops that move data: time keeps its place, or loses rows at its ends."""

import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program, simple

FUNCTIONS = {
    "fold": lambda x: tf.reshape(tf.matmul(tf.reshape(x, [-1, 6]), kernel(6, 4)), [1, -1, 4]),
    "regroup": lambda x: tf.reshape(x, [1, -1, 2, 3]),
    "transpose": lambda x: tf.transpose(x, [1, 0, 2])[:, 0],
    "expand": lambda x: tf.squeeze(tf.expand_dims(x, 1) * 2, [1]),
    "concat": lambda x: tf.concat([x, x * 2], -1),
    "stack": lambda x: tf.stack([x, x * 2], 1),
    "unstack": lambda x: tf.unstack(x, axis=2)[3],
    "split": lambda x: tf.split(x, 3, -1)[1] + tf.split(x, [2, 3, 1], -1)[0],
    "tile": lambda x: tf.tile(x, [1, 1, 2]),
    "zeros": lambda x: x + tf.zeros_like(x) + tf.ones([1, tf.shape(x)[1], 1]),
    "broadcast": lambda x: x + tf.broadcast_to(tf.ones([1, 1, 6]), tf.shape(x)),
    "positions": lambda x: x + tf.gather(kernel(50, 6), tf.range(tf.shape(x)[1])),
    "pad": lambda x: tf.pad(x, [[0, 0], [2, 3], [1, 0]], constant_values=4.0),
    "shift": lambda x: tf.concat([tf.zeros([1, 1, 6]), x[:, :-1]], 1),
    "ahead": lambda x: tf.concat([x[:, 2:], tf.zeros([1, 2, 6])], 1) + x,
    "delta": lambda x: x[:, 1:] - x[:, :-1],
    "every": lambda x: x[:, 1::3],
    "feature": lambda x: x[..., 2] + x[:, :, -1],
    "slice": lambda x: tf.slice(x, [0, 2, 1], [-1, -1, 3]),
    "features turned round": lambda x: tf.reverse(x, [-1]),
    "some features turned round": lambda x: tf.reverse_sequence(x, [4], 2, 0),
    "features rolled": lambda x: tf.roll(x, [2, 0], [2, 0]),
    "new axis": lambda x: x[:, :, None, 1:3],
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_move(name):
    batch = None if name == "transpose" else 0
    check(program(simple(FUNCTIONS[name]), (1, None, 6), batch=batch), least=6)


@pytest.mark.parametrize("name", ["delta", "shift", "ahead", "pad", "positions"])
def test_move_behind_what_comes_late(name):
    def model(x):
        return FUNCTIONS[name](tf.nn.conv1d(x, kernel(5, 6, 6), 1, "SAME"))

    check(program(simple(model), (1, None, 6)), least=6)


@pytest.mark.parametrize("name", ["delta", "ahead", "every", "pad"])
def test_a_result_so_far_behind_a_move(name):
    def model(x):
        return tf.reduce_mean(FUNCTIONS[name](x), 1)

    check(program(simple(model), (1, None, 6)), least=6)


def dense(x, first=6, units=4):
    """A layer for rows, on a sequence of them: batch and time are one axis in between."""
    shape = tf.shape(x)
    y = tf.nn.bias_add(tf.matmul(tf.reshape(x, [-1, first]), kernel(first, units)), kernel(units))
    return tf.reshape(y, [shape[0], shape[1], units])


def normalized(x):
    """Sums and pairs of folded values, and a row of its own axes."""
    rows = tf.reshape(x, [-1, 6])
    rows = tf.nn.softmax(rows - tf.reduce_mean(rows, 1, keepdims=True))
    rows = tf.reshape(tf.reshape(rows, [-1, 2, 3]) * kernel(3), [-1, 3])
    return tf.reshape(rows, tf.shape(x))


def convolved(x):
    """A convolution of each step."""
    pictures = tf.reshape(x, [-1, 6, 1])
    pictures = tf.nn.conv1d(pictures, kernel(3, 1, 2), 1, "SAME")
    return tf.reshape(pictures, [-1, tf.shape(x)[1], 12])


FOLDS = {
    "dense": dense,
    "normalized": normalized,
    "convolved": convolved,
    "late": lambda x: dense(tf.nn.conv1d(x, kernel(5, 6, 6), 1, "SAME")) + dense(x),
    "last": lambda x: dense(x)[:, -1],
}


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize("batch", [3, None])
@pytest.mark.parametrize("name", list(FOLDS))
def test_batch_and_time_as_one_axis(name, batch, chunk):
    check(program(simple(FOLDS[name]), (batch, None, 6)), chunk, batch=3)


def test_time_and_batch_as_one_axis():
    def model(x):
        rows = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, 6])
        rows = tf.reshape(tf.tanh(rows), [-1, 3, 6])
        return tf.transpose(rows, [1, 0, 2])

    check(program(simple(model), (3, None, 6)), batch=3)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: tf.reshape(x, [1, -1]), "it reshapes time and other axes into one"),
        (lambda x: tf.reverse(x, [1]), "it turns the sequence round, whose end has not come"),
        (
            lambda x: tf.reverse_sequence(x, [2], 1),
            "it turns the sequence round, whose end has not come",
        ),
        (lambda x: tf.roll(x, 1, -2), "it turns the sequence round, whose end has not come"),
        (lambda x: tf.concat([x, x], 1), "it puts sequences one behind the other"),
        (lambda x: tf.tile(x, [1, 2, 1]), "it repeats the sequence"),
        (lambda x: x[:, ::-1], "it turns the sequence round, whose end has not come"),
        (lambda x: x[:, :3], "it takes rows at fixed places of the sequence"),
        (lambda x: x[:, 2], "it takes rows at fixed places of the sequence"),
        (lambda x: x[:, -3:], "it takes rows at fixed places of the sequence"),
        (lambda x: x * tf.cast(tf.shape(x)[1], tf.float32), "length of the whole sequence"),
        (lambda x: x[:, tf.shape(x)[1] // 2 :], "places that the length decides"),
    ],
)
def test_what_needs_the_whole_is_refused(function, why):
    with pytest.raises(StreamingError, match=why):
        streamed(program(simple(function), (1, None, 6)), None, Options())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reshape(x, [-1, 6]),
        lambda x: tf.concat([tf.reshape(x, [-1, 6])] * 2, 1),
        lambda x: tf.reshape(x, [-1, 6])[:, None] + tf.reshape(x, [-1, 1, 6]),
        lambda x: tf.reshape(tf.reshape(x, [-1, 6]), [-1, 3, 6]),
    ],
)
def test_what_needs_time_as_an_axis_of_its_own_is_refused(function):
    with pytest.raises(StreamingError, match="it reshapes time and other axes into one"):
        streamed(program(simple(function), (3, None, 6)), None, Options())
