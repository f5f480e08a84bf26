"""Convolutions and pooling along time, of every padding, stride and dilation."""

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError, StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program, simple


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 5])
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


@pytest.mark.parametrize("before", [0, 1, 4, 9])
@pytest.mark.parametrize("behind", [0, 2, 7])
@pytest.mark.parametrize("value", [0.0, 1.5])
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
@pytest.mark.parametrize(("width", "stride"), [(3, 1), (2, 2), (3, 2), (4, 3)])
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


def test_what_grows_is_refused():
    def model(x):
        shape = tf.stack([1, tf.shape(x)[1] * 2, 3])
        return tf.nn.conv1d_transpose(x, kernel(2, 3, 2), shape, 2)

    with pytest.raises(StreamingError, match="Conv2DBackpropInput along time"):
        streamed(program(simple(model), (1, None, 2)), None, Options())


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
