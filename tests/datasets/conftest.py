"""A model of one output a sequence, and one of a row a step, as files."""

import numpy as np
import pytest

import rnnlite


@pytest.fixture(scope="package")
def tagger():
    """(T, 3) to "scores" (T, 4), converted without the check: its results are compared here."""
    import keras

    keras.utils.set_random_seed(3)
    frames = keras.Input((None, 3), name="frames")
    states = keras.layers.GRU(5, return_sequences=True)(frames)
    scores = keras.layers.Dense(4, activation="softmax", name="scores")(states)
    return rnnlite.convert(keras.Model(frames, scores), verify=False).tflite


@pytest.fixture(scope="package")
def rows():
    """40 sequences of 1 to 9 steps."""
    rng = np.random.default_rng(5)
    return [rng.standard_normal((t, 3)).astype(np.float32) for t in rng.integers(1, 10, 40)]
