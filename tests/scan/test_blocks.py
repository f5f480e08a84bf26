"""Buffers of output sequences: their sizes, and that the runtime knows them before it runs."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnlite
from rnnlite.scan.blocks import first_rows, last_rows, layout, places_within
from rnnlite.scan.schedule import Schedule


def sizes_of(length, schedule, free):
    """The sizes as numbers, and the layout."""
    if not free:
        found = layout(schedule, tf.zeros((length, 1)), blocks=True)
        return [int(size) for size in found.sizes], int(found.steps)

    @tf.function
    def run(x):
        found = layout(schedule, x, blocks=True)
        return [found.steps, *found.sizes]

    spec = tf.TensorSpec([None, 1], tf.float32)
    steps, *sizes = run.get_concrete_function(spec)(tf.zeros((length, 1)))
    return [int(size) for size in np.ravel(sizes)], int(np.ravel(steps)[0])


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 5000),
    unroll=st.sampled_from([1, 2, 4]),
    blocks=st.integers(1, 20),
    levels=st.integers(2, 6),
    growth=st.sampled_from([4, 8]),
    free=st.booleans(),
)
def test_sizes(length, unroll, blocks, levels, growth, free):
    block = unroll * blocks
    sizes, steps = sizes_of(length, Schedule(unroll, "front", block, levels, growth), free)
    assert len(sizes) == levels
    assert steps == -(-length // unroll) * unroll
    assert steps <= sizes[-1] < steps + sizes[-2]
    assert sizes[0] == min(block, steps)
    for small, large in itertools.pairwise(sizes):
        assert large % small == 0
    # None but the second grows faster than its share.
    for small, large in itertools.pairwise(sizes[1:]):
        assert large <= (growth + 1) * small


@pytest.mark.parametrize("length", [1, 3, 7, 40])
def test_rows_that_are_taken(length):
    schedule = Schedule(4, "front", 8, 2)

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32)])
    def run(x):
        sizes = layout(schedule, x, blocks=True)
        buffer = tf.reshape(tf.range(sizes.rows), [-1, 1, 1])
        return last_rows(buffer, sizes), first_rows(buffer, sizes), sizes.rows, places_within(sizes)

    last, first, rows, within = run(tf.zeros((length, 1)))
    assert within.numpy().tolist() == list(range(min(8, -(-length // 4) * 4)))
    assert last[:, 0, 0].numpy().tolist() == list(range(rows - length, rows))
    assert first[:, 0, 0].numpy().tolist() == list(range(length))


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
