"""Functions that a layer compiles, their ops emitted in the place of the call."""

import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from streaming.chunks import check, kernel, program, simple, stream_of

KERNEL = kernel(3, 2, 4)


def compiled(function):
    """A function that is called as one op, as layers with groups of channels are."""
    return tf.function(function, jit_compile=True, autograph=False)


def test_a_convolution_within_a_call_called_twice():
    @compiled
    def layer(x, factor):
        # It captures the kernel, and reads the length.
        flat = tf.reshape(x * factor, [-1, 4])
        y = tf.nn.conv1d(tf.reshape(flat, [1, tf.shape(x)[1], 4]), KERNEL, 1, "SAME")
        return tf.nn.relu(y), y

    def model(x):
        for _ in range(2):
            first, second = layer(x, tf.constant(0.7))
            x = first + 0.5 * second
        return x

    stream = check(program(simple(model), (1, None, 4)), least=6)
    assert stream.delay == 2
    assert any(name.endswith("/rows") for name in stream.state)


def test_a_refusal_names_the_layer_of_the_call():
    @compiled
    def layer(x):
        return tf.reverse(x, [1])

    def model(x):
        with tf.name_scope("turned"):
            return layer(x)

    with pytest.raises(StreamingError, match=r"turned.*turns the sequence round"):
        stream_of(program(simple(model), (1, None, 4)))
