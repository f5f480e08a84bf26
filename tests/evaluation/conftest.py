"""A classifier of sequences, a tagger of steps, a regressor, each with a worse twin; and data."""

import numpy as np
import pytest

import rnnlite


def _file(kind, seed):
    import keras

    keras.utils.set_random_seed(seed)
    frames = keras.Input((None, 3), name="frames")
    states = keras.layers.GRU(4, return_sequences=kind == "tagger")(frames)
    units, activation = (1, None) if kind == "regressor" else (4, "softmax")
    if kind == "binary":
        units, activation = 1, "sigmoid"
    result = keras.layers.Dense(units, activation=activation, name="result")(states)
    return rnnlite.convert(keras.Model(frames, result), verify=False).tflite


@pytest.fixture(scope="package")
def model():
    """By kind and seed, the content of a file."""
    made = {}

    def get(kind, seed=1):
        if (kind, seed) not in made:
            made[kind, seed] = _file(kind, seed)
        return made[kind, seed]

    return get


@pytest.fixture(scope="package")
def rows():
    rng = np.random.default_rng(8)
    return [rng.standard_normal((t, 3)).astype(np.float32) for t in rng.integers(2, 9, 30)]
