"""The oracle against Keras itself, and its masks by hand."""

import keras
import numpy as np
import pytest
import tf_keras

from rnnlite.scan import oracle


def weights(layer):
    return [w.astype(np.float64) for w in layer.get_weights()]


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_is_that_of_both_kerases(K, reset_after):
    K.utils.set_random_seed(0)
    layer = K.layers.GRU(
        4, reset_after=reset_after, return_sequences=True, bias_initializer="random_normal"
    )
    x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)
    expected = np.asarray(layer(x))
    found, _ = oracle.scan(oracle.gru_step(*weights(layer), reset_after), x, [np.zeros((2, 4))])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("K", "gate"),
    [(keras, oracle.hard_sigmoid_keras3), (tf_keras, oracle.hard_sigmoid_keras2)],
    ids=["keras", "tf_keras"],
)
def test_lstm_with_each_hard_sigmoid(K, gate):
    K.utils.set_random_seed(0)
    layer = K.layers.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True)
    x = 2 * np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)
    expected = np.asarray(layer(x))
    step = oracle.lstm_step(*weights(layer), recurrent_activation=gate)
    found, _ = oracle.scan(step, x, [np.zeros((2, 4))] * 2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_masks_by_hand():
    def count(x, states):
        return states[0] + x, [states[0] + x]

    x = np.ones((1, 4, 1))
    mask = np.array([[False, True, False, True]])
    repeated, final = oracle.scan(count, x, [np.zeros((1, 1))], mask=mask)
    assert repeated[0, :, 0].tolist() == [0, 1, 1, 2]
    assert final[0][0, 0] == 2
    zeroed, _ = oracle.scan(count, x, [np.zeros((1, 1))], mask=mask, zero_output_for_mask=True)
    assert zeroed[0, :, 0].tolist() == [0, 1, 0, 2]
    backwards, _ = oracle.scan(count, x, [np.zeros((1, 1))], mask=mask, reverse=True)
    assert backwards[0, :, 0].tolist() == [1, 1, 2, 2]


def test_gates_far_out_overflow_nowhere():
    x = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])
    with np.errstate(all="raise"):
        found = oracle.sigmoid(x)
    np.testing.assert_allclose(found, [0, 0, 0.5, 1, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("gate", "at"),
    [
        (oracle.hard_sigmoid_keras2, {-2.5: 0, 0: 0.5, 1: 0.7, 2.5: 1, 9: 1, -9: 0}),
        (oracle.hard_sigmoid_keras3, {-3: 0, 0: 0.5, 1: 4 / 6, 3: 1, 9: 1, -9: 0}),
    ],
)
def test_hard_sigmoids_at_their_corners(gate, at):
    np.testing.assert_allclose(gate(np.array(list(at))), list(at.values()), atol=1e-12)


def one(value):
    return np.full((1, 1), float(value))


def test_an_lstm_by_hand():
    """One unit, one feature, kernels of one: all gates see x + h."""
    step = oracle.lstm_step(np.ones((1, 4)), np.ones((1, 4)), None)
    h, (state, c) = step(one(0.5), [one(0.25), one(2.0)])
    gate = 1 / (1 + np.exp(-0.75))
    wanted = gate * 2.0 + gate * np.tanh(0.75)
    np.testing.assert_allclose(c, wanted)
    np.testing.assert_allclose(h, gate * np.tanh(wanted))
    assert h is state


@pytest.mark.parametrize("bias", [None, np.zeros(4)])
def test_no_bias_is_a_bias_of_zeros(bias):
    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(3, 4)), rng.normal(size=(1, 4))
    x, states = rng.normal(size=(2, 3)), [np.ones((2, 1)), np.ones((2, 1))]
    found, _ = oracle.lstm_step(*kernels, bias)(x, states)
    wanted, _ = oracle.lstm_step(*kernels, None)(x, states)
    np.testing.assert_array_equal(found, wanted)


def test_a_gru_whose_update_gate_is_shut_keeps_its_state():
    """h' = z h + (1 - z) n, with z = 1."""
    shut = [np.array([100.0, 0, 0]), np.array([[100.0, 0, 0], [0, 0, 0]])]
    for reset_after, bias in zip((False, True), shut, strict=True):
        step = oracle.gru_step(np.ones((1, 3)), np.ones((1, 3)), bias, reset_after)
        h, _ = step(one(0.3), [one(0.7)])
        np.testing.assert_allclose(h, 0.7)


def test_where_the_reset_gate_stands():
    """r (h U + b') against (r h) U + b: a bias of the candidate tells them apart."""
    kernel, recurrent = np.zeros((1, 3)), np.zeros((1, 3))
    inner = np.array([[-100.0, 0, 0], [0, 0, 2.0]])
    after, _ = oracle.gru_step(kernel, recurrent, inner, True)(one(0), [one(0)])
    before, _ = oracle.gru_step(kernel, recurrent, np.array([-100.0, 0, 2.0]), False)(
        one(0), [one(0)]
    )
    np.testing.assert_allclose(after, np.tanh(0.5 * 2.0))
    np.testing.assert_allclose(before, np.tanh(2.0))


def test_a_simple_recurrence_by_hand():
    step = oracle.simple_rnn_step(one(2), one(3), np.array([1.0]), activation=lambda x: x)
    outputs, (final,) = oracle.scan(step, np.array([[[1.0], [2.0]]]), [one(0)])
    assert outputs[0, :, 0].tolist() == [3.0, 14.0]
    assert final.item() == 14.0


def test_time_backwards_is_the_reversed_sequence():
    rng = np.random.default_rng(0)
    step = oracle.simple_rnn_step(rng.normal(size=(2, 3)), rng.normal(size=(3, 3)), None)
    x, mask = rng.normal(size=(2, 5, 2)), rng.random((2, 5)) < 0.6
    start = [rng.normal(size=(2, 3))]
    for zero in (False, True):
        options = {"zero_output_for_mask": zero}
        found, final = oracle.scan(step, x, start, reverse=True, mask=mask, **options)
        wanted, last = oracle.scan(step, x[:, ::-1], start, mask=mask[:, ::-1], **options)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(final[0], last[0])


def test_a_sequence_that_is_masked_throughout_keeps_its_states():
    step = oracle.simple_rnn_step(one(2), one(3), None)
    mask = np.zeros((1, 4), bool)
    outputs, (final,) = oracle.scan(step, np.ones((1, 4, 1)), [one(0.5)], mask=mask)
    assert outputs.tolist() == [[[0.0]] * 4]
    assert final.item() == 0.5
