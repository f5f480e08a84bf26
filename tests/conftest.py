"""Test set-up: TensorFlow quiet, Keras on it, passes checked; models that modules share."""

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# What passes need and ensure is looked at, after each of them.
os.environ["RNNLITE_CHECK_PASSES"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import keras
import numpy as np
import pytest
import tf_keras

import rnnlite


def pytest_collection_modifyitems(items):
    """Tests that take minutes come first: none runs alone at the end."""

    def minutes(item):
        marker = item.get_closest_marker("long")
        return 0 if marker is None else marker.kwargs.get("minutes", 0)

    items.sort(key=minutes, reverse=True)


def pytest_collection_finish():
    """What imports made stays: the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(params=["keras", "tf_keras"])
def K(request):  # noqa: N802
    """Both Keras packages in turn."""
    return {"keras": keras, "tf_keras": tf_keras}[request.param]


@pytest.fixture(scope="session")
def exits_model():
    """A Keras 3 model with two exits, one a sequence and one a last state, built for length 12."""
    keras.utils.set_random_seed(1)
    x = keras.Input((12, 3), name="frames")
    sequence = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(x)
    tags = keras.layers.Dense(2, name="tags")(sequence)
    label = keras.layers.GRU(5, name="label")(sequence)
    return keras.Model(x, [tags, label])


@pytest.fixture(scope="session")
def exits(exits_model):
    """`exits_model`, converted."""
    return rnnlite.convert(exits_model)


@pytest.fixture(scope="session")
def sequences():
    """Five sequences of different lengths, three features."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((t, 3)).astype(np.float32) for t in (4, 9, 4, 1, 30)]
