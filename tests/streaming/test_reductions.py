"""Reductions: over other axes step by step, over time so far; the last row, and running sums."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from rnnlite.streaming.reductions import last_row
from rnnlite.streaming.rows import Rows
from rnnlite.streaming.states import State
from rnnlite.streaming.values import SoFar
from streaming.chunks import check, kernel, program, simple, stream_of
from streaming.emission import Emission
from streaming.walking import follows, walked

REDUCTIONS = ["sum", "mean", "max", "min", "prod"]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(("axes", "keep"), [([1], False), ([1, 2], True)])
def test_reduction(name, axes, keep):
    def model(x):
        return getattr(tf, f"reduce_{name}")(x, axes, keepdims=keep) + 1.0

    stream = check(program(simple(model), (1, None, 2), batch=None))
    assert stream.signature.layout.outputs[0].so_far


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_rows_that_are_not_there_do_not_count(name):
    def model(x):
        y = tf.nn.conv1d(x, kernel(5, 2, 3), 1, "SAME") - 9.0
        return getattr(tf, f"reduce_{name}")(y, 1)

    check(program(simple(model), (1, None, 2)))


def test_a_sum_of_zeros_is_known_from_the_start():
    def model(x):
        return x + tf.reduce_sum(tf.zeros_like(x), 1, keepdims=True) + 1.0

    check(program(simple(model), (1, None, 2), batch=None))


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


SHAPE = (1, None, 3)


@pytest.mark.parametrize(
    ("axes", "keep", "axis", "shape"),
    [
        ([2], False, 1, (1, 4)),
        ([-1], True, 1, (1, 4, 1)),
        ([0], False, 0, (4, 3)),
        ([0, 2], False, 0, (4,)),
        ([-3, -1], True, 1, (1, 4, 1)),
    ],
)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_over_other_axes_than_time(name, axes, keep, axis, shape):
    emission = Emission(lambda x: getattr(tf, f"reduce_{name}")(x, axes, keepdims=keep), SHAPE)
    value = emission.value()
    assert (value.rows, tuple(value.tensor.shape)) == (Rows(axis), shape)
    assert emission.states.met == []


@pytest.mark.parametrize(
    ("name", "dtype", "state", "initial", "grows"),
    [
        ("sum", "float32", "sum", 0.0, True),
        ("mean", "float32", "sum", 0.0, True),
        ("prod", "float32", "prod", 1.0, True),
        ("max", "float32", "max", float(np.finfo(np.float32).min), False),
        ("min", "float32", "min", float(np.finfo(np.float32).max), False),
        ("sum", "int32", "sum", 0.0, False),
        ("max", "int32", "max", -(2.0**31), False),
        ("min", "int32", "min", 2.0**31 - 1, False),
    ],
)
def test_a_result_so_far_begins_as_that_of_nothing(name, dtype, state, initial, grows):
    emission = Emission(lambda x: getattr(tf, f"reduce_{name}")(x, 1), SHAPE, dtype=dtype)
    assert isinstance(emission.value(), SoFar)
    met = {s.name.rpartition("/")[2]: s for s in emission.states.met}[state]
    assert met == State(met.name, (1, 3), dtype, initial, None, grows)


@pytest.mark.parametrize(("name", "initial"), [("any", 0.0), ("all", 1.0)])
def test_of_no_flags_none_and_all_are_set(name, initial):
    def model(x):
        return getattr(tf, f"reduce_{name}")(x > 0, 1)

    emission = Emission(model, SHAPE)
    emission.value()
    (met,) = emission.states.met
    assert (met.dtype, met.initial, met.grows) == ("bool", initial, False)


ORACLES = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod}


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(ORACLES)),
    axes=st.sampled_from([[1], [1, 2], [0, 1, 2]]),
    parts=st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
def test_after_each_chunk_the_result_is_that_of_all_steps_so_far(name, axes, parts):
    emission = Emission(lambda x: getattr(tf, f"reduce_{name}")(x, axes), SHAPE, chunk=None)
    tensor = emission.value().tensor
    x = np.random.default_rng(sum(parts)).standard_normal((1, sum(parts), 3)).astype("f")
    (found,) = walked(emission, [tensor], [x], parts)
    for steps, result in zip(np.cumsum(parts), found, strict=True):
        expected = ORACLES[name](x[:, :steps], tuple(axes))
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("sum", 18.0), ("mean", 4.5), ("max", 6.0)])
def test_rows_that_are_late_or_beyond_the_end_do_not_count(name, expected):
    """Of the steps 1, 2, 3, ... rows 3 to 6 are there: two late, the end after four."""
    emission = Emission(
        lambda x: getattr(tf, f"reduce_{name}")(x, 1),
        SHAPE,
        chunk=None,
        tail=True,
        rows=Rows(1, 1, 2),
    )
    tensor = emission.value().tensor
    x = np.arange(1, 9, dtype=np.float32)[None, :, None] * np.ones(3, "f")
    (found,) = walked(emission, [tensor], [x], [3, 3, 2], end=4)
    assert found[-1].tolist() == [[expected] * 3]


def test_of_rows_at_two_rates_the_sum_counts_each_row():
    emission = Emission(lambda x: tf.reduce_mean(x[:, ::2], 1), SHAPE, chunk=None)
    tensor = emission.value().tensor
    x = np.arange(12, dtype=np.float32)[None, :, None] * np.ones(3, "f")
    (found,) = walked(emission, [tensor], [x], [4, 6, 2])
    assert [f[0, 0] for f in found] == [1.0, 4.0, 5.0]


@pytest.mark.parametrize(("axis", "time", "shape"), [(-1, 1, (1, 4)), (0, 0, (4, 3))])
@pytest.mark.parametrize("function", [tf.argmax, tf.argmin])
def test_classes_fall_away_and_time_moves_up(function, axis, time, shape):
    emission = Emission(lambda x: function(x, axis, tf.int32), SHAPE)
    value = emission.value()
    assert (value.rows, tuple(value.tensor.shape)) == (Rows(time), shape)
    assert value.tensor.dtype == tf.int32
    follows(emission, 8, [4, 4])


def test_sums_along_features_keep_nothing():
    emission = Emission(lambda x: tf.cumsum(x, -1), SHAPE)
    assert emission.value().rows == Rows(1)
    assert emission.states.met == []


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_sum_goes_on_from_chunk_to_chunk(exclusive):
    emission = Emission(lambda x: tf.cumsum(x, 1, exclusive=exclusive), SHAPE, chunk=None)
    tensor = emission.value().tensor
    assert [(s.shape, s.grows) for s in emission.states.met] == [((1, 1, 3), True)]
    (found,) = walked(emission, [tensor], [np.ones([1, 6, 3], "f")], [1, 3, 2])
    expected = np.arange(6) + (not exclusive)
    assert np.concatenate(found, 1)[0, :, 0].tolist() == expected.tolist()


@pytest.mark.parametrize("single", [False, True])
def test_the_last_row_that_is_there(single):
    """Two late: the first chunk of two holds none; the end is after three steps."""
    emission = Emission(lambda x: x * 1.0, SHAPE, chunk=2, tail=True, rows=Rows(1, 1, 2))
    op = emission.op("Mul")
    value = emission.value(emission.net.function.inputs[0])
    with emission.graph.as_default():
        last = last_row(emission.emitter, op, value, single=single)
    assert last.rows == Rows(1, 1, 2)
    assert last.tensor.shape.as_list() == ([1, 3] if single else [1, 1, 3])
    x = np.arange(1, 9, dtype=np.float32)[None, :, None] * np.ones(3, "f")
    (found,) = walked(emission, [last.tensor], [x], [2] * 4, end=3)
    # Zeros before the first; rows 3, 4, 5 are there, and 5 stays.
    assert [f.reshape(-1)[0] for f in found] == [0, 4, 5, 5]


R = tf.raw_ops
LONG_AXES = {
    "sum": lambda x: R.Sum(input=x, axis=tf.constant([2], tf.int64)),
    "sum over time": lambda x: R.Sum(input=x, axis=tf.constant([1, 2], tf.int64)),
    "any": lambda x: tf.cast(R.Any(input=x > 0, axis=tf.constant([2], tf.int64)), tf.float32),
    "running sum": lambda x: R.Cumsum(x=x, axis=tf.constant(2, tf.int64)),
    "running sum over time": lambda x: R.Cumsum(x=x, axis=tf.constant(1, tf.int64)),
}


@pytest.mark.parametrize("name", LONG_AXES)
def test_axes_may_be_numbers_of_any_integer_type(name):
    check(program(simple(LONG_AXES[name]), (1, None, 3)))


@pytest.mark.parametrize("name", ["mean", "max", "min", "sum", "prod"])
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_whole_numbers_stay_whole_numbers(name, dtype):
    """A mean is rounded towards zero; a minimum begins at the largest number."""

    def model(x):
        return getattr(tf, f"reduce_{name}")(tf.cast(x * 2.0 - 1.0, dtype), 1)

    emission = Emission(model, SHAPE)
    assert emission.value().tensor.dtype == dtype
    check(program(simple(model), (1, None, 3)))


@pytest.mark.parametrize(
    ("dtype", "first"),
    [(tf.int32, 2.0**31 - 1), (tf.int64, 2.0**63 - 1024), (tf.float32, np.finfo("f").max)],
)
def test_a_minimum_begins_at_a_number_that_its_type_holds(dtype, first):
    """As a double, which the record of a state has, the largest int64 would be one too large."""
    emission = Emission(lambda x: tf.reduce_min(tf.cast(x, dtype), 1), SHAPE)
    emission.value()
    (state,) = emission.states.met
    assert state.initial == first
    assert int(state.initial) == int(np.asarray(state.initial, state.dtype))


PRODUCTS = {"Cumprod": tf.math.cumprod, "CumulativeLogsumexp": tf.math.cumulative_logsumexp}


@pytest.mark.parametrize("name", PRODUCTS)
def test_running_products_are_along_features_alone(name):
    check(program(simple(lambda x: PRODUCTS[name](x, 2)), (1, None, 3)))
    expected = f"cannot be streamed: {name} along time has no streaming form"
    with pytest.raises(StreamingError, match=expected):
        Emission(lambda x: PRODUCTS[name](x, 1), SHAPE).value()
