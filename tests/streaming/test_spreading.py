"""Ops that make several rows of one, against the whole sequence."""

import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.streaming.rows import Rows
from streaming.chunks import check, kernel, program, simple, stream_of


def _longer(x, width, stride, padding, more=0, units=3):
    """A transposed convolution along time of (B, T, C)."""
    _, steps, features = x.shape
    steps = tf.shape(x)[1] if steps is None else steps
    whole = steps * stride + (max(width - stride, 0) if padding == "VALID" else 0) + more
    weights = kernel(width, units, features)
    return tf.nn.conv1d_transpose(x, weights, [1, whole, units], stride, padding)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_transposed_convolution(width, stride, padding):
    def model(x):
        return _longer(x, width, stride, padding)

    stream = check(program(simple(model), (1, None, 2)))
    (output,) = stream.signature.layout.outputs
    assert (output.rows.rate, output.rows.stride, stream.multiple) == (stride, 1, 1)


@pytest.mark.parametrize("more", [1, 2])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_rows_that_are_lacking_are_put_behind(padding, more):
    more = -more if padding == "SAME" else more

    def model(x):
        return _longer(x, 4, 3, padding, more)

    check(program(simple(model), (1, None, 2)), least=2)


@pytest.mark.parametrize("many", [2, 3])
def test_rows_repeated_and_rows_taken_apart(many):
    def repeated(x):
        return tf.nn.conv1d(tf.repeat(x, many, 1), kernel(3, 2, 3), 1, "SAME")

    def apart(x):
        y = tf.nn.conv1d(x, kernel(3, 2, 3 * many), 1, "SAME")
        return tf.nn.tanh(tf.reshape(y, [1, tf.shape(x)[1] * many, 3]))

    for model in (repeated, apart):
        stream = check(program(simple(model), (1, None, 2)), least=3)
        assert stream.signature.layout.outputs[0].rows.rate == many


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_down_and_up_again_beside_what_goes_round(padding):
    def model(x):
        low = tf.nn.relu(tf.nn.conv1d(x, kernel(4, 2, 4), 2, padding))
        lower = tf.nn.relu(tf.nn.conv1d(low, kernel(3, 4, 5), 3, padding))
        high = _longer(lower, 5, 3, padding, units=4)
        back = tf.shape(low)[1]
        high = tf.concat([high[:, :back] if padding == "SAME" else high, low], 2)
        return _longer(high, 4, 2, padding) + tf.nn.conv1d(x, kernel(3, 2, 3), 1, "SAME")

    if padding == "SAME":
        stream = check(program(simple(model), (1, None, 2)), least=6)
        assert stream.multiple == 6
        assert stream.signature.layout.outputs[0].rows.stride == 1


def test_a_chunk_stays_a_multiple_of_strides_that_are_undone():
    def model(x):
        return tf.repeat(tf.nn.max_pool1d(x, 4, 4, "VALID"), 2, 1) * 2.0

    stream = check(program(simple(model), (1, None, 2)), least=4)
    rows = stream.signature.layout.outputs[0].rows
    assert (rows.stride, rows.rate, stream.multiple) == (2, 1, 4)


def test_windows_and_slices_behind():
    def model(x):
        y = tf.nn.conv1d(tf.repeat(x, 3, 1), kernel(3, 2, 3), 2, "SAME")
        return tf.nn.max_pool1d(y[:, 1:-2], 2, 1, "SAME")

    stream = check(program(simple(model), (1, None, 2)), least=6)
    rows = stream.signature.layout.outputs[0].rows
    assert (rows.stride, rows.rate, stream.multiple) == (2, 3, 2)


def test_results_so_far_of_more_rows():
    def model(x):
        y = _longer(x, 3, 2, "SAME")
        return tf.reduce_mean(y, 1), tf.reduce_max(y, 1), y[:, -1]

    check(program(simple(model), (1, None, 2)), least=2)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_height_and_width_at_once(padding):
    """Time as the first of two axes of space, the other made larger and cropped as well."""

    def model(x):
        steps, more = tf.shape(x)[1], 0 if padding == "SAME" else 1
        shape = [1, steps * 2 + more, 5 * 3 + more * 1, 3]
        return tf.nn.conv2d_transpose(x, kernel(3, 4, 3, 2), shape, [2, 3], padding)

    check(program(simple(model), (1, None, 5, 2)))


def test_three_axes():
    def model(x):
        shape = [1, tf.shape(x)[1] * 2, 4, 3, 3]
        return tf.nn.conv3d_transpose(x, kernel(3, 1, 2, 3, 2), shape, [2, 1, 1], "SAME")

    check(program(simple(model), (1, None, 4, 3, 2)))


@pytest.mark.parametrize("times", [(2, 1), (1, 3), (3, 2)])
def test_images_made_larger(times):
    def model(x):
        size = tf.shape(x)[1:3] * tf.constant(times)
        return tf.compat.v1.image.resize_nearest_neighbor(x, size)

    check(program(simple(model), (1, None, 4, 2)))


def test_several_sequences():
    def model(x):
        return tf.repeat(_batch(x), 2, 1)

    check(program(simple(model), (None, None, 2)), batch=3)


def _batch(x):
    shape = [tf.shape(x)[0], tf.shape(x)[1] * 2, 3]
    return tf.nn.conv1d_transpose(x, kernel(3, 3, 2), shape, 2, "SAME")


def test_a_size_of_its_own_is_refused():
    def model(x):
        size = tf.stack([tf.shape(x)[1] + 3, 4])
        return tf.compat.v1.image.resize_nearest_neighbor(x, size)

    with pytest.raises(StreamingError, match="does not make the sequence a whole number longer"):
        stream_of(program(simple(model), (1, None, 4, 2)))


def test_arithmetic_of_rows():
    rows = Rows(0, 2, 1, -2).spread(2)
    assert rows == Rows(0, 1, 2, -2)
    assert rows.multiple == 2
    assert Rows(0).spread(3).longer(1) == Rows(0, 1, 0, 1, rate=3)
