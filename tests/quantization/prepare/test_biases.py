"""Additions behind products become biases: same results, one op less."""

import keras
import numpy as np
import pytest

from rnnlite.quantization.prepare.biases import take_in_biases
from stream_parts import X, both, run, sequential

L = keras.layers


@pytest.mark.parametrize("activation", [None, "relu"])
def test_a_bias_behind_a_product_of_three_axes(activation):
    net = sequential(
        L.GRU(4, return_sequences=True),
        L.Dense(5, activation=activation, bias_initializer="normal"),
    )
    whole, _, _ = both(net)
    before, expected = sum(op.kind == "ADD" for op in whole.main.ops), run(whole)
    count = take_in_biases(whole)
    assert count == before - sum(op.kind == "ADD" for op in whole.main.ops)
    last = next(op for op in reversed(list(whole.main.ops)) if op.kind == "FULLY_CONNECTED")
    assert last.inputs[2].shape == (5,)
    np.testing.assert_allclose(run(whole), expected, atol=1e-6)
    np.testing.assert_allclose(run(whole), net.predict(X, verbose=0), atol=1e-6)


def test_what_others_read_stays():
    whole, _, _ = both(sequential(L.LSTM(4, return_sequences=True)))
    # The step adds its inputs, which are no constant.
    assert take_in_biases(whole) == 0
