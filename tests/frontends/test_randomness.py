"""Random ops at inference in Keras models."""

import keras
import pytest
import tf_keras

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.randomness import is_random


class Noise(keras.layers.Layer):
    """Noise at inference too."""

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


def noisy(package):
    x = package.Input((None, 3))
    noise = Noise(name="noise")
    if package is tf_keras:
        noise = lambda x: tf_keras.layers.GaussianNoise(0.1, name="noise")(x, training=True)  # noqa: E731
    return package.Model(x, package.layers.GRU(4)(noise(x)))


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_noise_that_is_on_at_inference(package):
    with pytest.raises(
        UnsupportedError,
        match=r"Random\w+ of layer 'noise' \(\w*Noise\) draws random numbers at inference; "
        "expected a model that gives the same results each time. "
        "Take it out of the model, or switch it off",
    ):
        rnnlite.convert(noisy(package))


def test_which_ops_are_random():
    assert all(map(is_random, ("RandomUniform", "StatelessRandomNormalV2", "Multinomial")))
    assert not any(map(is_random, ("StatelessRandomGetKeyCounter", "Range", "MatMul")))
