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
from rnnlite.lowering.buffers import LengthVector, layout, places_within, rows_and_rest, rows_from
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
    assert places_within(3).numpy().tolist() == [0, 1, 2]
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
