"""Names, order and nesting of inputs and outputs; kinds of models."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.keras.interface import unique


def names(converted):
    report = converted.report
    return [p["name"] for p in report.inputs], [p["name"] for p in report.outputs]


def test_unique_names():
    assert unique(["lstm", "lstm", "lstm_1", "lstm"]) == ["lstm", "lstm_1", "lstm_1_1", "lstm_2"]


def test_exits_in_the_sources_order(K):
    x = K.Input((None, 2), name="x")
    z, a = (K.layers.GRU(2, name=n)(x) for n in ("z", "a"))
    assert names(rnnlite.convert(K.Model(x, [z, a]))) == (["x"], ["z", "a"])


def test_a_dictionary_of_exits(K):
    x = K.Input((None, 2), name="x")
    outputs = {"zeta": K.layers.GRU(2)(x), "alpha": K.layers.GRU(3)(x)}
    found = rnnlite.convert(K.Model(x, outputs))
    assert sorted(names(found)[1]) == ["alpha", "zeta"]
    result = rnnlite.load(found.tflite).predict([np.ones((3, 2))])
    assert (result["zeta"].shape, result["alpha"].shape) == ((1, 2), (1, 3))


def test_states_as_outputs_have_names_of_their_own(K):
    x = K.Input((None, 2), name="x")
    found = rnnlite.convert(K.Model(x, K.layers.LSTM(2, return_state=True, name="enc")(x)))
    assert names(found)[1] == ["enc", "enc_1", "enc_2"]


def test_initial_state_as_an_input(K):
    K.utils.set_random_seed(0)
    x, h = K.Input((None, 2), name="x"), K.Input((3,), name="h")
    model = K.Model([x, h], K.layers.GRU(3, name="y")(x, initial_state=h))
    found = rnnlite.convert(model)
    values = np.ones((1, 4, 2), np.float32), np.full((1, 3), 0.5, np.float32)
    result = rnnlite.load(found.tflite).predict([(values[0][0], values[1][0])])
    np.testing.assert_allclose(result, np.asarray(model(list(values))), atol=1e-6)


def test_an_input_that_is_an_output_too(K):
    x = K.Input((None, 2), name="x")
    found = rnnlite.convert(K.Model(x, [x, K.layers.GRU(3, name="y")(x)]))
    sample = np.arange(6, dtype=np.float32).reshape(3, 2)
    result = rnnlite.load(found.tflite).predict([sample])
    np.testing.assert_array_equal(next(iter(result.values()))[0], sample)


def test_token_ids_declared_as_floats():
    x = tf_keras.Input((None,), name="ids")
    model = tf_keras.Model(x, tf_keras.layers.GRU(2)(tf_keras.layers.Embedding(9, 3)(x)))
    found = rnnlite.convert(model)
    assert (
        "input 'ids' takes token ids: int32 in place of float32 (predict takes whole numbers as "
        "floats too)" in found.report.notes
    )
    loaded = rnnlite.load(found.tflite)
    ids = np.array([3.0, 7.0, 0.0])
    np.testing.assert_array_equal(loaded.predict([ids]), loaded.predict([ids.astype(int)]))
    assert rnnlite.verify(model, found.tflite, [ids]).parity.within
    with pytest.raises(rnnlite.SampleError, match=r"no whole numbers.*found 7.5"):
        loaded.predict([np.array([3.0, 7.5])])
    quantized = rnnlite.convert(model, quantize="int8", calibration=[ids, ids[:2]])
    assert quantized.report.inputs[0]["dtype"] == "int32"


def test_a_subclassed_model_of_token_ids(K):
    class Tagger(K.Model):
        def __init__(self):
            super().__init__()
            self.embedding = K.layers.Embedding(9, 3, mask_zero=True)
            self.rnn = K.layers.Bidirectional(K.layers.LSTM(2, return_sequences=True))

        def call(self, ids):
            y = self.rnn(self.embedding(ids))
            return {"tags": y, "last": y[:, -1]}

    model = Tagger()
    ids = np.array([[3, 0, 5, 8]], np.int32)
    expected = model(ids)
    found = rnnlite.convert(model)
    assert found.report.inputs[0]["dtype"] == "int32"
    assert names(found)[1] == ["tags", "last"]
    result = rnnlite.load(found.tflite).predict(list(ids))
    np.testing.assert_allclose(result["tags"], np.asarray(expected["tags"]), atol=1e-6)


def test_ids_of_two_vocabularies_keep_their_own_ranges(K):
    a, b = (K.Input((None,), dtype="int32", name=n) for n in "ab")
    embedded = [K.layers.Embedding(n, 3)(x) for n, x in ((50, a), (4, b))]
    model = K.Model([a, b], K.layers.GRU(2)(K.layers.Concatenate()(embedded)))
    loaded = rnnlite.load(rnnlite.convert(model).tflite)
    loaded.predict([(np.array([49]), np.array([3]))])
    with pytest.raises(rnnlite.SampleError, match="input 'b' has values out of range"):
        loaded.predict([(np.array([49]), np.array([4]))])


def test_a_sparse_input_is_refused():
    x = keras.Input((None, 2), sparse=True, name="x")
    model = keras.Model(x, keras.layers.Dense(3)(x))
    with pytest.raises(rnnlite.SourceError, match="'x' is a sparse tensor"):
        rnnlite.convert(model)


def test_strings_that_are_handed_on_are_refused_with_what_to_leave_out():
    key, x = keras.Input((), dtype="string", name="key"), keras.Input((None, 2), name="x")
    model = keras.Model([key, x], {"key": key, "y": keras.layers.GRU(3)(x)})
    message = (
        "input 'key' takes strings, which LiteRT models here do not; expected numbers. Leave it "
        "out, and what it is handed on to: keras.Model(inputs, outputs) with the others of "
        "model.inputs and model.outputs."
    )
    with pytest.raises(rnnlite.SourceError) as found:
        rnnlite.convert(model)
    assert str(found.value) == message
    report = rnnlite.convert(keras.Model(model.inputs[1:], {"y": model.outputs[-1]})).report
    assert [i["name"] for i in report.inputs] == ["x"]


def test_a_ragged_input_takes_each_sample_at_its_own_length():
    tf_keras.utils.set_random_seed(0)
    x = tf_keras.Input((None, 2), ragged=True, name="x")
    model = tf_keras.Model(x, tf_keras.layers.LSTM(3)(x))
    samples = [np.ones((t, 2), np.float32) * t for t in (4, 2)]
    expected = model(tf.ragged.constant([s.tolist() for s in samples], ragged_rank=1))
    found = rnnlite.load(rnnlite.convert(model).tflite).predict(samples)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_without_a_recurrence_is_converted_with_a_note(K):
    model = K.Sequential([K.Input((4,)), K.layers.Dense(2)])
    found = rnnlite.convert(model)
    assert "the model has no recurrence; it is converted as it is" in found.report.notes


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float64"])
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["Keras 3", "Keras 2"])
def test_other_precisions_are_computed_in_float32(package, policy):
    package.utils.set_random_seed(0)
    if package is tf_keras:
        policy = tf_keras.mixed_precision.Policy(policy)
    layer = package.layers.LSTM(3, dtype=policy, recurrent_initializer="glorot_uniform")
    model = package.Sequential([package.Input((None, 2)), layer])
    found = rnnlite.convert(model)
    assert found.report.outputs[0]["dtype"] == "float32"
    assert any("float32" in note for note in found.report.notes)
    assert layer.dtype_policy.name == getattr(policy, "name", policy)
