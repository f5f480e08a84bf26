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
