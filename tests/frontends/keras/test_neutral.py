"""What a model seems to be while it is traced, and that it is as before behind it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.frontends.keras.neutral import (
    NEUTRAL,
    _legal,
    any_input_shape,
    any_layer_name,
    neutral,
)


def flavour(K):
    return keras3() if K is keras else keras2()


@pytest.fixture
def model(K):
    return K.Sequential(
        [
            K.Input((5, 2), batch_size=1),
            K.layers.LSTM(3, unroll=True, return_sequences=True, dropout=0.2, name="one"),
            K.layers.Bidirectional(K.layers.GRU(2, recurrent_dropout=0.4), name="both"),
            K.layers.Dropout(0.5, name="rest"),
        ]
    )


def test_only_within(model):
    one, _, rest = model.layers
    with neutral(model) as changed:
        assert (one.unroll, one.cell.dropout) == (False, 0.0)
        # A layer of its own, no part of a recurrence: at inference it hands on.
        assert rest.rate == 0.5
        assert id(one) in changed.unrolled
        assert id(one.cell) in changed.dropping
    assert (one.unroll, one.cell.dropout) == (True, 0.2)


def test_layers_within_wrappers(model):
    both = model.layers[1]
    forward, backward = both.forward_layer.cell, both.backward_layer.cell
    with neutral(model) as changed:
        assert (forward.recurrent_dropout, backward.recurrent_dropout) == (0.0, 0.0)
        assert {id(forward), id(backward)} <= changed.dropping
        assert id(both.forward_layer) not in changed.unrolled
    assert forward.recurrent_dropout == backward.recurrent_dropout == 0.4


def test_unrolling_may_be_kept(model):
    one = model.layers[0]
    with neutral(model, keep_unroll=True) as changed:
        assert one.unroll is True
        assert changed.unrolled == frozenset()
        assert one.cell.dropout == 0.0


def test_put_back_after_an_error(model):
    with pytest.raises(ZeroDivisionError), neutral(model):
        1 / 0  # noqa: B018
    assert model.layers[0].unroll is True


def test_a_stateful_layer_starts_from_zero(K):
    model = K.Sequential([K.Input((4, 2), batch_size=1), K.layers.GRU(3, stateful=True)])
    layer = model.layers[0]
    x = np.ones((1, 4, 2), np.float32)
    first = np.asarray(model(x))
    assert np.abs(np.asarray(model(x)) - first).max() > 1e-4
    held = np.asarray(layer.states[0])
    with neutral(model):
        assert layer.stateful is False
        np.testing.assert_allclose(model(x), first, atol=1e-6)
    assert layer.stateful is True
    np.testing.assert_array_equal(layer.states[0], held)


def test_what_is_changed_says_nothing_of_the_result():
    """Each of them chooses how something is computed, at inference."""
    assert {"unroll", "stateful", "dropout", "recurrent_dropout", "use_cudnn"} <= set(NEUTRAL)
    assert not {"units", "go_backwards", "return_sequences", "activation"} & set(NEUTRAL)


def test_any_length_is_taken(K):
    model = K.Sequential([K.Input((5, 2)), K.layers.LSTM(3)])
    x = np.ones((1, 7, 2), np.float32)
    with any_input_shape(flavour(K)):
        found = np.asarray(model(x))
    assert found.shape == (1, 3)
    before = model.layers[0](x)
    np.testing.assert_allclose(found, np.asarray(before), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("lstm", "lstm"),
        ("lstm 1", "lstm_1"),
        ("a->b", "a-_b"),
        ("näme", "n_me"),
        ("_private", "._private"),
        ("-dash", ".-dash"),
        (".dot", ".dot"),
        ("1st", "1st"),
        ("", "."),
        ("model/lstm 1", "model/lstm 1"),
        (None, None),
        (3, 3),
    ],
)
def test_names_as_tensorflow_takes_them(name, legal):
    """What has a slash is a path of scopes already."""
    assert _legal(name) == legal


@pytest.mark.parametrize("name", ["lstm (1)", "Größe: 1", "_hidden"])
def test_layers_of_any_name_are_traced(name):
    """In Keras 3 alone: Keras 2 itself runs no such layer but op by op."""
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.SimpleRNN(3, name=name)])
    x = tf.ones([1, 5, 2])
    with any_layer_name(keras3()):
        found = tf.function(lambda x: model(x, training=False))(x)
    np.testing.assert_allclose(found, np.asarray(model(x)), atol=1e-6)
    assert model.layers[0].name == name


def test_keras_2_needs_no_other_names():
    with any_layer_name(keras2()):
        assert tf_keras.layers.Dense(1, name="plain").name == "plain"
