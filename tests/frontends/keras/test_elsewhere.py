"""What is asked of a live model on another backend: its classes, its shapes, its results."""

import keras
import numpy as np
import pytest

from rnnlite.frontends.keras.elsewhere import custom_classes, results, stated_shapes


class Scaled(keras.layers.Layer):
    """A layer of one's own."""

    def call(self, x):
        return 2 * x

    def compute_output_shape(self, input_shape):
        return input_shape


class Twice(keras.Model):
    """A subclassed model around it, which gives a pair."""

    def __init__(self):
        super().__init__()
        self.scaled = Scaled()

    def call(self, x):
        return self.scaled(x), x


def test_classes_that_are_not_keras_s_own():
    x = keras.Input((None, 2))
    plain = keras.Model(x, keras.layers.GRU(2)(x))
    assert custom_classes(plain) == {}
    assert custom_classes(keras.Model(x, keras.layers.GRU(2)(Scaled()(x)))) == {"Scaled": Scaled}
    assert custom_classes(Twice()) == {"Twice": Twice, "Scaled": Scaled}


def test_classes_within_wrappers():
    x = keras.Input((None, 2))
    model = keras.Model(x, keras.layers.TimeDistributed(Scaled())(x))
    assert custom_classes(model) == {"Scaled": Scaled}


def test_shapes_that_inputs_state():
    a, b = keras.Input((None, 2)), keras.Input((3,), batch_size=4)
    assert stated_shapes(keras.Model([a, b], a)) == [(None, None, 2), (4, 3)]
    assert stated_shapes(Twice()) == []


@pytest.mark.parametrize("nested", [False, True])
def test_results_in_the_models_own_nesting(nested):
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    inputs = {"a": a, "b": b} if nested else [a, b]
    model = keras.Model(inputs, {"sum": keras.layers.Add()([a, b]), "a": Scaled()(a)})
    arrays = [np.full((1, 2), n, np.float32) for n in (3, 4)]
    found = results(model, arrays)
    assert sorted(np.unique(y).item() for y in found) == [6.0, 7.0]
    assert all(isinstance(y, np.ndarray) for y in found)


def test_results_of_a_subclassed_model():
    x = np.ones((1, 3), np.float32)
    doubled, same = results(Twice(), [x])
    np.testing.assert_array_equal(doubled, 2 * x)
    np.testing.assert_array_equal(same, x)
