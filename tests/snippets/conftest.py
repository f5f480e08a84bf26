"""Files of every kind that a program is written for."""

import keras
import numpy as np
import pytest

import rnnlite
import two_signatures


def tagger(length=None):
    keras.utils.set_random_seed(3)
    x = keras.Input((length, 3), name="frames")
    h = keras.layers.LSTM(5, return_sequences=True, name="lstm")(x)
    return keras.Model(x, keras.layers.Dense(2, name="tags")(h))


@pytest.fixture(scope="session")
def streamed():
    return rnnlite.convert(tagger(), streaming=True).tflite


@pytest.fixture(scope="session")
def fixed():
    return rnnlite.convert(tagger(), sequence_length=7).tflite


@pytest.fixture(scope="session")
def single_steps():
    return rnnlite.convert(tagger(), streaming=1).tflite


@pytest.fixture(scope="session")
def integers():
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal((n, 3)).astype(np.float32) for n in range(5, 30)]
    return rnnlite.convert(tagger(), quantize="int8", calibration=rows).tflite


@pytest.fixture(scope="session")
def micro():
    return rnnlite.convert(tagger(), sequence_length=7, target="tflite-micro").tflite


@pytest.fixture(scope="session")
def several():
    return rnnlite.convert(two_signatures.EncoderDecoder(), signature="all").tflite


@pytest.fixture(scope="session")
def late():
    """Outputs that come two steps late."""
    keras.utils.set_random_seed(3)
    x = keras.Input((None, 3), name="frames")
    h = keras.layers.Conv1D(4, 5, padding="same")(x)
    model = keras.Model(x, keras.layers.GRU(2, return_sequences=True)(h))
    return rnnlite.convert(model, streaming=True).tflite


@pytest.fixture(scope="session")
def early():
    """Two exits."""
    keras.utils.set_random_seed(3)
    x = keras.Input((None, 3), name="frames")
    h = keras.layers.GRU(4, return_sequences=True)(x)
    first = keras.layers.Dense(2, name="first")(keras.layers.GlobalAveragePooling1D()(h))
    second = keras.layers.Dense(2, name="second")(keras.layers.LSTM(8)(h))
    return rnnlite.convert(keras.Model(x, [first, second]), exits=True, verify=False).tflite


@pytest.fixture(scope="session")
def two_late():
    """Strided, three rows of two steps along the last axis, a result so far, and an input without
    time."""
    keras.utils.set_random_seed(3)
    x, who = keras.Input((None, 3), name="frames"), keras.Input((2,), name="who")
    h = keras.layers.Conv1D(4, 5, strides=2, padding="same")(x)
    h = keras.layers.GRU(4, return_sequences=True)(h)
    pooled = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling1D()(h), who])
    outputs = [
        keras.layers.Permute((2, 1), name="rows")(keras.layers.UpSampling1D(3)(h)),
        keras.layers.Dense(3, name="mean")(pooled),
    ]
    return rnnlite.convert(keras.Model([x, who], outputs), streaming=4).tflite


@pytest.fixture(scope="session")
def fixed_exits():
    """Two exits, the second of every other step."""
    keras.utils.set_random_seed(3)
    x = keras.Input((None, 3), name="frames")
    h = keras.layers.Conv1D(4, 3, strides=2, padding="same")(x)
    h = keras.layers.GRU(4, return_sequences=True)(h)
    first = keras.layers.Dense(2, name="first")(keras.layers.GlobalAveragePooling1D()(h))
    second = keras.layers.Dense(2, name="second")(keras.layers.LSTM(8)(h))
    model = keras.Model(x, [first, second])
    return rnnlite.convert(model, exits=True, sequence_length=12, verify=False).tflite


@pytest.fixture(scope="session")
def micro_stream():
    """Single steps for a microcontroller, two steps late."""
    keras.utils.set_random_seed(3)
    x = keras.Input((None, 3), name="frames")
    h = keras.layers.Conv1D(4, 5, padding="same")(x)
    model = keras.Model(x, keras.layers.GRU(2, return_sequences=True)(h))
    return rnnlite.convert(model, streaming=1, target="tflite-micro").tflite
