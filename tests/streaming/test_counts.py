"""Counts that given numbers bound: loops and slices over the first min(length, n) rows."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.scan.cells import Activation, SimpleRNN
from rnnlite.scan.scan import Scan
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program

SHAPES = (1, None, 3), (1,)


def count_of(x, number):
    """Of x (1, T, 3) and a number from 0 on, mostly below 20: its rows, how many are taken."""
    rows = tf.transpose(x, [1, 0, 2])
    most = tf.cast(tf.abs(tf.reduce_max(number)) * 10.0, tf.int32)
    return rows, tf.minimum(tf.shape(rows)[0], tf.maximum(most, 1))


def whole(y, rows):
    """Up to the length with zeros."""
    missing = tf.maximum(tf.shape(rows)[0] - tf.shape(y)[0], 0)
    return tf.transpose(tf.pad(y, [[0, missing], [0, 0], [0, 0]]), [1, 0, 2])


@pytest.mark.parametrize("late", [False, True])
def test_a_recurrence_over_as_many_rows(late):
    def model(x, number, recur):
        if late:
            x = tf.nn.conv1d(x, kernel(3, 3, 3), 1, "SAME")
        rows, count = count_of(x, number)
        rng = np.random.default_rng(0)
        weights = [rng.standard_normal(s).astype("f") / 3 for s in ((3, 4), (4, 4), (4,))]
        cell = SimpleRNN(*weights, Activation(tf.tanh, True))
        scan = Scan(cell, (rows[:count],), (tf.zeros([1, 4]),), all_outputs=True, name="rnn")
        result = recur(scan)
        return [whole(result.outputs[0], rows), *result.last, *result.states]

    assert check(program(model, *SHAPES)).delay == late


def places(x, number, recur):
    """The number of each row beside it."""
    rows, count = count_of(x, number)
    beside = tf.cast(tf.reshape(tf.range(count), [-1, 1, 1]), tf.float32)
    return whole(tf.tanh(rows[:count]) * beside, rows)


def of_all(x, number, recur):
    """Results of all rows that are taken."""
    rows, count = count_of(x, number)
    first = rows[:count]
    return tf.reduce_mean(first, 0), tf.reduce_max(first, 0), tf.reduce_sum(first, 0), first[-1]


def given(x, number, recur):
    """A slice that stops at the length by itself, as fused kernels take it."""
    rows, _ = count_of(x, number)
    most = tf.cast(tf.abs(number[0]) * 10.0, tf.int32) + 1
    return whole(rows[:most] * 2.0, rows)


@pytest.mark.parametrize("model", [places, of_all, given])
def test_ops_over_as_many_rows(model):
    check(program(model, *SHAPES))


REFUSED = {
    "given numbers decide how many rows it has": lambda first, rows: first,
    "given numbers decide how many rows it looks at": lambda first, rows: first[1:],
    "given numbers decide how many of the rows it combines": lambda first, rows: first + rows,
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_goes_beyond_the_count_is_refused(why):
    def model(x, number, recur):
        rows, count = count_of(x, number)
        return REFUSED[why](rows[:count], rows)

    with pytest.raises(StreamingError, match=re.escape(f"cannot be streamed: {why}.")):
        streamed(program(model, *SHAPES), None, Options())


@pytest.mark.parametrize("window", [lambda x: tf.nn.conv1d(x, kernel(2, 3, 2), 1, "VALID")])
def test_a_window_over_as_many_rows_is_refused(window):
    def model(x, number, recur):
        rows, count = count_of(x, number)
        return window(tf.transpose(rows[:count], [1, 0, 2]))

    with pytest.raises(StreamingError, match="given numbers decide how many rows it looks at"):
        streamed(program(model, *SHAPES), None, Options())


def test_other_padding_than_up_to_the_length_is_refused():
    def model(x, number, recur):
        rows, count = count_of(x, number)
        return tf.pad(rows[:count], [[0, 2], [0, 0], [0, 0]])

    with pytest.raises(StreamingError, match="given numbers decide how many rows it looks at"):
        streamed(program(model, *SHAPES), None, Options())


def test_the_row_at_a_given_length_is_refused():
    def model(x, number, recur):
        place = tf.cast(number, tf.int32)
        return tf.gather_nd(x, tf.stack([tf.zeros_like(place), place], 1))

    with pytest.raises(StreamingError, match="it picks places of the sequence"):
        streamed(program(model, *SHAPES), None, Options())


def test_a_count_of_the_data_themselves_is_refused():
    def model(x, number, recur):
        rows = tf.transpose(x, [1, 0, 2])
        most = tf.reduce_sum(tf.cast(x[0, :, 0] > 0, tf.int32))
        return whole(rows[: tf.minimum(tf.shape(rows)[0], most)], rows)

    with pytest.raises(StreamingError, match="counted over the whole of the sequence"):
        streamed(program(model, *SHAPES), None, Options())
