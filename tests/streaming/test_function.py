"""Programs as functions of chunks: states, layout, several inputs and outputs, refusals."""

import re

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError, StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.streaming.function import streamed
from rnnlite.streaming.layout import layout_from
from streaming.chunks import check, kernel, program, simple, stream_of


def conv(x, width, padding="SAME", stride=1, seed=0):
    return tf.nn.conv1d(x, kernel(width, x.shape[-1], 3, seed=seed), stride, padding)


def test_branches_of_different_lateness_meet():
    def model(x):
        early, late = conv(x, 1), conv(x, 7, seed=1)
        return early + late, tf.reduce_max(late * early, 1)

    stream = check(program(simple(model), (1, None, 2)))
    assert stream.delay == 3


def test_an_input_without_time_is_given_with_each_chunk():
    stream = check(program(simple(lambda x, s: x * s), (1, None, 2), (1, 1, 2)))
    assert [i.time for i in stream.signature.layout.inputs] == [1, None]


def test_several_inputs_of_time_go_side_by_side():
    def model(x, z):
        return conv(x, 3), tf.reduce_sum(z, 1)

    check(program(simple(model), (1, None, 2), (1, None, 4)))


def test_chunks_of_one_size_have_no_free_shape():
    found = streamed(program(simple(lambda x: conv(x, 5)), (1, None, 2)), 4, Options())
    assert all(t.shape.is_fully_defined() for t in found.function.outputs)
    check(program(simple(lambda x: conv(x, 5)), (1, None, 2)), chunk=4)


def test_chunks_are_a_multiple_of_the_strides():
    strided = program(simple(lambda x: conv(conv(x, 4, stride=2), 3, stride=3)), (1, None, 2))
    assert check(strided).multiple == 6
    expected = (
        "chunks of 4 steps cannot be streamed; expected a multiple of 6, the strides along time; "
        "found 4. Give streaming=6."
    )
    with pytest.raises(ShapeError, match=re.escape(expected)):
        streamed(strided, 4, Options())


def test_a_free_batch_goes_through_the_states():
    net = program(simple(lambda x: conv(x, 3)), (None, None, 2))
    stream = stream_of(net, batch=3)
    x = np.random.default_rng(0).standard_normal((3, 9, 2)).astype(np.float32)
    found = [stream(x[:, :4]), stream(x[:, 4:]), stream.finish()]
    np.testing.assert_allclose(np.concatenate(found, 1), net.reference([x])[0], rtol=0, atol=1e-5)


def test_the_layout_comes_back_from_json():
    found = streamed(program(simple(lambda x: conv(x, 5)), (1, None, 2)), None, Options()).layout
    assert layout_from(found.to_dict()) == found
    assert [s.name for s in found.states][:2] == ["state/stream/steps", "state/stream/end"]


def test_no_axis_of_time_is_refused():
    with pytest.raises(ShapeError, match=r"no input has a free axis of time to stream along"):
        streamed(program(simple(lambda x: x * 2), (1, 4)), None, Options())


def test_an_op_without_a_rule_is_refused_by_name():
    net = program(simple(lambda x: tf.math.top_k(tf.transpose(x, [0, 2, 1]))[0]), (1, None, 4))
    with pytest.raises(StreamingError, match="it picks places of the sequence"):
        streamed(net, None, Options())
    net = program(simple(lambda x: tf.signal.fft(tf.complex(x, x))), (1, None, 4))
    with pytest.raises(StreamingError, match=r"FFT along time has no streaming form"):
        streamed(net, None, Options())


def test_the_length_of_the_sequence_is_no_output():
    net = program(simple(lambda x: [x, tf.shape(x)[1]]), (1, None, 4))
    with pytest.raises(StreamingError, match=r"it is the length of the whole sequence"):
        streamed(net, None, Options())


def test_what_is_as_large_as_a_step_reads_none():
    def model(x):
        first = tf.transpose(x, [1, 0, 2])[0]
        return x + tf.zeros_like(first), tf.reduce_max(x, 1) * tf.ones_like(first)

    assert (
        check(program(simple(model), (1, None, 2))).signature.layout.states[0].name.endswith("max")
    )
