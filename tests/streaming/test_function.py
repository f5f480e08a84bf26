"""Programs as functions of chunks: states, layout, several inputs and outputs, refusals."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import ShapeError, StreamingError
from rnnlite.lengths.sizes import Axis
from rnnlite.lowering.schedule import Options
from rnnlite.specs import TensorSpec
from rnnlite.streaming.function import LONGEST, options_of_chunk, streamed, times_of
from rnnlite.streaming.layout import StreamOutput, StreamState, layout_from
from rnnlite.streaming.rows import Rows
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


def given(*shapes, batch=0):
    """What `times_of` reads of an Entry."""
    inputs = [
        TensorSpec(f"x{k}", tuple(shape), "float32", batch_axis=batch)
        for k, shape in enumerate(shapes)
    ]
    return SimpleNamespace(inputs=inputs, lengths=SimpleNamespace(times=set()), notes=())


@pytest.mark.parametrize(
    ("shapes", "times"),
    [
        ([(1, None, 3)], [1]),
        ([(None, None, 3)], [1]),
        ([(None, 4, None)], [2]),
        ([(1, None, 3), (1, 5)], [1, None]),
        ([(1, 5), (None, 5, None), (1, None)], [None, 2, 1]),
    ],
)
def test_time_is_the_free_axis_beside_the_batch(shapes, times):
    assert times_of(given(*shapes)) == times


def test_of_several_free_axes_time_is_what_recurrences_run_over():
    entry = given((1, None, None))
    entry.lengths.times.add(Axis(0, 2))
    assert times_of(entry) == [2]
    entry.lengths.times.add(Axis(0, 1))
    expected = (
        "input 'x0' has more than one axis that could be time; expected one free axis beside the "
        "batch; found [1, None, None]. Fix the sizes of the others in the model."
    )
    with pytest.raises(ShapeError, match=re.escape(expected)):
        times_of(entry)


def test_sizes_are_said_where_no_axis_is_free():
    expected = (
        "no input has a free axis of time to stream along; found x0 [1, 4], x1 [None, 3]. Leave "
        "sequence_length free; the report of a conversion without streaming says what pins it."
    )
    with pytest.raises(ShapeError, match=re.escape(expected)):
        times_of(given((1, 4), (None, 3)))


@pytest.mark.parametrize(
    ("unroll", "chunk", "taken"), [(None, None, 1), (None, 4, None), (3, None, 3), (3, 4, 3)]
)
def test_loops_of_chunks_are_laid_out_as_what_is_short(unroll, chunk, taken):
    options = options_of_chunk(Options(unroll=unroll), chunk)
    assert (options.unroll, options.depth, options.partitions, options.variables) == (
        taken,
        1,
        1,
        0,
    )
    # What else was asked for stays.
    assert replace(options, unroll=unroll, depth=None, partitions=None, variables=None) == replace(
        Options(unroll=unroll), depth=None, partitions=None, variables=None
    )


@pytest.mark.parametrize(
    ("stride", "chunk", "longest"),
    [(1, None, LONGEST), (3, None, 63), (5, None, 60), (100, None, 100), (1, 7, 7), (3, 6, 6)],
)
def test_longer_chunks_are_cut_into_whole_strides(stride, chunk, longest):
    net = program(simple(lambda x: x[:, ::stride]), (1, None, 2))
    layout = streamed(net, chunk, Options()).layout
    assert (layout.chunk, layout.multiple, layout.longest) == (chunk, stride, longest)


def layout_of(function, *shapes, chunk=None):
    return streamed(program(simple(function), *shapes), chunk, Options()).layout


def test_a_layout_says_where_each_output_stands():
    def model(x, s):
        return x * 2.0, tf.reduce_max(x, 1), s + 1.0, conv(x, 5)

    outputs = layout_of(model, (1, None, 2), (1, 4)).outputs
    assert outputs == (
        StreamOutput("y0", Rows(1), so_far=False),
        StreamOutput("y1", Rows(1), so_far=True),
        StreamOutput("y2", None, so_far=True),
        StreamOutput("y3", Rows(1, 1, 2), so_far=False),
    )


@pytest.mark.parametrize(
    ("function", "tail"),
    [
        (lambda x: x + 1.0, False),
        (lambda x: tf.reduce_max(x, 1), False),
        (lambda x: conv(x, 3, "VALID"), False),
        (lambda x: conv(x, 3), True),
        (lambda x: x[:, 1:], False),
        (lambda x: x[:, ::2], False),
        (lambda x: conv(x, 2, stride=2), False),
    ],
)
def test_what_comes_late_wants_steps_beyond_the_end(function, tail):
    layout = layout_of(function, (1, None, 2))
    assert layout.tail is tail
    names = {s.name for s in layout.states}
    assert ("state/stream/end" in names) is tail


def test_states_are_inputs_and_outputs_behind_those_of_the_source():
    found = streamed(program(simple(lambda x: conv(x, 3, "VALID")), (1, None, 2)), None, Options())
    assert [p.name for p in found.inputs] == ["x0", "state/conv1d/rows"]
    assert [p.name for p in found.outputs] == ["y0", "state/conv1d/rows"]
    assert tuple(found.inputs[1].shape) == tuple(found.outputs[1].shape) == (1, 1, 2, 2)
    (state,) = found.layout.states
    assert state == StreamState("state/conv1d/rows", 0.0, None, "float32")


def test_a_state_of_a_free_batch_says_which_axis_it_is():
    net = program(simple(lambda x: conv(x, 3, "VALID")), (None, None, 2))
    found = streamed(net, 4, Options())
    (state,) = found.layout.states
    shape = dict(zip([p.name for p in found.inputs], [p.shape for p in found.inputs], strict=True))
    assert shape[state.name][state.batch_axis] is None
    assert tuple(found.outputs[0].shape) == (None, 4, 3)


def test_a_sum_without_bound_is_told_of():
    states = layout_of(lambda x: (tf.reduce_sum(x, 1), tf.reduce_max(x, 1)), (1, None, 2)).states
    assert {s.name.rpartition("/")[2]: s.grows for s in states} == {"sum": True, "max": False}


@pytest.mark.parametrize(("chunk", "sizes"), [(None, [None, None]), (6, [6, 3])])
def test_a_function_of_fixed_chunks_gives_fixed_rows(chunk, sizes):
    found = streamed(
        program(simple(lambda x: (x, conv(x, 2, stride=2))), (1, None, 2)), chunk, Options()
    )
    assert [t.shape[1] for t in found.function.outputs[:2]] == sizes
    assert found.inputs[0].shape == (1, chunk, 2)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (
            lambda x: [x, tf.shape(x)[1] * 2],
            "output 'y1' cannot be streamed: it is the length of the whole sequence.",
        ),
        (
            lambda x: tf.shape(x),
            "output 'y0' cannot be streamed: it is the length of the whole sequence.",
        ),
    ],
)
def test_outputs_that_are_lengths_are_named(function, why):
    with pytest.raises(StreamingError, match=re.escape(why)):
        streamed(program(simple(function), (1, None, 2)), None, Options())


@pytest.mark.parametrize(("chunk", "remedy"), [(1, 6), (5, 6), (7, 12), (13, 18)])
def test_the_next_fitting_chunk_is_the_remedy(chunk, remedy):
    net = program(simple(lambda x: x[:, ::6]), (1, None, 2))
    expected = (
        f"chunks of {chunk} steps cannot be streamed; expected a multiple of 6, the strides along "
        f"time; found {chunk}. Give streaming={remedy}."
    )
    with pytest.raises(ShapeError, match=re.escape(expected)):
        streamed(net, chunk, Options())


def test_ops_of_the_chunk_know_what_they_stand_for():
    found = streamed(program(simple(lambda x: tf.tanh(x) * 2.0), (1, None, 2)), None, Options())
    names = {name for many in found.twins.ops.values() for name in many}
    assert {"Tanh", "mul"} <= names
    assert found.twins.scans == {}


def test_the_layer_that_pins_the_length_is_named():
    note = "length 4 of input 'x0' is kept: pinned by layer 'flat' (Flatten)"
    one = replace(program(simple(tf.tanh), (1, 4)), notes=(note,))
    with pytest.raises(ShapeError, match=r"found x0 \[1, 4\]; length 4 .* layer 'flat'"):
        times_of(one)
