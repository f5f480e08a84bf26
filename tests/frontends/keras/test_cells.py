"""Which Keras cells are known, and what is read out of them; the oracle says what they compute."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from rnnlite.frontends.keras.cells import activation_of, known_cell, known_class, numpy_of
from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.scan import cells, oracle

FEATURES, UNITS, B = 3, 4, 2
RNG = np.random.default_rng(0)
X, H, C = (RNG.normal(size=(B, n)).astype(np.float32) for n in (FEATURES, UNITS, UNITS))


def flavour(K):
    return keras3() if K is keras else keras2()


def built(cell):
    """The cell with weights that are no zeros, its bias among them."""
    cell.build((None, FEATURES))
    weights = cell.get_weights()
    cell.set_weights([RNG.normal(0, 0.5, w.shape).astype(np.float32) for w in weights])
    return cell


def step(cell, states):
    """One step as the known cell computes it."""
    given = [tf.constant(s) for s in states]
    rows = [p[0] for p in cell.project([tf.constant(X)[None]])]
    if cell.cuts is not None:
        rows = [rows[0][:, first:last] for first, last in cell.cuts]
    return cell.step(rows, given, [tf.convert_to_tensor(w) for w in cell.weights()])


ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("use_bias", [True, False])
def test_lstm(K, activation, use_bias):
    cell = built(K.layers.LSTMCell(UNITS, activation=activation, use_bias=use_bias))
    known = known_cell(flavour(K), cell)
    assert isinstance(known, cells.LSTM)
    kernel, recurrent, *bias = cell.get_weights()
    bias = bias[0] if bias else None
    equation = oracle.lstm_step(kernel, recurrent, bias, ACTIVATIONS[activation])
    wanted, (h, c) = equation(X, [H, C])
    outputs, states = step(known, [H, C])
    for found, value in zip([*outputs, *states], [wanted, h, c], strict=True):
        np.testing.assert_allclose(found, value, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_gru(K, reset_after, use_bias):
    cell = built(K.layers.GRUCell(UNITS, reset_after=reset_after, use_bias=use_bias))
    known = known_cell(flavour(K), cell)
    assert isinstance(known, cells.GRU)
    kernel, recurrent, *bias = cell.get_weights()
    equation = oracle.gru_step(kernel, recurrent, bias[0] if bias else None, reset_after)
    wanted, _ = equation(X, [H])
    outputs, states = step(known, [H])
    for found in (*outputs, *states):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_simple_rnn(K):
    cell = built(K.layers.SimpleRNNCell(UNITS, activation="relu"))
    known = known_cell(flavour(K), cell)
    assert isinstance(known, cells.SimpleRNN)
    kernel, recurrent, bias = cell.get_weights()
    wanted = np.maximum(X @ kernel + H @ recurrent + bias, 0)
    outputs, _ = step(known, [H])
    np.testing.assert_allclose(outputs[0], wanted, atol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_convolutional_lstm(K, data_format):
    layer = K.layers.ConvLSTM2D(2, 3, padding="same", data_format=data_format)
    layer.build((None, 4, 5, 6, 1) if data_format == "channels_last" else (None, 4, 1, 5, 6))
    known = known_cell(flavour(K), layer.cell)
    assert isinstance(known, cells.ConvLSTM)
    assert known.channel_axis == (-1 if data_format == "channels_last" else 1)
    np.testing.assert_array_equal(known.kernel, layer.cell.get_weights()[0])


class TestSubclasses:
    """A cell that changes nothing of the computation is known; one that may change it is not."""

    @staticmethod
    def of(K, **defined):
        return type("Mine", (K.layers.GRUCell,), defined)

    @pytest.mark.parametrize(
        ("defined", "known"),
        [
            ({}, True),
            ({"get_config": lambda self: {}}, True),
            ({"build": lambda self, shape: None, "__doc__": "Mine."}, True),
            ({"helper": lambda self: 1}, True),
            ({"call": lambda self, x, states: (x, states)}, False),
            ({"get_initial_state": lambda self, **k: None}, False),
            ({"units": property(lambda self: 3)}, True),
        ],
        ids=["nothing", "configuration", "build", "a name of its own", "call", "states", "units"],
    )
    def test_what_they_define(self, K, defined, known):
        kind = self.of(K, **defined)
        assert known_class(object.__new__(kind), (K.layers.GRUCell,)) == known

    def test_a_mixin_in_front_is_looked_at_too(self, K):
        class Loud:
            def call(self, *args, **kwargs):
                return super().call(*args, **kwargs)

        kind = type("Mine", (Loud, K.layers.GRUCell), {})
        assert not known_class(object.__new__(kind), (K.layers.GRUCell,))

    def test_a_stranger(self, K):
        assert not known_class(object(), (K.layers.GRUCell,))
        assert known_cell(flavour(K), K.layers.StackedRNNCells([K.layers.GRUCell(2)])) is None


@pytest.mark.parametrize(
    ("make", "elementwise"),
    [
        (lambda K: K.activations.tanh, True),
        (lambda K: K.activations.sigmoid, True),
        (lambda K: K.activations.linear, True),
        (lambda K: K.activations.softmax, False),
        (lambda K: lambda x: x, False),
        (lambda K: K.layers.LeakyReLU(), False),
    ],
    ids=["tanh", "sigmoid", "linear", "softmax", "a function", "a layer"],
)
def test_activations_that_act_on_each_element(K, make, elementwise):
    """Of foreign ones nothing is known; softmax looks at its neighbours."""
    function = make(K)
    found = activation_of(function)
    assert found.elementwise == elementwise
    assert found.function is function


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_weights_are_float32(dtype):
    values = np.array([1.5, -2.25])
    for variable in (
        keras.Variable(values, dtype=dtype),
        tf_keras.backend.variable(values, dtype=dtype),
        values.astype(dtype),
    ):
        found = numpy_of(variable)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, values)


class Renamed(keras.layers.LSTMCell):
    """A subclass that is built in its own way."""

    def __init__(self, units, **options):
        super().__init__(units, **options)

    def get_config(self):
        return super().get_config()


class Doubling(keras.layers.LSTMCell):
    """A subclass that computes something else."""

    def call(self, *args, **kwargs):
        output, states = super().call(*args, **kwargs)
        return 2 * output, states


class Below(Doubling):
    """It overrides nothing, its base does."""


class Own(keras.layers.Layer):
    """A cell of one's own, which is called like a known one."""

    state_size = 3

    def call(self, inputs, states):
        return inputs, states


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (lambda: keras.layers.LSTMCell(2), True),
        (lambda: Renamed(2), True),
        (lambda: Doubling(2), False),
        (lambda: Below(2), False),
        (lambda: keras.layers.GRUCell(2), False),
        (Own, False),
    ],
    ids=["itself", "renamed", "overridden", "below", "another", "own"],
)
def test_what_computes_as_a_known_class_does(make, known):
    assert known_class(make(), (keras.layers.LSTMCell,)) is known


def own_activation(x):
    return x


own_activation.__name__ = "tanh"


@pytest.mark.parametrize(
    ("function", "elementwise"),
    [
        (keras.activations.tanh, True),
        (tf_keras.activations.hard_sigmoid, True),
        (tf.nn.relu6, True),
        (keras.activations.softmax, False),
        (keras.layers.LeakyReLU(), False),
        (own_activation, False),
        (lambda x: x, False),
    ],
    ids=["tanh", "hard_sigmoid", "relu6", "softmax", "a layer", "own", "lambda"],
)
def test_functions_that_act_on_each_element(function, elementwise):
    """Known by their package and name; all others may look at their neighbours."""
    found = activation_of(function)
    assert (found.elementwise, found.function) == (elementwise, function)


def test_half_precision_is_read_in_float32(K):
    variable = built(K.layers.LSTMCell(2, dtype="float16")).kernel
    assert numpy_of(variable).dtype == np.float32
    assert numpy_of(np.ones(2, np.float64)).dtype == np.float32


@pytest.mark.parametrize("make", [Doubling, Below])
def test_no_known_cell(make):
    assert known_cell(keras3(), built(make(2))) is None
    assert known_cell(keras3(), Own()) is None
