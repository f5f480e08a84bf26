"""Names, order and nesting of inputs and outputs; kinds of models."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.errors import SourceError
from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.frontends.keras.interface import flat_outputs, interface_of, unique


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
    made = rnnlite.convert(model)
    np.testing.assert_allclose(rnnlite.load(made.tflite).predict(samples), expected, atol=1e-6)
    assert made.report.notes == (
        "input 'x' is ragged in the source, and dense in the file: give each sample at its own "
        "length, not padded",
    )


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


def interface(package, model):
    return interface_of(keras3() if package is keras else keras2(), model)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a_1", "a_2"]),
        (["a_1", "a", "a"], ["a_1", "a", "a_2"]),
        (["a", "a_1", "a"], ["a", "a_1", "a_2"]),
    ],
)
def test_every_name_once(given, names):
    assert unique(given) == names


@pytest.mark.parametrize(
    ("result", "stated", "names"),
    [
        (1, None, ["output"]),
        (1, ("y",), ["y"]),
        ([1, 2], None, ["output_0", "output_1"]),
        ((1, (2, 3)), None, ["output_0", "output_1_0", "output_1_1"]),
        ([1, 2], ("a", "b"), ["a", "b"]),
        ([1, 2], ("a", "a"), ["a", "a_1"]),
        # A dictionary's own keys say more than names of layers.
        ({"z": 1, "a": 2}, ("b", "c"), ["z", "a"]),
        ({"z": [1, 2], "a": {"x": 3}}, None, ["z/0", "z/1", "a/x"]),
        ([1, None, 2], None, ["output_0", "output_2"]),
        # As many names as results, or none is meant.
        ([1, 2], ("a",), ["output_0", "output_1"]),
        ([{"h": 1}], None, ["output_0_h"]),
    ],
)
def test_results_in_any_nesting(result, stated, names):
    found = flat_outputs(result, stated)
    assert [name for name, _ in found] == names
    assert [value for _, value in found] == list(range(1, len(names) + 1))


def test_inputs_of_a_functional_model(K):
    a, b = K.Input((None, 2), name="a"), K.Input((3,), name="b", dtype="int32")
    model = K.Model([a, b], K.layers.Dense(1, name="top")(K.layers.GRU(2)(a)))
    found = interface(K, model)
    assert [(p.name, p.shape, p.dtype) for p in found.inputs] == [
        ("a", (None, None, 2), "float32"),
        ("b", (None, 3), "int32"),
    ]
    assert (found.output_names, found.declared) == (("top",), True)
    arrays = [np.ones((1, 4, 2), np.float32), np.ones((1, 3), np.int32)]
    np.testing.assert_array_equal(found.call(arrays), model(arrays))


@pytest.mark.filterwarnings("ignore:When providing")
def test_inputs_by_the_keys_of_a_dictionary(K):
    """A key is what a caller says; the name of the Input may be another."""
    a, b = K.Input((None, 2), name="first"), K.Input((None, 2), name="second")
    model = K.Model({"right": b, "left": a}, K.layers.Subtract()([a, b]))
    found = interface(K, model)
    assert sorted(p.name for p in found.inputs) == ["left", "right"]
    values = {"left": 5.0, "right": 3.0}
    made = found.call([np.full((1, 3, 2), values[p.name], np.float32) for p in found.inputs])
    assert np.unique(made).tolist() == [2.0]


class Twice(keras.Model):
    """It takes a pair, and gives a dictionary."""

    def call(self, pair):
        a, b = pair
        return {"sum": a + b, "difference": a - b}


def test_inputs_of_a_subclassed_model_are_those_of_its_first_call():
    model = Twice(name="twice")
    with pytest.raises(
        SourceError,
        match=r"the model 'twice' \(Twice\) was never built, so its inputs are not known",
    ):
        interface(keras, model)
    model([np.ones((1, 4, 2), np.float32), np.ones((1, 4, 2), np.float32)])
    found = interface(keras, model)
    assert [p.shape for p in found.inputs] == [(1, 4, 2)] * 2
    assert (found.declared, found.output_names) == (False, None)
    made = found.call([np.full((1, 5, 2), n, np.float32) for n in (3, 1)])
    assert [name for name, _ in flat_outputs(made, None)] == ["sum", "difference"]
    assert np.unique(made["difference"]).tolist() == [2.0]


class Tagged(tf_keras.Model):
    """It takes a tensor and one by name, and no `training`."""

    def call(self, x, *, tags):
        return x + tags


def test_tensors_by_name_of_a_subclassed_model_of_keras_2():
    model = Tagged()
    model(tf.ones([2, 3]), tags=tf.ones([2, 3]))
    found = interface(tf_keras, model)
    assert [p.name for p in found.inputs][1] == "tags"
    np.testing.assert_array_equal(found.call([tf.ones([2, 3]), tf.ones([2, 3]) * 4]), [[5] * 3] * 2)
