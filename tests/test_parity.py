"""The check can fail: a changed weight is found; bounds are derived, not guessed."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras

import rnnlite
from rnnlite.frontends.opening import open_program
from rnnlite.frontends.request import Request
from rnnlite.lite import schema
from rnnlite.parity import TOLERANCE, check, difference
from rnnlite.pipeline import steps


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(6), keras.layers.Dense(2)])


def tampered(data, factor, count=6 * 24):
    """One weight matrix, of `count` weights, times a factor."""
    model = schema.read(data)
    values = [v for g in model.graphs for v in g.values if v.type == "float32" and v.is_constant]
    weights = next(value.data for value in values if value.size == count)
    for value in values:
        if value.data is weights:
            value.data = weights * np.float32(factor)
    return schema.write(model)


def test_an_equal_model_passes_with_all_its_cases(model):
    parity = rnnlite.convert(model, batch_size=None).report.parity
    assert parity.within
    assert parity.lengths == (19, 1, 5, 8)
    assert parity.batches == (1, 3)
    # (4 lengths x 2 batches + the long one again) x twice x with and without delegates
    assert parity.runs == 36
    assert parity.outputs[0].bound == TOLERANCE


def test_a_changed_weight_is_found(model):
    data = rnnlite.convert(model).tflite
    report = rnnlite.verify(model, tampered(data, 1.001))
    assert not report.parity.within
    with pytest.raises(rnnlite.ParityError, match=r"differs from Keras 3 .*within 1.0e-05"):
        report.require_parity()
    assert rnnlite.verify(model, tampered(data, 1.0)).parity.within


def test_convert_refuses_a_result_that_differs(model, monkeypatch):
    finish = steps.finish
    monkeypatch.setattr(steps, "finish", lambda *a: tampered(finish(*a), 1.001))
    with pytest.raises(rnnlite.ParityError):
        rnnlite.convert(model)
    assert rnnlite.convert(model, verify=False).report.parity is None


def test_samples_of_the_user_are_compared_too(model):
    data = rnnlite.convert(model).tflite
    report = rnnlite.verify(model, data, [np.ones((t, 2)) for t in (40, 2)])
    assert report.parity.lengths == (19, 1, 5, 8, 40, 2)
    assert report.parity.within


def test_a_model_of_another_source_is_refused(model, exits):
    with pytest.raises(rnnlite.ModelError, match=r"was not made from.*expected inputs"):
        rnnlite.verify(model, exits.tflite)


def test_a_network_that_amplifies_rounding_gets_a_derived_bound():
    """Sums of large numbers that nearly cancel: float32 itself is off by more than 1e-5."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.SimpleRNN(4, activation="linear")
    source = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Dense(1)])
    w, u, b = layer.get_weights()
    layer.set_weights([np.tile(w[:, :1] * 1000, (1, 4)) + w, np.full_like(u, 0.1), b])
    kernel = np.array([[1.0], [-1.0], [1.0], [-1.0]], np.float32)
    source.layers[-1].set_weights([kernel, np.zeros(1, np.float32)])
    data = rnnlite.convert(source).tflite
    (output,) = rnnlite.verify(source, data).parity.outputs
    assert TOLERANCE < output.max_rel <= output.bound < 1e-2
    assert not rnnlite.verify(source, tampered(data, 1.02, count=2 * 4)).parity.within


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_the_rounding_of_an_exponential_unit_is_the_source_s_own(K):
    """exp(x) - 1 of 1e-4 in float32 is off by 1e-3 of it in TensorFlow, and exact in LiteRT."""
    source = K.Sequential([K.Input((None, 2)), K.layers.LSTM(4, activation="elu")])
    rng = np.random.default_rng(0)
    source.set_weights([1e-4 * rng.standard_normal(w.shape) for w in source.get_weights()])
    data = rnnlite.convert(source).tflite
    (output,) = rnnlite.verify(source, data).parity.outputs
    assert output.scale < 1e-3
    assert TOLERANCE < output.max_rel <= output.bound < 1e-2
    assert not rnnlite.verify(source, tampered(data, 1.02, count=2 * 16)).parity.within


def test_a_length_past_a_block_is_checked():
    source = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(4, return_sequences=True)])
    parity = rnnlite.convert(source, schedule="chunk=32,depth=3").report.parity
    # Past the block that comes first, and past one of those that follow.
    assert parity.lengths == (67, 19, 1, 5, 8)
    assert rnnlite.convert(source, schedule="chunk=8").report.parity.lengths == (19, 1, 5, 8)


def test_lengths_leave_a_step_behind_convolutions_and_strides():
    layers = keras.layers
    source = keras.Sequential(
        [keras.Input((None, 2)), layers.Conv1D(2, 7), layers.MaxPooling1D(2), layers.GRU(2)]
    )
    parity = rnnlite.convert(source).report.parity
    # 19, 1, 5 and 8 steps behind them; 8 is the least length.
    assert parity.lengths == (45, 8, 17, 22)
    assert not parity.skipped


def test_lengths_that_the_source_refuses_are_named(model):
    program = open_program(model, Request()).main

    def refusing(arrays):
        if arrays[0].shape[1] < 6:
            raise ValueError("too short")
        return program.reference(arrays)

    parity = check(replace(program, reference=refusing), rnnlite.convert(model).tflite)
    assert parity.skipped == {1: "too short", 5: "too short"}
    assert parity.lengths == (19, 8, 33, 64)


def test_a_source_that_gives_no_number_is_refused():
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.GRU(3), keras.layers.Dense(1)])
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(
        rnnlite.SourceError,
        match=r"Keras 3 Sequential '.*' gives no finite number as 'dense.*'; expected numbers to "
        r"compare the LiteRT model with; found nan throughout, on random inputs\. Look for NaN",
    ):
        rnnlite.convert(model)
    assert rnnlite.convert(model, verify=False).tflite


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.inf], [np.inf], 0.0),
        ([np.inf], [-np.inf], np.inf),
        ([np.nan], [1.0], np.inf),
        ([0.0, 1.5], [np.nan, 1.0], 0.5),
        ([np.inf], [1.0], np.inf),
        ([1.0], [1.0, 2.0], np.inf),
        ([True], [False], 1.0),
    ],
)
def test_difference(a, b, expected):
    assert difference(np.array(a), np.array(b)) == expected


def test_no_sequence_of_the_check_is_masked_throughout():
    inputs = keras.Input((None, 3))
    valid = keras.Input((None,), dtype="bool", name="valid")
    x = keras.layers.GRU(4, return_sequences=True)(inputs, mask=valid)
    # A mean over no step is 0 / 0; a relu behind it makes anything of that.
    x = keras.layers.GlobalAveragePooling1D()(x, mask=valid)
    model = keras.Model([inputs, valid], keras.layers.Dense(2, activation="relu", name="y")(x))
    report = rnnlite.convert(model, batch_size=None).report
    assert 1 in report.parity.lengths
    assert report.parity.within
    assert report.parity.undefined == ()


def test_values_that_the_source_does_not_define_are_noted():
    inputs = keras.Input((None, 3))
    x = keras.layers.GRU(4, return_sequences=True)(inputs)
    # The mean of the steps whose first feature is above 1; there may be none.
    picked = keras.ops.cast(inputs[..., :1] > 1.0, "float32")
    mean = keras.ops.sum(x * picked, 1) / keras.ops.sum(picked, 1)
    model = keras.Model(inputs, keras.layers.Activation("linear", name="y")(mean))
    report = rnnlite.convert(model).report
    assert report.parity.undefined == ("y",)
    assert any("gives NaN in 'y' for some inputs" in note for note in report.notes)
    assert report.parity.within
