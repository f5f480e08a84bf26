"""Taking hold of recurrences: what is recorded, what is put back, what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import option_table
import rnnlite


def recurrences(model, **options):
    return rnnlite.convert(model, **options).report.recurrences


def test_records(K):
    x = K.Input((None, 3))
    y = K.layers.Masking()(x)
    y = K.layers.Bidirectional(K.layers.LSTM(4, return_sequences=True, name="b"))(y)
    y = K.layers.RNN([K.layers.GRUCell(2), K.layers.LSTMCell(3)], name="stack")(y)
    found = recurrences(K.Model(x, y))
    assert [(r["name"], r["kind"], r["direction"], r["masked"], r["hoisted"]) for r in found] == [
        ("forward_b", "LSTM", "forward", True, True),
        ("backward_b", "LSTM", "backward", True, True),
        ("stack", "StackedRNNCells", "forward", True, False),
    ]


def test_a_subclass_that_changes_nothing_is_known_one_that_does_is_traced(K):
    class Renamed(K.layers.GRUCell):
        pass

    class Changed(K.layers.GRUCell):
        def call(self, inputs, states, training=None):
            output, new = super().call(inputs, states)
            return output * 2, new

    kinds = []
    for cell in (Renamed(3), Changed(3)):
        model = K.Sequential([K.Input((None, 2)), K.layers.RNN(cell)])
        kinds += [(r["kind"], r["hoisted"]) for r in recurrences(model)]
    assert kinds == [("GRU", True), ("Changed", False)]


def test_the_packages_and_the_model_are_as_before(K):
    backend = __import__(f"{K.__name__}.src.backend", fromlist=["rnn"])
    before = backend.rnn, K.layers.RNN.__call__, K.layers.TimeDistributed.call
    layer = K.layers.LSTM(3, unroll=True, dropout=0.2)
    model = K.Sequential([K.Input((5, 2)), layer])
    rnnlite.convert(model)
    assert (backend.rnn, K.layers.RNN.__call__, K.layers.TimeDistributed.call) == before
    assert (layer.unroll, layer.cell.dropout) == (True, 0.2)


def test_put_back_after_a_refusal_too(K):
    backend = __import__(f"{K.__name__}.src.backend", fromlist=["rnn"])
    before = backend.rnn
    layer = K.layers.RNN(option_table.custom_cell(K)(3), name="broken")
    model = K.Sequential([K.Input((None, 2)), layer])
    layer.cell.call = lambda inputs, states: (states[0], [states[0]])
    with pytest.raises(rnnlite.RnnliteError):
        rnnlite.convert(model)
    assert backend.rnn is before


def test_a_delay_line_cell(K):
    K.utils.set_random_seed(0)
    model = K.Sequential([K.Input((None, 2)), K.layers.RNN(option_table.custom_cell(K)(3))])
    assert recurrences(model)[0]["kind"] == "DelayCell"


def test_an_op_without_builtin_form_is_refused_by_name():
    class Svd(keras.layers.Layer):
        def call(self, x):
            return tf.linalg.svd(x, compute_uv=False)

    x = keras.Input((None, 2))
    model = keras.Model(x, Svd(name="spectrum")(keras.layers.LSTM(3, return_sequences=True)(x)))
    with pytest.raises(rnnlite.UnsupportedError, match=r"Svd has no builtin.*spectrum"):
        rnnlite.convert(model, verify=False)


def test_constants_of_a_keras2_cell():
    class Scaled(tf_keras.layers.Layer):
        units = state_size = 2

        def call(self, x, states, constants):
            return x + states[0] * constants[0], [x + states[0] * constants[0]]

    tf_keras.utils.set_random_seed(0)
    x, c = tf_keras.Input((None, 2)), tf_keras.Input((2,))
    model = tf_keras.Model([x, c], tf_keras.layers.RNN(Scaled())(x, constants=c))
    assert recurrences(model)[0]["kind"] == "Scaled"


def test_time_major_of_keras2():
    tf_keras.utils.set_random_seed(0)
    x = tf_keras.Input((None, 3))
    layer = tf_keras.layers.GRU(4, time_major=True, return_sequences=True)
    # (B, T, F) taken as (T, B, F): the first axis is time.
    model = tf_keras.Model(x, layer(x))
    assert recurrences(model, batch_size=5)[0]["kind"] == "GRU"


def test_dropout_that_is_on_at_inference_is_refused_by_name(K):
    class Noisy(K.Model):
        def __init__(self, dropout):
            super().__init__()
            self.rnn = K.layers.LSTM(2, dropout=dropout, name="noisy")

        def call(self, x):
            return self.rnn(x, training=True)

    for dropout in (0.5, 0.0):
        model = Noisy(dropout)
        model(np.zeros((1, 4, 3), np.float32))
        if dropout:
            with pytest.raises(rnnlite.UnsupportedError, match="'noisy' drops out at inference"):
                rnnlite.convert(model)
        else:
            assert recurrences(model)[0]["name"] == "noisy"


@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("masked", [False, True])
def test_one_loop_for_lengths_that_the_steps_do_not_divide(batch, masked):
    """Neutral steps in front, also under a mask and where the batch is free."""
    masking = [keras.layers.Masking(0.0)] if masked else []
    model = keras.Sequential([keras.Input((None, 3)), *masking, keras.layers.LSTM(4)])
    schedule = "projection=before"
    (found,) = rnnlite.convert(model, batch_size=batch, schedule=schedule).report.recurrences
    assert found["schedule"] == "4 steps an iteration, neutral steps in front"


def test_a_free_batch_is_projected_in_the_step():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4)])
    (found,) = rnnlite.convert(model, batch_size=None).report.recurrences
    assert not found["hoisted"]
    assert found["schedule"] == "4 steps an iteration, rest last, inputs and state in one product"
