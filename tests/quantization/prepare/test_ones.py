"""Products with ones as long as time."""

import numpy as np
import tf_keras

from rnnlite.quantization.prepare.ones import drop_ones
from stream_parts import both, run


def test_a_normalization_of_keras_2_multiplies_with_no_ones():
    L = tf_keras.layers
    net = tf_keras.Sequential(
        [tf_keras.Input((None, 3)), L.LayerNormalization(), L.GRU(4, return_sequences=True)]
    )
    whole, _, _ = both(net)
    expected = run(whole)
    ones = [op for op in whole.main.ops if op.kind == "FILL"]
    assert ones
    before = sum(op.kind == "MUL" for op in whole.main.ops)
    count = drop_ones(whole)
    assert count == before - sum(op.kind == "MUL" for op in whole.main.ops) > 0
    np.testing.assert_array_equal(run(whole), expected)
    assert drop_ones(whole) == 0


def test_other_products_stay():
    L = tf_keras.layers
    whole, _, _ = both(
        tf_keras.Sequential([tf_keras.Input((None, 3)), L.LSTM(4, return_sequences=True)])
    )
    assert drop_ones(whole) == 0
