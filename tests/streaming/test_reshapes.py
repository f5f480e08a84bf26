"""RESHAPE where it stacks rows: one row of several, with what makes rows late, more or fewer."""

import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError, StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from rnnlite.streaming.rows import Rows
from streaming.chunks import check, kernel, program, simple, stream_of
from streaming.emission import Emission
from streaming.walking import follows


def stacked(x, many):
    """(B, T, W) to (B, T / many, many * W)."""
    return tf.reshape(x, [tf.shape(x)[0], -1, many * x.shape[2]])


def apart(x, many):
    """(B, T, many * W) to (B, many * T, W)."""
    return tf.reshape(x, [tf.shape(x)[0], -1, x.shape[2] // many])


def convolved(x, width, stride=1, padding="SAME"):
    return tf.nn.conv1d(x, kernel(width, x.shape[2], 6), stride, padding)


def maxima(x):
    """Of each two rows, as Maxout over frames."""
    return tf.reduce_max(tf.reshape(x, [1, -1, 2, 6]), 2)


def dense_of_stacks(x):
    """Batch and time as one axis, two rows in each of it."""
    rows = tf.matmul(tf.reshape(x, [-1, 12]), kernel(12, 4))
    return tf.reshape(rows, [1, -1, 4])


def past_itself(x):
    """Down to half of the steps and up again, beside all steps that come late."""
    return apart(convolved(stacked(x, 2), 3)[..., :4], 2)[..., :2] + convolved(x, 5)[..., :2]


def stacks_of_folded(x):
    """Rows that are an axis of batch and time are stacked as they become one of time."""
    rows = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 6]), kernel(6, 4)))
    return tf.reshape(rows, [tf.shape(x)[0], -1, 8])


FUNCTIONS = {
    "two": (lambda x: stacked(x, 2), 2, 0),
    "three": (lambda x: stacked(x, 3), 3, 0),
    "two of two": (lambda x: stacked(stacked(x, 2), 2), 4, 0),
    "an axis of its own": (lambda x: tf.reshape(x, [1, -1, 2, 6]), 2, 0),
    "maxima": (maxima, 2, 0),
    "dense": (dense_of_stacks, 2, 0),
    "rows that come late": (lambda x: stacked(convolved(x, 3), 2), 2, 2),
    "fewer rows": (lambda x: stacked(convolved(x, 5, padding="VALID"), 2), 2, 4),
    "a stride in front": (lambda x: stacked(convolved(x, 3, 2), 2), 4, 4),
    "a stride behind": (lambda x: convolved(stacked(x, 2), 3, 2), 4, 4),
    "more rows in front": (lambda x: stacked(tf.repeat(x, 2, 1), 2), 1, 0),
    "more rows than stacked": (lambda x: stacked(tf.repeat(x, 4, 1), 2), 1, 0),
    "not as many rows more": (lambda x: stacked(tf.repeat(x, 2, 1), 3), 3, 0),
    "apart again": (lambda x: apart(stacked(x, 3), 3), 3, 0),
    "past itself": (past_itself, 2, 2),
    "folded": (stacks_of_folded, 2, 0),
    "a mean so far": (lambda x: tf.reduce_mean(stacked(x, 2), 1), 2, 0),
}
"""Functions of (1, None, 6) -> the steps that a chunk is a multiple of, and the delay."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_chunks_give_the_whole(name):
    function, multiple, delay = FUNCTIONS[name]
    stream = check(program(simple(function), (1, None, 6)), least=12)
    assert (stream.multiple, stream.delay) == (multiple, delay)


@pytest.mark.parametrize("name", ["two", "rows that come late", "past itself"])
def test_chunks_of_one_size_give_the_whole(name):
    check(program(simple(FUNCTIONS[name][0]), (1, None, 6)), chunk=4, least=12)


@pytest.mark.parametrize("name", ["two", "rows that come late", "folded", "past itself"])
def test_several_sequences(name):
    check(program(simple(FUNCTIONS[name][0]), (None, None, 6)), least=12, batch=3)


@pytest.mark.parametrize(
    ("rows", "after"),
    [
        (Rows(1), Rows(1, 2)),
        (Rows(1, delay=3), Rows(1, 2, 2)),
        (Rows(1, delay=4, add=-4), Rows(1, 2, 2, -4)),
    ],
)
def test_where_the_stacks_stand(rows, after):
    """A stack is there where all of its rows are."""
    emission = Emission(lambda x: stacked(x, 2), (1, None, 6), rows=rows, tail=True)
    assert emission.value().rows == after


def test_stacks_follow_the_whole():
    emission = Emission(lambda x: stacked(convolved(x, 3), 2), (1, None, 6), chunk=None, tail=True)
    (rows,) = follows(emission)
    assert rows == Rows(1, 2, 1)


def test_rows_beside_whole_stacks_are_refused():
    net = program(simple(lambda x: stacked(convolved(x, 4, padding="VALID"), 2)), (1, None, 6))
    why = "it makes one row of 2, .*found 1 more than a multiple of 2"
    with pytest.raises(StreamingError, match=why):
        streamed(net, None, Options())


def test_a_chunk_of_no_whole_stacks_is_refused():
    net = program(simple(lambda x: stacked(x, 2)), (1, None, 6))
    with pytest.raises(ShapeError, match="multiple of 2"):
        stream_of(net, 3)
