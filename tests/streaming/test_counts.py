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
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.values import Bounded
from streaming.chunks import check, kernel, program
from streaming.emission import Emission
from streaming.walking import walked

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


def counted(function):
    """What a function of the rows and of min(length, n) gives, and its emission."""

    def model(x, number):
        return function(*count_of(x, number))

    emission = Emission(model, *SHAPES)
    tensor = emission.net.function.outputs[0]
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return emission.value(tensor), emission


PASSED = {
    "itself": lambda rows, count: count,
    "another type": lambda rows, count: tf.cast(count, tf.int64),
    "a vector": lambda rows, count: tf.reshape(count, [1]),
    "with an axis": lambda rows, count: tf.expand_dims(count, 0),
    "without an axis": lambda rows, count: tf.squeeze(tf.expand_dims(count, 0)),
    "among others": lambda rows, count: tf.stack([0, count, 3]),
    "the same bound again": lambda rows, count: tf.minimum(count, tf.shape(rows)[0]),
    "from the other side": lambda rows, count: tf.minimum(tf.shape(rows)[0], count),
}


@pytest.mark.parametrize("name", PASSED)
def test_a_count_goes_through_in_whatever_shape(name):
    value, emission = counted(PASSED[name])
    assert isinstance(value, Bounded)
    assert value.most == 0
    assert emission.states.met == []


def test_each_given_number_has_a_place():
    def model(x, number):
        rows, count = count_of(x, number)
        other = tf.minimum(tf.shape(rows)[0], tf.cast(number[0], tf.int32))
        return [rows[:count], rows[:other], rows[:count]]

    emission = Emission(model, *SHAPES)
    mosts = []
    for output in emission.net.function.outputs:
        tensor = output
        while tensor.op.type == "Identity":
            tensor = tensor.op.inputs[0]
        mosts.append(emission.value(tensor).rows.most)
    assert mosts[0] == mosts[2] != mosts[1]
    assert sorted(set(mosts)) == [0, 1]


def test_places_up_to_the_count_are_rows():
    value, emission = counted(lambda rows, count: tf.range(count))
    assert value.rows == Rows(0, most=0)
    (index,) = walked(emission, [value.tensor], [np.zeros([1, 8, 3], "f"), np.ones(1, "f")], [4, 4])
    # Which of them are there is for the reader to know.
    assert np.concatenate(index).tolist() == list(range(8))


def test_the_first_rows_are_bounded_and_the_same_tensor():
    value, emission = counted(lambda rows, count: rows[:count])
    assert value.rows == Rows(0, most=0)
    assert value.tensor.shape.as_list() == [4, 1, 3]
    assert not emission.clock.all_there(value.rows)


@pytest.mark.parametrize(("number", "total"), [(0.3, 3), (0.8, 8), (9.0, 12)])
def test_rows_that_are_there_end_at_the_count(number, total):
    value, emission = counted(lambda rows, count: rows[:count])
    with emission.graph.as_default():
        flags = emission.clock.there(value.rows, tf.constant(4))
        given = emission.clock.given(value.rows)
    arrays = [np.zeros([1, 12, 3], "f"), np.array([number], "f")]
    there, count = walked(emission, [flags, given], arrays, [4, 4, 4])
    assert np.concatenate(there).tolist() == [k < total for k in range(12)]
    assert [int(c[0]) for c in count] == [min(n, total) for n in (4, 8, 12)]


@pytest.mark.parametrize(
    "missing",
    [
        lambda rows, y: tf.shape(rows)[0] - tf.shape(y)[0],
        lambda rows, y: tf.maximum(tf.shape(rows)[0] - tf.shape(y)[0], 0),
    ],
)
def test_padding_up_to_the_length_takes_the_bound_away(missing):
    def model(rows, count):
        y = rows[:count]
        return tf.pad(y, [[0, missing(rows, y)], [0, 0], [0, 0]], constant_values=5.0)

    value, emission = counted(model)
    assert value.rows == Rows(0)
    x = np.arange(8, dtype=np.float32)[None, :, None] * np.ones(3, "f")
    (found,) = walked(emission, [value.tensor], [x, np.array([0.6], "f")], [4, 4])
    assert np.concatenate(found)[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 5, 5]


COMPUTED = "it computes with the length of the whole sequence."
CUT = "the data decide what is cut out of the sequence."


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda rows, count: tf.cast(count, tf.float32) * 2.0, COMPUTED),
        (lambda rows, count: tf.range(1, count), COMPUTED),
        (lambda rows, count: tf.range(0, count, 2), COMPUTED),
        (lambda rows, count: rows[1:count], CUT),
        (lambda rows, count: rows[:count:2], CUT),
        (
            lambda rows, count: tf.minimum(count, tf.reduce_sum(tf.cast(rows[:, 0, 0], tf.int32))),
            "how many steps are taken is counted over the whole of the sequence.",
        ),
    ],
)
def test_what_else_is_made_of_a_count_is_refused(function, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        counted(function)
