"""Results so far, over time alone and with other axes, behind what comes late."""

import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program, simple, stream_of

REDUCTIONS = ["sum", "mean", "max", "min", "prod"]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axes", [[1], [1, 2], [2], [0, 1]])
@pytest.mark.parametrize("keep", [False, True])
def test_reduction(name, axes, keep):
    def model(x):
        return getattr(tf, f"reduce_{name}")(x, axes, keepdims=keep) + 1.0

    stream = check(program(simple(model), (1, None, 2), batch=None))
    assert stream.signature.layout.outputs[0].so_far == (1 in axes)


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_rows_that_are_not_there_do_not_count(name):
    def model(x):
        y = tf.nn.conv1d(x, kernel(5, 2, 3), 1, "SAME") - 9.0
        return getattr(tf, f"reduce_{name}")(y, 1)

    check(program(simple(model), (1, None, 2)))


def test_any_and_all():
    def model(x):
        return [
            tf.cast(tf.reduce_any(x > 1.9, 1), tf.float32),
            tf.cast(tf.reduce_all(x > -1.9, 1), tf.float32),
        ]

    check(program(simple(model), (1, None, 2)))


@pytest.mark.parametrize("late", [False, True])
def test_the_last_row(late):
    def model(x):
        y = tf.nn.conv1d(x, kernel(5, 2, 3), 1, "SAME") if late else x
        return [y[:, -1], y[:, -1:], y]

    check(program(simple(model), (1, None, 2)))


@pytest.mark.parametrize("exclusive", [False, True])
def test_running_sum(exclusive):
    def model(x):
        y = tf.nn.conv1d(x, kernel(3, 2, 3), 1, "SAME")
        return tf.cumsum(y, 1, exclusive=exclusive)

    check(program(simple(model), (1, None, 2)))


def test_there_is_no_result_before_the_first_row():
    net = program(
        simple(lambda x: tf.reduce_max(tf.nn.conv1d(x, kernel(5, 2, 3), 1, "SAME"), 1)),
        (1, None, 2),
    )
    stream = stream_of(net)
    assert stream([[1.0, 2.0]]) is None
    assert stream([[1.0, 2.0], [3.0, 4.0]]).shape == (3,)


def test_classes_of_each_step():
    check(program(simple(lambda x: tf.cast(tf.argmax(x, 2), tf.int32)), (1, None, 5)))


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: tf.argmax(x, 1), "it looks for a place in the sequence"),
        (lambda x: tf.cumsum(x, 1, reverse=True), "it sums from the end of the sequence"),
        (lambda x: x - tf.reduce_mean(x, 1, keepdims=True), "needs the whole of time at each step"),
        (lambda x: tf.nn.softmax(x, 1), "over the whole of time"),
    ],
)
def test_what_needs_the_whole_is_refused(function, why):
    with pytest.raises(StreamingError, match=why):
        streamed(program(simple(function), (1, None, 2)), None, Options())
