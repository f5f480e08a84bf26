"""Known cells in chunks: states, masks, initial states, behind what comes late."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from rnnlite.errors import StreamingError
from rnnlite.lowering.schedule import Options
from rnnlite.scan.cells import GRU, LSTM, Activation, SimpleRNN, TracedCell
from rnnlite.scan.scan import Scan
from rnnlite.streaming.function import streamed
from streaming.chunks import check, kernel, program

TANH, SIGMOID = Activation(tf.tanh, True), Activation(tf.sigmoid, True)
UNITS = 4


def weights(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32) * 0.5


def cell(kind, features=3):
    n = UNITS
    if kind == "lstm":
        return LSTM(weights(features, 4 * n), weights(n, 4 * n), weights(4 * n), TANH, SIGMOID)
    if kind == "gru":
        return GRU(
            weights(features, 3 * n), weights(n, 3 * n), weights(2, 3 * n), TANH, SIGMOID, True
        )
    return SimpleRNN(weights(features, n), weights(n, n), weights(n), TANH)


def scan(kind, x, **options):
    """A Scan over x (1, T, 3)."""
    states = [tf.zeros([1, UNITS]), tf.zeros([1, UNITS])][: 2 if kind == "lstm" else 1]
    found = Scan(cell(kind), (tf.transpose(x, [1, 0, 2]),), tuple(states), name=kind)
    return replace(found, **options)


def rows(result):
    return [tf.transpose(y, [1, 0, 2]) for y in result.outputs]


@pytest.mark.parametrize(
    ("kind", "chunk"), [("lstm", None), ("gru", None), ("simple", None), ("lstm", 1), ("gru", 3)]
)
def test_states_go_from_chunk_to_chunk(kind, chunk):
    def model(x, recur):
        result = recur(scan(kind, x, all_outputs=True))
        return [*rows(result), *result.last, *result.states]

    stream = check(program(model, (1, None, 3)), chunk)
    names = ["h", "c"] if kind == "lstm" else ["h"]
    assert [s.name for s in stream.signature.layout.states] == [f"state/{kind}/{n}" for n in names]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("zero", "chunk"), [(False, None), (True, None), (False, 1)])
def test_masks(kind, late, zero, chunk):
    def model(x, recur):
        y = tf.nn.conv1d(x, kernel(5, 3, 3), 1, "SAME") if late else x
        mask = tf.transpose(y[..., :1] > 0.3, [1, 0, 2])
        result = recur(scan(kind, y, mask=mask, zero_output_for_mask=zero, all_outputs=True))
        return [*rows(result), *result.last]

    check(program(model, (1, None, 3)), chunk)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_an_initial_state_of_numbers(masked, late, given):
    def model(x, *states, recur):
        y = tf.nn.conv1d(x, kernel(5, 3, 3), 1, "SAME") if late else x
        mask = tf.transpose(y[..., :1] > 0.3, [1, 0, 2]) if masked else None
        first = states or (kernel(1, UNITS),)
        result = recur(scan("gru", y, mask=mask, initial_states=first, all_outputs=True))
        return [*rows(result), *result.last]

    check(program(model, (1, None, 3), *([(1, UNITS)] if given else [])))


def test_one_behind_another_behind_a_stride():
    def model(x, recur):
        y = tf.nn.conv1d(x, kernel(4, 3, 3), 2, "SAME")
        (y,) = rows(recur(scan("gru", y, all_outputs=True)))
        y = tf.nn.conv1d(y, kernel(3, UNITS, 3), 1, "SAME")
        return recur(scan("lstm", y)).last

    stream = check(program(model, (1, None, 3)))
    assert (stream.multiple, stream.delay) == (2, 4)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("chunk", [None, 1])
def test_a_traced_step_is_replayed(masked, late, chunk):
    """Its output is no state; it reads a tensor of the graph around it; its states begin as one."""

    def model(x, recur):
        y = tf.nn.conv1d(x, kernel(5, 3, 3), 1, "SAME") if late else x
        mask = tf.transpose(y[..., :1] > 0.3, [1, 0, 2]) if masked else None
        gain = tf.reduce_sum(kernel(3, UNITS) * 2.0, 0)

        def step(rows, states):
            h, count = states
            h = tf.tanh(rows[0] @ kernel(3, UNITS) + h * gain)
            return [h * 3.0 + count], [h, count + 1.0]

        zeros = tf.zeros([1, UNITS])
        inputs = (tf.transpose(y, [1, 0, 2]),)
        cell = TracedCell(step, kind="mine", units=UNITS)
        result = recur(Scan(cell, inputs, (zeros, zeros), mask=mask, all_outputs=True, name="mine"))
        return [*rows(result), *result.last, *result.states]

    stream = check(program(model, (1, None, 3)), chunk)
    names = [s.name for s in stream.signature.layout.states if "/mine/" in s.name]
    assert names == [f"state/mine/{n}" for n in ("state_0", "state_1", "output")]


def test_a_step_that_reads_the_whole_is_refused():
    def model(x, recur):
        whole = tf.reduce_max(x, 1)

        def step(rows, states):
            h = tf.tanh(rows[0] + whole + states[0])
            return [h], [h]

        inputs = (tf.transpose(x, [1, 0, 2]),)
        cell = TracedCell(step, kind="mine")
        return recur(Scan(cell, inputs, (tf.zeros([1, 3]),), name="mine")).last

    with pytest.raises(StreamingError, match="which changes with time"):
        streamed(program(model, (1, None, 3)), None, Options())


def test_one_step_has_no_loop():
    def model(x, recur):
        return rows(recur(scan("lstm", x, all_outputs=True)))

    found = streamed(program(model, (1, None, 3)), 1, Options())
    kinds = {op.type for op in found.function.graph.get_operations()}
    assert not {k for k in kinds if "While" in k}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"reverse": True}, r"recurrence 'gru' \(GRU\) cannot be streamed: it runs backwards"),
        ({"initial_states": "end"}, "the state that it starts from is known at the end alone"),
    ],
)
def test_what_needs_the_future_is_refused(options, why):
    def model(x, recur):
        given = dict(options)
        if "initial_states" in given:
            given["initial_states"] = (tf.reduce_sum(x, 1) @ kernel(3, UNITS),)
        return recur(scan("gru", x, **given)).last

    with pytest.raises(StreamingError, match=why):
        streamed(program(model, (1, None, 3)), None, Options())


def test_steps_of_something_else_are_refused():
    def model(x, recur):
        first = tf.tile(tf.reduce_max(x, 1, keepdims=True), [1, 5, 1])
        return recur(scan("gru", first)).last

    with pytest.raises(StreamingError, match="it runs over something else than the steps"):
        streamed(program(model, (1, None, 3)), None, Options())
