"""Known cells and their lowering against the NumPy oracle, over the options of a Scan."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlite.errors import UnsupportedError
from rnnlite.lowering.lower import lower
from rnnlite.lowering.schedule import Options
from rnnlite.lowering.tensors import cut, is_zero
from rnnlite.scan import cells, oracle
from rnnlite.scan.cells import Activation
from rnnlite.scan.projection import Projection
from rnnlite.scan.scan import Scan

TANH, SIGMOID = Activation(tf.tanh, True), Activation(tf.sigmoid, True)
SOFTMAX = Activation(tf.nn.softmax, False)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def make(kind, rng, features, units):
    """A cell and its oracle step, with random weights."""

    def w(*shape):
        return rng.standard_normal(shape).astype(np.float32) * 0.5

    if kind == "lstm":
        weights = w(features, 4 * units), w(units, 4 * units), w(4 * units)
        return cells.LSTM(*weights, TANH, SIGMOID), oracle.lstm_step(*weights), 2
    if kind == "lstm_softmax":
        weights = w(features, 4 * units), w(units, 4 * units), None
        cell = cells.LSTM(*weights, TANH, SOFTMAX)
        return cell, oracle.lstm_step(*weights, recurrent_activation=softmax), 2
    if kind == "simple":
        weights = w(features, units), w(units, units), w(units)
        return cells.SimpleRNN(*weights, TANH), oracle.simple_rnn_step(*weights), 1
    after = kind != "gru_before"
    bias = w(2, 3 * units) if after else w(3 * units)
    weights = w(features, 3 * units), w(units, 3 * units), bias
    if kind == "gru_softmax":
        return cells.GRU(*weights, TANH, SOFTMAX, after), None, 1
    return cells.GRU(*weights, TANH, SIGMOID, after), oracle.gru_step(*weights, after), 1


def equal(found, wanted):
    """To the rounding of float32, whose steps grow with the numbers: a cell state may be 27."""
    scale = max(1.0, float(np.max(np.abs(wanted))))
    np.testing.assert_allclose(found, wanted, atol=3e-6 * scale)


@pytest.mark.long(minutes=2)
@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["lstm", "lstm_softmax", "gru_after", "gru_before", "simple"]),
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 90), st.integers(1, 4), st.integers(1, 5)),
    unroll=st.sampled_from([1, 2, 4, 8]),
    reverse=st.booleans(),
    masked=st.booleans(),
    wide=st.booleans(),
    zero=st.booleans(),
    initial=st.booleans(),
    free=st.booleans(),
    chunk=st.integers(1, 8),
    depth=st.integers(1, 6),
    chunked=st.booleans(),
    partitions=st.integers(1, 5),
    peeled=st.integers(0, 4),
    projection=st.sampled_from(["hoisted", "in_loop", "fused"]),
    sequence=st.booleans(),
)
def test_lowered_scan_equals_the_oracle(
    kind,
    seed,
    shape,
    unroll,
    reverse,
    masked,
    wide,
    zero,
    initial,
    free,
    chunk,
    depth,
    chunked,
    partitions,
    peeled,
    projection,
    sequence,
):
    batch, length, features, units = shape
    rng = np.random.default_rng(seed)
    cell, step, count = make(kind, rng, features, units)
    x = rng.standard_normal((batch, length, features)).astype(np.float32)
    mask = rng.random((batch, length)) < 0.6 if masked else None
    states = [
        rng.standard_normal((batch, units)).astype(np.float32) * initial for _ in range(count)
    ]
    expected, final = oracle.scan(
        step, x, states, reverse=reverse, mask=mask, zero_output_for_mask=zero
    )

    def run(value):
        result, _ = lower(
            Scan(
                cell=cell,
                inputs=(tf.transpose(value, [1, 0, 2]),),
                initial_states=tuple(tf.constant(s) for s in states),
                reverse=reverse,
                mask=None if mask is None else tf.constant(mask.T[..., None] if wide else mask.T),
                zero_output_for_mask=zero,
                all_outputs=sequence,
            ),
            Options(
                unroll=unroll,
                max_unroll=8,
                chunk=chunk,
                depth=depth,
                chunked_projection=int(chunked),
                partitions=partitions,
                peeled_chunks=peeled,
                projection=projection,
            ),
        )
        return result.last[0], (result.outputs or result.last)[0], result.states

    spec = tf.TensorSpec([batch, None if free else length, features], tf.float32)
    last, outputs, new_states = tf.function(run, autograph=False).get_concrete_function(spec)(
        tf.constant(x)
    )
    if sequence:
        equal(np.swapaxes(outputs, 0, 1), expected)
    equal(last, expected[:, -1])
    for found, wanted in zip(new_states, final, strict=True):
        equal(found, wanted)


def test_conv_lstm_of_kernel_one_is_an_lstm_at_every_pixel():
    rng = np.random.default_rng(3)
    kernel, recurrent, bias = (
        rng.standard_normal(s).astype(np.float32) for s in ((1, 2, 12), (1, 3, 12), (12,))
    )

    def conv(x, w):
        return tf.nn.conv1d(x, w, 1, "SAME")

    cell = cells.ConvLSTM(kernel, recurrent, bias, TANH, SIGMOID, conv, conv, channel_axis=-1)
    x = rng.standard_normal((2, 6, 5, 2)).astype(np.float32)
    zero = tf.zeros((2, 5, 3))

    @tf.function(autograph=False)
    def run(value):
        scan = Scan(cell, (tf.transpose(value, [1, 0, 2, 3]),), (zero, zero), all_outputs=True)
        return lower(scan, Options())[0].outputs[0]

    step = oracle.lstm_step(kernel[0], recurrent[0], bias)
    pixels = x.transpose(0, 2, 1, 3).reshape(10, 6, 2)
    expected, _ = oracle.scan(step, pixels, [np.zeros((10, 3))] * 2)
    found = run(tf.constant(x)).numpy().transpose(1, 2, 0, 3).reshape(10, 6, 3)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def traced(step, states, x=None):
    x = tf.zeros((4, 1, 2)) if x is None else x
    cell = cells.TracedCell(step, kind="MyCell")

    @tf.function(autograph=False)
    def run():
        return lower(Scan(cell, (x,), states, name="mine"), Options())[0].last

    return run()


def test_a_cell_that_drops_a_state_is_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"'mine' \(MyCell\).*expected 2; found 1"):
        traced(lambda p, s: ([p[0]], [s[0]]), (tf.zeros((1, 2)), tf.zeros((1, 2))))


def test_a_cell_that_changes_a_states_shape_is_refused_by_name():
    with pytest.raises(UnsupportedError, match=r"state 0 of 'mine'.*changes its type"):
        traced(lambda p, s: ([p[0]], [tf.zeros((1, 3))]), (tf.zeros((1, 2)),))


def test_an_output_that_is_no_state_is_carried():
    result = traced(lambda p, s: ([2.0 * s[0]], [s[0] + 1.0]), (tf.zeros((1, 2)),))
    np.testing.assert_array_equal(result[0], [[6.0, 6.0]])


def test_is_zero_tells_constants_and_fills():
    with tf.Graph().as_default():
        n = tf.compat.v1.placeholder(tf.int32, [])
        assert is_zero(tf.zeros((2, 3)))
        assert is_zero(tf.identity(tf.zeros(tf.stack([n, 3]))))
        assert is_zero(tf.ensure_shape(tf.zeros(tf.stack([n, 3])), [None, 3]))
        assert not is_zero(tf.ones(tf.stack([n, 3])))
        assert not is_zero(tf.compat.v1.placeholder(tf.float32, [2]))


KINDS = ["lstm", "lstm_softmax", "gru_after", "gru_softmax", "gru_before", "simple"]


@pytest.mark.parametrize("units", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_neutral_rows_keep_zero_at_zero(kind, units):
    cell, _, count = make(kind, np.random.default_rng(0), 3, units)
    zero = tf.zeros((2, units))
    (row,) = cell.identity_padding()
    parts = cut(tf.constant(np.stack([row, row])), cell.cuts)
    _, states = cell.step(parts, [zero] * count, cell.weights())
    for state in states:
        np.testing.assert_array_equal(state, zero)


@pytest.mark.parametrize("place", [Projection.IN_LOOP, Projection.FUSED])
@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple"])
def test_no_rows_are_neutral_where_the_bias_is_added_in_the_step(kind, place):
    cell = replace(make(kind, np.random.default_rng(0), 3, 5)[0], projection=place)
    assert cell.identity_padding() is None
    assert not cell.hoisted


def test_no_rows_are_neutral_where_the_activation_is_not_zero_at_zero():
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(s).astype(np.float32) for s in ((3, 4), (4, 4), (4,))]
    assert cells.SimpleRNN(*weights, SIGMOID).identity_padding() is None


def run_steps(cell, x, states):
    """What a cell gives, step by step, its inputs projected as it says: (T, B, H), final states."""
    rows = cell.project([tf.constant(x)])
    weights, outputs = cell.weights(), []
    for t in range(len(x)):
        parts = [part for p in rows for part in cut(p[t], cell.cuts)]
        (y,), states = cell.step(parts, states, weights)
        outputs.append(y)
    return np.stack(outputs), states


STEPS = ["lstm", "lstm_softmax", "gru_after", "gru_before", "simple"]


@pytest.mark.parametrize("place", Projection)
@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("units", [1, 4])
def test_a_step_is_the_oracles_wherever_inputs_are_projected(kind, place, units):
    rng = np.random.default_rng(1)
    cell, step, count = make(kind, rng, 3, units)
    cell = replace(cell, projection=place)
    x = rng.standard_normal((5, 2, 3)).astype(np.float32)
    start = [rng.standard_normal((2, units)).astype(np.float32) for _ in range(count)]
    outputs, states = run_steps(cell, x, list(map(tf.constant, start)))
    wanted, final = oracle.scan(step, np.swapaxes(x, 0, 1), start)
    equal(np.swapaxes(outputs, 0, 1), wanted)
    for found, stated in zip(states, final, strict=True):
        equal(found, stated)
    np.testing.assert_array_equal(states[cell.output_is_state], outputs[-1])


@pytest.mark.parametrize("kind", STEPS)
def test_a_bias_of_zeros_is_none(kind):
    """It costs no op."""
    cell = make(kind, np.random.default_rng(0), 3, 4)[0]
    zeros = replace(cell, bias=None if cell.bias is None else cell.bias * 0)
    none = replace(cell, bias=None)
    x = np.ones((2, 1, 3), np.float32)
    states = [tf.zeros([1, 4])] * (2 if kind.startswith("lstm") else 1)
    found, wanted = (run_steps(c, x, states)[0] for c in (zeros, none))
    np.testing.assert_array_equal(found, wanted)
    assert len(zeros.weights()) == len(none.weights())

    def kinds(c):
        traced = tf.function(lambda v: c.project([v]), autograph=False)
        traced = traced.get_concrete_function(tf.TensorSpec(x.shape))
        return {op.type for op in traced.graph.get_operations()}

    assert "BiasAdd" not in kinds(zeros)


@pytest.mark.parametrize("biased", [False, True])
def test_the_recurrent_bias_of_a_candidate_stays_in_the_step(biased):
    """r scales it; those of the gates are added to what is projected."""
    rng = np.random.default_rng(0)
    kernels = [rng.standard_normal(s).astype(np.float32) for s in ((3, 12), (4, 12))]
    bias = rng.standard_normal((2, 12)).astype(np.float32)
    bias[1, 8:] *= biased
    cell = cells.GRU(*kernels, bias, TANH, SIGMOID, True)
    assert len(cell.weights()) == 2 + biased
    (rows,) = cell.project([tf.zeros([1, 1, 3])])
    np.testing.assert_allclose(rows[0, 0, :8], bias[0, :8] + bias[1, :8], rtol=1e-6)
    np.testing.assert_allclose(rows[0, 0, 8:], bias[0, 8:], rtol=1e-6)


@pytest.mark.parametrize("place", Projection)
@pytest.mark.parametrize("kind", ["gru_after", "gru_before"])
def test_the_parts_of_a_row_that_a_gru_takes(kind, place):
    cell = replace(make(kind, np.random.default_rng(0), 3, 5)[0], projection=place)
    hoisted = place is Projection.HOISTED
    assert cell.cuts == (((0, 10), (10, 15)) if hoisted else None)
    assert cell.hoisted == hoisted


def test_inputs_that_are_projected_in_the_step_are_handed_on():
    x = tf.zeros([4, 2, 3])
    for kind in ("lstm", "gru_after", "simple"):
        cell = replace(make(kind, np.random.default_rng(0), 3, 5)[0], projection=Projection.FUSED)
        assert cell.project([x])[0] is x


def test_what_the_schedule_asks_of_a_cell():
    for kind, weights in (("lstm", 100), ("gru_after", 75), ("simple", 25)):
        cell = make(kind, np.random.default_rng(0), 3, 5)[0]
        assert (cell.units, cell.recurrent_weights, cell.output_is_state) == (5, weights, 0)
        assert cell.kind == {"lstm": "LSTM", "gru_after": "GRU", "simple": "SimpleRNN"}[kind]


def test_an_activation_at_zero():
    np.testing.assert_array_equal(cells.at_zero(TANH, 3), np.zeros(3))
    np.testing.assert_array_equal(cells.at_zero(SIGMOID, 3), np.full(3, 0.5))
    np.testing.assert_allclose(cells.at_zero(SOFTMAX, 4), np.full(4, 0.25))


def test_two_activations_of_one_function_are_equal():
    assert Activation(tf.tanh, True) == TANH
    assert Activation(tf.tanh, False) != TANH
    assert float(SIGMOID(tf.constant(0.0))) == 0.5


def test_a_traced_cell_hands_everything_on():
    cell = cells.TracedCell(lambda rows, states: ([rows[0]], [states[0]]), "mine", units=7)
    x, s = tf.zeros([3, 1, 2]), tf.ones([1, 2])
    assert (cell.hoisted, cell.recurrent_weights, cell.units) == (False, 0, 7)
    assert cell.project([x])[0] is x
    assert cell.weights() == []
    assert cell.identity_padding() is None
    outputs, states = cell.step([x], [s], [])
    assert (outputs[0] is x, states[0] is s) == (True, True)


def test_a_convolutional_cell_is_never_unrolled():
    cell = cells.ConvLSTM(
        np.zeros((3, 2, 12), np.float32),
        np.zeros((3, 3, 12), np.float32),
        None,
        TANH,
        SIGMOID,
        lambda x, w: tf.nn.conv1d(x, w, 1, "SAME"),
        lambda h, w: tf.nn.conv1d(h, w, 1, "SAME"),
        channel_axis=-1,
    )
    assert (cell.recurrent_weights, cell.units) == (0, 3)
    assert cell.identity_padding() is None


@pytest.mark.parametrize("shape", [(4, 2, 5, 2), (None, 2, 5, 2), (None, None, 5, 2)])
def test_frames_of_all_time_steps_are_convolved_at_once(shape):
    rng = np.random.default_rng(0)
    kernel, bias = (rng.standard_normal(s).astype(np.float32) for s in ((3, 2, 12), (12,)))

    def conv(x, w):
        return tf.nn.conv1d(x, w, 1, "VALID")

    cell = cells.ConvLSTM(kernel, kernel, bias, TANH, SIGMOID, conv, conv, channel_axis=-1)
    made = tf.function(lambda v: cell.project([v])[0], autograph=False)
    made = made.get_concrete_function(tf.TensorSpec(shape))
    assert made.outputs[0].shape.as_list() == [*shape[:2], 3, 12]
    x = rng.standard_normal((4, 2, 5, 2)).astype(np.float32)
    wanted = np.stack([conv(frame, kernel) for frame in x]) + bias
    np.testing.assert_allclose(made(tf.constant(x)), wanted, rtol=1e-5, atol=1e-5)
