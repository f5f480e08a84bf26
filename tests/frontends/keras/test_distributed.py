"""TimeDistributed in one loop computes what Keras does where it unrolls."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

from rnnlite.frontends.keras.distributed import in_one_loop
from rnnlite.frontends.keras.flavour import flavour_of

RNG = np.random.default_rng(0)


def features(x):
    return layers.TimeDistributed(layers.Dense(4, activation="tanh"))(x)


def recurrence(x):
    return layers.TimeDistributed(layers.LSTM(4))(x)


def masked_recurrence(x):
    return layers.TimeDistributed(layers.GRU(4))(layers.Masking()(x))


def within_another(x):
    return layers.TimeDistributed(layers.TimeDistributed(layers.Dense(2)))(x)


def submodel(x):
    inner = keras.Input((5, 3))
    found = layers.Concatenate()([layers.GRU(2)(inner), layers.GlobalMaxPooling1D()(inner)])
    return layers.TimeDistributed(keras.Model(inner, found))(x)


CASES = [features, recurrence, masked_recurrence, within_another, submodel]


@pytest.mark.parametrize("build", CASES)
@pytest.mark.parametrize("batch", [None, 1])
def test_as_keras_unrolls_it(build, batch):
    inputs = keras.Input((None, 5, 3))
    model = keras.Model(inputs, build(inputs))
    with in_one_loop(flavour_of(model)):
        call = tf.function(model, autograph=False).get_concrete_function(
            tf.TensorSpec([batch, None, 5, 3])
        )
    x = RNG.normal(size=(batch or 3, 7, 5, 3)).astype("float32")
    x[:, 5:] = 0.0
    wanted = model(x)
    np.testing.assert_allclose(call(tf.constant(x)), wanted, atol=1e-6)
    # Traced once, it takes other lengths.
    np.testing.assert_allclose(call(tf.constant(x[:, :2])), wanted[:, :2], atol=1e-6)


def test_numbers_that_are_looked_up():
    inputs = keras.Input((None, 6), dtype="int32")
    table = layers.TimeDistributed(layers.Embedding(9, 4, mask_zero=True))(inputs)
    model = keras.Model(inputs, layers.TimeDistributed(layers.LSTM(3))(table))
    ids = RNG.integers(0, 9, (1, 4, 6)).astype("int32")
    wanted = model(ids)
    with in_one_loop(flavour_of(model)):
        call = tf.function(model, autograph=False).get_concrete_function(
            tf.TensorSpec([1, None, 6], tf.int32)
        )
    np.testing.assert_allclose(call(tf.constant(ids)), wanted, atol=1e-6)


def test_keras_2_stays_as_it_is():
    model = tf_keras.Sequential([tf_keras.layers.TimeDistributed(tf_keras.layers.Dense(2))])
    before = tf_keras.layers.TimeDistributed.call
    with in_one_loop(flavour_of(model)):
        assert tf_keras.layers.TimeDistributed.call is before


def test_nothing_is_changed_behind_it():
    model = keras.Sequential([keras.Input((3, 2)), layers.TimeDistributed(layers.Dense(2))])
    before = layers.TimeDistributed.call
    with in_one_loop(flavour_of(model)):
        assert layers.TimeDistributed.call is not before
    assert layers.TimeDistributed.call is before
