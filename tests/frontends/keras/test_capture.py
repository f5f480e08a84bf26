"""Taking hold of recurrences: what is recorded, what is put back, what is refused."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import option_table
import rnnlite
from rnnlite.errors import InternalError
from rnnlite.frontends.keras.capture import (
    _fold,
    _swap_time_and_batch,
    _unfold,
    _unset,
    _with_feature_axis,
    _zeroed_in_forward_order,
    capture,
)
from rnnlite.frontends.keras.flavour import flavour_of
from rnnlite.frontends.keras.neutral import Changed
from rnnlite.lowering.schedule import Options
from rnnlite.scan.scan import ScanResult


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
    schedule = "projection=hoisted"
    (found,) = rnnlite.convert(model, batch_size=batch, schedule=schedule).report.recurrences
    assert found["schedule"] == "4 steps an iteration, identity padding steps in front"


def test_a_free_batch_is_projected_in_the_step():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4)])
    (found,) = rnnlite.convert(model, batch_size=None).report.recurrences
    assert not found["hoisted"]
    assert found["schedule"] == "4 steps an iteration, rest last, inputs and state in one product"


def test_what_is_closed_while_a_model_is_traced(K):
    """Fused shortcuts would hide the recurrence; other threads keep them."""
    flavour = flavour_of(K.layers.Dense(1))
    hooks = flavour.hooks
    found = {}
    with capture(flavour, Changed(frozenset(), frozenset()), Options()):
        for name in hooks.fused:
            with pytest.raises(NotImplementedError, match="closed while rnnlite traces the model"):
                getattr(hooks.backend, name)()

        def elsewhere():
            for name in hooks.fused:
                try:
                    getattr(hooks.backend, name)()
                except Exception as e:
                    found[name] = str(e)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert not any("rnnlite" in text for text in found.values())


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_places_of_extremes_are_found_without_the_sign_bit(axis, keepdims):
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")

    def both(x):
        return [f(x, axis=axis, keepdims=keepdims) for f in (keras.ops.argmax, keras.ops.argmin)]

    with capture(flavour_of(keras.layers.Dense(1)), Changed(frozenset(), frozenset()), Options()):
        traced = tf.function(both).get_concrete_function(tf.TensorSpec((None, 5)))
    kinds = {op.type for op in traced.graph.get_operations()}
    assert {"ArgMax", "ArgMin"} <= kinds
    assert not {"Bitcast", "BitwiseAnd"} & kinds
    for found, expected in zip(traced(tf.constant(x)), both(tf.constant(x)), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    with capture(flavour_of(keras.layers.Dense(1)), Changed(frozenset(), frozenset()), Options()):
        assert keras.ops.argmax(tf.constant([3, 5, 1])) == 1


def test_the_hook_before_it_is_in_place():
    with pytest.raises(InternalError, match="the hook is not in place"):
        _unset()


@pytest.mark.parametrize(
    ("shape", "op"),
    [
        ((1, None, 3), "Reshape"),
        ((None, 1, 3), "Reshape"),
        ((1, 5, 3), "Reshape"),
        ((2, 5, 3), "Transpose"),
        ((None, None, 3), "Transpose"),
        ((1, None, None), "Transpose"),
    ],
)
def test_time_and_batch_change_places(shape, op):
    """With a batch of one nothing moves."""
    with tf.Graph().as_default():
        found = _swap_time_and_batch(tf.compat.v1.placeholder(tf.float32, shape))
    assert found.op.type == op
    assert found.shape.as_list() == [shape[1], shape[0], shape[2]]


@pytest.mark.parametrize("free", [True, False])
def test_time_folded_into_the_batch_and_back(free):
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    spec = tf.TensorSpec([None, None, 4] if free else [2, 3, 4])

    @tf.function(input_signature=[spec])
    def both(x):
        folded = _fold(x)
        return folded, _unfold(2.0 * folded, x)

    folded, again = both(x)
    np.testing.assert_array_equal(folded, x.reshape(6, 4))
    np.testing.assert_array_equal(again, 2 * x)
    shapes = [y.shape.as_list() for y in both.get_concrete_function().outputs]
    assert shapes == ([[None, 4], [None, None, 4]] if free else [[6, 4], [2, 3, 4]])


@pytest.mark.parametrize(
    ("mask", "shape"),
    [(np.ones((2, 3), np.int32), (2, 3, 1)), (np.ones((2, 3, 1), bool), (2, 3, 1))],
)
def test_masks_have_an_axis_of_features(mask, shape):
    found = _with_feature_axis(tf.constant(mask))
    assert (found.dtype, tuple(found.shape)) == (tf.bool, shape)


def test_outputs_of_a_backward_unrolled_layer_are_zeroed_in_forward_order():
    """The mask in the order of time, the outputs in that of computation."""
    y, mask = np.arange(1.0, 7.0).reshape(3, 2, 1), np.array([[1, 0], [1, 1], [0, 1]], bool)
    plain = ScanResult(
        last=(tf.constant(y[-1]),), outputs=(tf.constant(y),), states=(tf.constant(y[-1]),)
    )
    found = _zeroed_in_forward_order(plain, tf.constant(mask[..., None]))
    np.testing.assert_array_equal(found.outputs[0], y * mask[..., None])
    np.testing.assert_array_equal(found.last[0], y[-1] * mask[0][:, None])
    np.testing.assert_array_equal(found.states[0], y[-1])
