"""Convolutions and pooling along time, of every padding, stride and dilation."""

import re
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import ShapeError, StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from rnnlite.streaming.rows import Rows, Window
from rnnlite.streaming.windows import filled_at_ends
from streaming.chunks import check, kernel, program, simple
from streaming.emission import Emission
from streaming.walking import follows, kept


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("width", [2, 5])
def test_convolution(width, stride, padding):
    def model(x):
        return tf.nn.conv1d(x, kernel(width, 2, 3), stride, padding)

    stream = check(program(simple(model), (1, None, 2)), least=6)
    assert stream.multiple == stride


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_one_behind_another_does_not_see_what_is_not_there(padding):
    def model(x):
        for k, (width, stride) in enumerate([(5, 1), (4, 2), (3, 1), (2, 3)]):
            x = tf.nn.conv1d(x, kernel(width, x.shape[-1], 3, seed=k), stride, padding) + 1.0
        return x

    check(program(simple(model), (1, None, 2)), least=24)


@pytest.mark.parametrize(
    ("before", "behind", "value"), [(0, 2, 0.0), (1, 7, 1.5), (4, 0, 1.5), (9, 2, 1.5)]
)
def test_padding_in_front_of_a_window(before, behind, value):
    def model(x):
        x = tf.pad(x + 2.0, [[0, 0], [before, behind], [0, 0]], constant_values=value)
        return tf.nn.conv1d(x, kernel(5, 2, 3), 1, "VALID")

    check(program(simple(model), (1, None, 2)), least=6)


def test_causal_windows_keep_no_count():
    def model(x):
        for k, dilation in enumerate([1, 2, 4]):
            x = tf.pad(x, [[0, 0], [2 * dilation, 0], [0, 0]])
            x = tf.nn.relu(
                tf.nn.conv1d(x, kernel(3, x.shape[-1], 3, seed=k), 1, "VALID", dilations=dilation)
                + 0.5
            )
        return x

    stream = check(program(simple(model), (1, None, 2)))
    assert (stream.delay, stream.signature.layout.tail) == (0, False)
    assert [s.name.rsplit("/", 1)[-1] for s in stream.signature.layout.states] == ["rows"] * 3


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_dilation(padding):
    def model(x):
        return tf.nn.convolution(x, kernel(3, 2, 3), 1, padding, dilations=[3])

    check(program(simple(model), (1, None, 2)), least=8)


@pytest.mark.parametrize("pool", [tf.nn.max_pool1d, tf.nn.avg_pool1d])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("width", "stride"), [(2, 2), (4, 3)])
def test_pooling(pool, padding, width, stride):
    check(program(simple(lambda x: pool(x - 3.0, width, stride, padding)), (1, None, 2)), least=6)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_other_axes_have_windows_of_their_own(padding):
    def model(x):
        y = tf.nn.conv2d(x, kernel(3, 4, 1, 2), [1, 1, 2, 1], padding)
        y = tf.nn.depthwise_conv2d(y, kernel(2, 2, 2, 1), [1, 1, 1, 1], padding)
        return tf.nn.max_pool2d(y, [1, 2], [1, 2], padding)

    check(program(simple(model), (1, None, 9, 1)), least=6)


def test_a_volume():
    def model(x):
        return tf.nn.conv3d(x, kernel(3, 2, 2, 1, 2), [1, 1, 1, 1, 1], "SAME")

    check(program(simple(model), (1, None, 4, 4, 1)))


def test_padding_that_the_op_states():
    def model(x):
        return tf.nn.conv2d(x, kernel(3, 3, 1, 2), 1, [[0, 0], [2, 0], [1, 1], [0, 0]])

    stream = check(program(simple(model), (1, None, 4, 1)))
    assert stream.delay == 0


def test_steps_as_the_batch():
    def model(x):
        return tf.nn.conv2d(tf.reshape(x, [-1, 4, 4, 1]), kernel(3, 3, 1, 2), 1, "SAME")

    net = program(lambda x, recur: tf.expand_dims(model(x), 0), (1, None, 4, 4, 1))
    assert check(net).delay == 0


def test_pooling_of_both_axes_is_refused_with_padding():
    net = program(simple(lambda x: tf.nn.avg_pool2d(x, 3, 1, "SAME")), (1, None, 8, 1))
    with pytest.raises(StreamingError, match=r"it pads time and other axes at once"):
        streamed(net, None, Options())


def test_nothing_but_the_rows_of_a_window_is_kept():
    net = program(simple(lambda x: tf.nn.conv1d(x, kernel(7, 2, 3), 1, "VALID")), (1, None, 2))
    state = check(net, least=8).state
    assert {k: np.shape(v) for k, v in state.items() if k.endswith("rows")} == {
        "state/conv1d/rows": (1, 1, 6, 2)
    }


def test_chunks_shorter_than_a_stride_are_refused_before_anything_is_made_of_them():
    whole = program(simple(lambda x: tf.nn.conv1d(x, kernel(2, 4, 3), 2, "SAME")), (1, None, 4))
    with pytest.raises(ShapeError, match="chunks of 1 steps cannot be streamed; expected a multip"):
        streamed(whole, 1, Options())


SHAPE = (1, None, 3)


def conv(width, stride=1, padding="VALID", dilation=1):
    def model(x):
        return tf.nn.conv1d(x, kernel(width, 3, 2), stride, padding, dilations=dilation)

    return model


def padded(width, before, behind=0):
    def model(x):
        x = tf.pad(x, [[0, 0], [before, behind], [0, 0]])
        return tf.nn.conv1d(x, kernel(width, 3, 2), 1, "VALID")

    return model


ROWS = {
    "a row alone": (conv(1), Rows(1), {}),
    "without padding": (conv(3), Rows(1, 1, 2, -2), {"rows": 2}),
    "padded to the same": (conv(3, padding="SAME"), Rows(1, 1, 1), {"rows": 2}),
    "an even width": (conv(4, padding="SAME"), Rows(1, 1, 2), {"rows": 3}),
    "causal": (padded(3, 2), Rows(1), {"rows": 2}),
    "far behind": (padded(3, 5), Rows(1, 1, 0, 3), {"rows": 2, "delay": 3}),
    "padded behind alone": (padded(3, 0, 2), Rows(1, 1, 2), {"rows": 2}),
    "as wide as its stride": (conv(2, 2), Rows(1, 2), {}),
    "wider than its stride": (conv(3, 2), Rows(1, 2, 1, -1), {"rows": 2}),
    "narrower than its stride": (conv(1, 3), Rows(1, 3, 0, 2), {}),
    "with holes": (conv(3, dilation=2), Rows(1, 1, 4, -4), {"rows": 4}),
    "a pool": (lambda x: tf.nn.max_pool1d(x, 3, 1, "VALID"), Rows(1, 1, 2, -2), {"rows": 2}),
    "a pool of each place": (lambda x: tf.nn.max_pool1d(x, 1, 1, "VALID"), Rows(1), {}),
    "a pool, padded": (lambda x: tf.nn.avg_pool1d(x, 2, 2, "SAME"), Rows(1, 2, 0, 0), {}),
}
"""Windows -> the rows they give, and how many rows are kept under which name."""


@pytest.mark.parametrize("name", ROWS)
def test_a_window_gives_these_rows(name):
    function, rows, states = ROWS[name]
    emission = Emission(function, SHAPE, chunk=None, tail=True)
    value = emission.value()
    length = {n: rows.length(n) for n in (6, 12, 30)}
    # Those of a stride of two may add one that no whole number of strides ever shows.
    assert replace(value.rows, add=rows.add) == rows
    assert {n: value.rows.length(n) for n in length} == length
    assert {k: shape[-2] for k, shape in kept(emission).items()} == states
    follows(emission)


@settings(max_examples=12, deadline=None)
@given(
    width=st.integers(1, 5),
    stride=st.integers(1, 3),
    before=st.integers(0, 5),
    behind=st.integers(0, 5),
    parts=st.lists(st.integers(1, 3), min_size=3, max_size=4),
)
def test_any_padded_window_gives_the_rows_it_says(width, stride, before, behind, parts):
    def model(x):
        x = tf.pad(x, [[0, 0], [before, behind], [0, 0]])
        return tf.nn.conv1d(x, kernel(width, 1, 1), stride, "VALID")

    emission = Emission(model, (1, None, 1), chunk=None, tail=True)
    parts = [6 * n for n in parts]
    (rows,) = follows(emission, sum(parts), parts)
    assert rows.stride == stride


@settings(max_examples=10, deadline=None)
@given(
    width=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["SAME", "VALID"]),
    largest=st.booleans(),
)
def test_any_pool_leaves_padding_out(width, stride, padding, largest):
    def model(x):
        pool = tf.nn.max_pool1d if largest else tf.nn.avg_pool1d
        return pool(x - 5.0, width, stride, padding)

    follows(Emission(model, (1, None, 2), chunk=None, tail=True))


@pytest.mark.parametrize("late", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("width", "before", "behind"), [(3, 2, 0), (3, 0, 0), (3, 1, 1), (2, 4, 0)]
)
def test_what_is_not_there_is_seen_as_padding_alone(late, width, before, behind):
    """Rows are filled where a window may look at them: in front, or behind."""
    emission = Emission(tf.tanh, SHAPE, chunk=4, rows=Rows(1, 1, late))
    value = emission.value(emission.net.function.inputs[0])
    window = Window(width, 1, before, behind)
    with emission.graph.as_default():
        found = filled_at_ends(emission.emitter, value, window, 0.0)
    wanted = bool(late) and bool(before or behind)
    assert (found.tensor is not value.tensor) is wanted


def test_time_as_the_batch_of_a_picture_is_each_step_alone():
    def model(x):
        return tf.nn.conv2d(x[0], kernel(3, 3, 1, 2), 1, "SAME")

    emission = Emission(model, (1, None, 5, 5, 1))
    assert emission.value().rows == Rows(0)
    assert emission.states.met == []
    follows(emission, 8, [4, 4])


def test_other_axes_are_padded_beside_the_window():
    def model(x):
        return tf.nn.conv2d(x, kernel(3, 2, 1, 2), [1, 1, 3, 1], "SAME")

    emission = Emission(model, (1, None, 7, 1), chunk=None, tail=True)
    assert emission.value().tensor.shape.as_list()[2:] == [3, 2]
    follows(emission)


@pytest.mark.parametrize(
    ("function", "shape", "why"),
    [
        (
            lambda x: tf.nn.conv1d(x, tf.reshape(x[0, -1], [1, 3, 1]), 1, "VALID"),
            SHAPE,
            "it needs the whole of time at each step; found a result of all steps beside single",
        ),
        (
            lambda x: tf.nn.conv2d(
                tf.expand_dims(tf.transpose(tf.ensure_shape(x, [1, 9, 3]), [0, 2, 1]), 2),
                kernel(1, 1, 9, 2),
                1,
                "VALID",
            ),
            SHAPE,
            "a product over the whole of time.",
        ),
        (
            lambda x: tf.nn.max_pool2d(x, [2, 2], 1, "SAME"),
            (1, None, 4, 1),
            "it pads time and other axes at once.",
        ),
        (
            lambda x: tf.nn.conv1d(tf.zeros([1, 9, 3]), x[:, :, :, None][0], 1, "VALID"),
            (1, None, 3),
            "it computes with the length of the whole sequence.",
        ),
    ],
)
def test_windows_that_see_the_whole_are_refused(function, shape, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        Emission(function, shape).value()


def spread(function):
    """A function between places that are spread over the batch, two and two."""

    def model(x):
        y = function(tf.space_to_batch(x, [2], [[0, 0]]))
        return tf.batch_to_space(y, [2], [[0, 0]])

    return model


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (conv(3, padding="SAME"), "it pads places that are spread over the batch."),
        (conv(1, 2), "it pads places that are spread over the batch."),
        (
            lambda x: tf.nn.max_pool1d(x, 2, 1, "VALID"),
            "MaxPool of places that are spread over the batch.",
        ),
    ],
)
def test_windows_over_places_that_are_spread_are_refused(function, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        Emission(spread(function), SHAPE).value()


def test_a_convolution_of_spread_places_has_holes():
    emission = Emission(spread(conv(3)), SHAPE, chunk=None, tail=True)
    value = emission.value()
    assert (value.rows, value.dilation) == (Rows(1, 1, 4, -4), 1)
    assert kept(emission) == {"rows": (1, 1, 4, 3)}
