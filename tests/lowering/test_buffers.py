"""Buffers of output sequences: their sizes, and that the runtime knows them before it runs."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnlite
from rnnlite.lowering.buffers import (
    Layout,
    LengthVector,
    batch_of,
    filled,
    joined,
    layout,
    places_within,
    rows_and_rest,
    rows_from,
    write,
)
from rnnlite.lowering.schedule import Schedule


def evaluated(make, length, free):
    """What a function of a LengthVector gives, as a list of numbers."""
    if not free:
        return [int(v) for v in make(LengthVector.of(tf.zeros((length, 1))))]
    spec = tf.TensorSpec([None, 1], tf.float32)
    run = tf.function(lambda x: make(LengthVector.of(x)), autograph=False)
    run = run.get_concrete_function(spec)
    return [int(v) for v in np.ravel(run(tf.zeros((length, 1))))]


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 5000),
    unroll=st.sampled_from([1, 2, 4]),
    chunks=st.integers(1, 20),
    depth=st.integers(2, 6),
    chunk_growth=st.sampled_from([4, 8]),
    partitions=st.integers(1, 5),
    free=st.booleans(),
)
def test_sizes(length, unroll, chunks, depth, chunk_growth, partitions, free):
    chunk = unroll * chunks
    schedule = Schedule(unroll, "front", chunk, depth, chunk_growth, partitions=partitions)

    def make(length_vector):
        steps = length_vector.steps(unroll)
        return [steps.length, *layout(schedule, steps).sizes]

    steps, *sizes = evaluated(make, length, free)
    assert len(sizes) == depth
    assert steps == -(-length // unroll) * unroll
    part = math.ceil(math.ceil(steps / partitions) / unroll) * unroll
    assert part <= sizes[-1] < part + sizes[-2]
    assert sizes[0] == min(chunk, part)
    for small, large in itertools.pairwise(sizes):
        assert large % small == 0
    # None but the second grows faster than its share.
    for small, large in itertools.pairwise(sizes[1:]):
        assert large <= (chunk_growth + 1) * small


@pytest.mark.parametrize("length", [1, 3, 8, 9, 10, 40])
def test_what_lies_beyond_the_first_steps(length):
    schedule = Schedule(2, "front", 4, 2)

    def make(length_vector):
        rest = length_vector.beyond(8, 2)
        return [rest.length, *layout(schedule, rest, tf.constant([4])).sizes]

    rest, small, large = evaluated(make, length, free=True)
    assert rest == max(length - 8, 2)
    assert small == 4
    assert large == -(-rest // 4) * 4


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("length", [1, 3, 7, 40])
def test_rows_that_are_taken(length, free):
    def make(length_vector):
        buffer = tf.reshape(tf.range(50), [-1, 1])
        rest = tf.reshape(tf.range(100, 103), [-1, 1])
        done = length - length % 4
        taken = (
            rows_from(buffer, 3, length_vector),
            rows_and_rest(buffer, rest, done, length_vector),
        )
        return [*tf.unstack(tf.reshape(tf.concat(taken, 0), [-1]), 2 * length)]

    found = evaluated(make, length, free)
    assert found[:length] == list(range(3, 3 + length))
    done = length - length % 4
    assert found[length:] == [*range(done), *range(100, 100 + length % 4)]


def test_places_within_a_block():
    assert places_within(3).tolist() == [0, 1, 2]
    assert places_within(tf.constant([3])).numpy().tolist() == [0, 1, 2]


@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("units", [4, 150])
def test_shapes_are_known_before_the_model_runs(units, batch):
    """Loops over tensors of unknown shape take the runtime's slow path."""
    model = keras.Sequential(
        [keras.Input((None, 3)), keras.layers.GRU(units, return_sequences=True)]
    )
    data = rnnlite.convert(model, batch_size=batch, verify=False).tflite
    interpreter = Interpreter(model_content=data)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, 77, 3))
    interpreter.allocate_tensors()
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1, 77, units]


def covered(sizes, partitions, end):
    """The steps that loops within loops over a layout take, and whether their rows fit.

    As `lowering.loops` runs them: each loop counts the rows of its own buffer from 0.
    """
    taken = []

    def level(k, base, count, room):
        assert 0 <= count <= room
        if k == 0:
            taken.extend(range(base, base + count))
            return
        for w in range(0, count, sizes[k - 1]):
            # A chunk is written whole, at row w.
            assert w + sizes[k - 1] <= room
            level(k - 1, base + w, min(sizes[k - 1], count - w), sizes[k - 1])

    base, top = 0, len(sizes) - 1
    for _ in range(partitions):
        level(top, base, min(sizes[top], end - base), sizes[top])
        base = min(base + sizes[top], end)
    return taken


@settings(max_examples=150, deadline=None)
@given(
    length=st.integers(1, 3000),
    unroll=st.sampled_from([1, 2, 4]),
    chunks=st.integers(1, 20),
    depth=st.integers(1, 6),
    chunk_growth=st.sampled_from([2, 4, 8, 13]),
    partitions=st.integers(1, 5),
)
def test_every_step_is_taken_once_and_every_row_has_room(
    length, unroll, chunks, depth, chunk_growth, partitions
):
    schedule = Schedule(
        unroll, "front", unroll * chunks, depth, chunk_growth, partitions=partitions
    )
    steps = LengthVector(np.ones(length, int)).steps(unroll)
    sizes = layout(schedule, steps).sizes
    assert all(size % unroll == 0 for size in sizes)
    assert covered(sizes, partitions, steps.count) == list(range(steps.count))


def fixed(length):
    return LengthVector(np.ones(length, int))


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("length", [1, 5, 8])
def test_lengths_are_known_as_ints_or_computed(length, free):
    def make(vector):
        assert isinstance(vector.length, int) is not free
        whole = tf.reshape(vector.length, []) if free else vector.length
        return [whole, vector.count, *tf.unstack(vector.places, length)]

    assert evaluated(make, length, free) == [length, length, *range(length)]


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(
    ("length", "size", "upto", "wanted"),
    [
        (1, 4, None, 1),
        (4, 4, None, 1),
        (5, 4, None, 2),
        (9, 1, None, 9),
        (9, 4, 6, 2),
        (3, 4, 6, 1),
        (9, 2, 6, 3),
        (9, 2, 9, 5),
    ],
)
def test_ceilings(length, size, upto, wanted, free):
    assert evaluated(lambda v: [v.chunks(size, upto=upto)], length, free) == [wanted]


@pytest.mark.parametrize(
    ("length", "unroll", "steps"), [(1, 1, 1), (1, 4, 4), (4, 4, 4), (5, 4, 8), (7, 2, 8)]
)
def test_whole_iterations(length, unroll, steps):
    assert evaluated(lambda v: [v.steps(unroll).length], length, True) == [steps]
    assert fixed(length).steps(unroll).length == steps
    same = fixed(length)
    assert same.steps(1) is same
    assert same.part(1) is same


@pytest.mark.parametrize(("length", "count", "part"), [(7, 1, 7), (7, 2, 4), (7, 7, 1), (7, 9, 1)])
def test_parts_of_a_length(length, count, part):
    assert fixed(length).part(count).length == part
    assert evaluated(lambda v: [v.part(count).length], length, True) == [part]


def test_a_length_that_is_known_computes_no_op():
    with tf.Graph().as_default() as graph:
        vector = LengthVector.of(tf.compat.v1.placeholder(tf.float32, [6, 2]))
        found = layout(Schedule(2, "front", 4, 2), vector.steps(2))
        assert found.sizes == (4, 8)
        assert [op.type for op in graph.get_operations()] == ["Placeholder"]


def test_rows_of_a_level():
    assert Layout((4, 8)).count(1) == 8
    assert int(Layout((4, tf.constant([8]))).count(1)) == 8


@pytest.mark.parametrize("shape", [(5, 2), (5, 2, 3), (5, 2, 3, 4)])
@pytest.mark.parametrize("free", [False, True])
def test_the_batch_is_axis_one(shape, free):
    spec = tf.TensorSpec([None] * len(shape) if free else shape)
    made = tf.function(batch_of, autograph=False).get_concrete_function(spec)
    found = made(tf.zeros(shape))
    assert found.shape == (1,)
    assert found.numpy().tolist() == [2]


@pytest.mark.parametrize("rows", [3, tf.constant([3])], ids=["int", "vector"])
@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_empty_buffers(rows, dtype):
    like = tf.zeros([2, 4], dtype)
    found = filled(rows, tf.constant([2, 4]), like)
    assert (found.shape, found.dtype) == ((3, 2, 4), dtype)
    assert not found.numpy().any()


@pytest.mark.parametrize("place", [0, 1, 3])
def test_rows_are_written_at_a_place(place):
    buffer, chunk = np.zeros((5, 2), np.float32), np.ones((2, 2), np.float32)
    found = write(tf.constant(buffer), tf.constant(chunk), tf.constant(place))
    buffer[place : place + 2] = 1
    np.testing.assert_array_equal(found, buffer)
    assert found.shape == (5, 2)


def test_parts_are_joined_in_order():
    one, two = tf.constant([[1.0]]), tf.constant([[2.0], [3.0]])
    assert joined([one]) is one
    np.testing.assert_array_equal(joined([one, two]), [[1], [2], [3]])


def test_rows_of_any_length_keep_what_is_known_of_their_shape():
    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3])], autograph=False)
    def call(x):
        vector = LengthVector.of(x)
        taken = rows_from(tf.zeros([9, 2, 3]), 1, vector)
        both = rows_and_rest(tf.zeros([9, 2, 3]), tf.zeros([2, 2, 3]), vector.count, vector)
        return taken, both

    shapes = [t.shape.as_list() for t in call.get_concrete_function().outputs]
    assert shapes == [[None, 2, 3]] * 2
