"""The feature that an input's one scale leaves too few steps of."""

import numpy as np

from rnnlite.quantization.measure.features import unlike_features
from rnnlite.specs import TensorSpec

SPECS = [TensorSpec("ids", (1, None), "int32"), TensorSpec("x", (1, None, 3), "float32")]


def samples(*scales):
    values = np.linspace(-1, 1, 20)[:, None] * np.array(scales)
    return [[np.arange(20, dtype=np.int32), values.astype(np.float32)]]


def test_like_features_are_fine():
    assert unlike_features(samples(1, 2, 5), SPECS, "int8") == ""
    # One that never varies has nothing to lose.
    assert unlike_features(samples(1, 2, 0), SPECS, "int8") == ""


def test_the_poorest_is_named():
    words = unlike_features(samples(1, 0.02, 0.01), SPECS, "int8")
    assert words == (
        "input 'x' has one integer scale for all its features: feature 2, -0.01 to 0.01, "
        "has 2.3 steps of its 2"
    )
    assert unlike_features(samples(1, 0.02, 0.01), SPECS, "int16") == ""
