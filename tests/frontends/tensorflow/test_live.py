"""tf.Module, tf.function, and SavedModels whose variables belong to objects within."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlite
from rnnlite.errors import SourceError, UnsupportedError

FRAMES = tf.TensorSpec([None, None, 4], tf.float32)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    layers = [keras.Input((None, 4)), keras.layers.GRU(5, return_sequences=True)]
    return keras.Sequential([*layers, keras.layers.Dense(2)])


class Scorer(tf.Module):
    """Functions around a Keras model, one of which counts its calls."""

    def __init__(self, network):
        self.network = network
        self.calls = tf.Variable(0.0)

    @tf.function(input_signature=[FRAMES, tf.TensorSpec([None, 2], name="bias")])
    def scores(self, frames, bias):
        self.calls.assign_add(1.0)
        return {"scores": self.network(frames) + bias[:, None], "bias": bias * 2.0}

    @tf.function
    def loose(self, x):
        return x


def feeds(length=7):
    rng = np.random.default_rng(0)
    return [rng.normal(size=s).astype(np.float32) for s in ((1, length, 4), (1, 2))]


def assert_equal(converted, wanted, arrays):
    found = rnnlite.load(converted.tflite).run(arrays)
    for spec, array in zip(converted.report.outputs, found, strict=True):
        np.testing.assert_allclose(array, wanted[spec["name"]], atol=1e-6)


def test_the_function_of_a_module(network, tmp_path):
    module = Scorer(network)
    converted = rnnlite.convert(module)
    assert converted.report.origin == "function 'scores' of Scorer"
    assert [i["name"] for i in converted.report.inputs] == ["frames", "bias"]
    assert [r["kind"] for r in converted.report.recurrences] == ["GRU"]
    arrays = feeds()
    assert_equal(converted, module.scores(*arrays), arrays)
    converted.save(tmp_path / "m.tflite")
    assert rnnlite.verify(module, tmp_path / "m.tflite", signature="scores").parity.within
    signature = rnnlite.freeze(module, tmp_path / "f.pb")
    assert [t.name for t in signature.inputs] == ["frames", "bias"]
    assert_equal(rnnlite.convert(tmp_path / "f.pb"), module.scores(*arrays), arrays)


def test_functions_by_themselves(network):
    function = tf.function(network, input_signature=[FRAMES])
    x = feeds()[0]
    for source in (function, function.get_concrete_function()):
        converted = rnnlite.convert(source)
        assert_equal(converted, {"output_0": network(x)}, [x])
    pair = tf.function(
        lambda a, b: (b * 2.0, [a + 1.0]), input_signature=[tf.TensorSpec([1, 3])] * 2
    )
    converted = rnnlite.convert(pair, verify=False)
    assert [i["name"] for i in converted.report.inputs] == ["a", "b"]
    assert [o["name"] for o in converted.report.outputs] == ["output_0", "output_1_0"]


def test_constants_of_a_function(network):
    def call(x, training):
        return tf.cond(training, lambda: tf.nn.dropout(network(x), 0.5), lambda: network(x))

    specs = [FRAMES, tf.TensorSpec([], tf.bool)]
    converted = rnnlite.convert(
        tf.function(call, input_signature=specs), constants={"training": False}
    )
    assert [i["name"] for i in converted.report.inputs] == ["x"]
    x = feeds()[0]
    assert_equal(converted, {"output_0": network(x)}, [x])


@pytest.mark.parametrize(
    ("source", "options", "kind", "message"),
    [
        (
            lambda n: Scorer(n),
            {"signature": "loose"},
            SourceError,
            "function 'loose' of Scorer does not say what it takes; expected a tf.function with "
            r"an input_signature. Decorate it with tf.function\(input_signature=",
        ),
        (
            lambda n: Scorer(n),
            {"signature": "walk"},
            SourceError,
            "Scorer has no function 'walk'; found 'loose', 'scores'. Name one of them",
        ),
        (
            lambda n: tf.Module(),
            {},
            SourceError,
            "Module does not say which of its functions is meant.*found no tf.function at all",
        ),
        (
            lambda n: tf.function(n, input_signature=[FRAMES]),
            {"signature": "scores"},
            SourceError,
            "the signature 'scores' is named, and the source is a single function",
        ),
        (
            lambda n: tf.function(lambda x: x, input_signature=[tf.RaggedTensorSpec([None, None])]),
            {},
            UnsupportedError,
            "takes or gives a RaggedTensor; expected tensors. Write a function of plain tensors",
        ),
    ],
)
def test_functions_that_are_refused(network, source, options, kind, message):
    with pytest.raises(kind, match=message):
        rnnlite.convert(source(network), **options)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    """A SavedModel whose variables a session does not find, and its module."""
    module = Scorer(network)
    one = tf.function(
        lambda x: {"score": network(x[:, None])[:, 0]},
        input_signature=[tf.TensorSpec([1, 4], name="x")],
    )
    path = tmp_path_factory.mktemp("saved") / "m"
    tf.saved_model.save(module, str(path), signatures={"scores": module.scores, "one": one})
    return module, path


def test_a_saved_model_of_a_module_with_a_keras_model(saved):
    module, path = saved
    arrays = feeds()
    converted = rnnlite.convert(path, signature="scores")
    # In the order of the function's arguments.
    assert [i["name"] for i in converted.report.inputs] == ["frames", "bias"]
    assert_equal(converted, module.scores(*arrays), arrays)
    x = arrays[0][:, 0]
    converted = rnnlite.convert(path, signature="one")
    assert_equal(converted, {"score": module.network(x[:, None])[:, 0]}, [x])
    with pytest.raises(SourceError, match="has no signature '__saved_model_init_op'; found 'one'"):
        rnnlite.convert(path, signature="__saved_model_init_op")


def test_what_keras_exports(tmp_path):
    a, b = keras.Input((None, 4), name="zed"), keras.Input((None, 3), name="alpha")
    h = keras.layers.LSTM(5)(keras.layers.Concatenate()([a, b]))
    model = keras.Model([a, b], h)
    model.export(tmp_path / "m", verbose=False)
    converted = rnnlite.convert(tmp_path / "m")
    assert [i["name"] for i in converted.report.inputs] == ["zed", "alpha"]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(1, 6, n)).astype(np.float32) for n in (4, 3)]
    assert_equal(converted, {"output_0": model(arrays)}, arrays)


class Keyed(tf.Module):
    """Scores of rows that have keys, and of words."""

    def __init__(self):
        super().__init__()
        words = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
        self.table = tf.lookup.StaticHashTable(words, 0)
        self.weights = tf.Variable(tf.random.stateless_normal([3, 2], [0, 1]))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="key"),
            tf.TensorSpec([None, None, 3], tf.float32, name="x"),
        ]
    )
    def scores(self, key, x):
        return {"key": tf.identity(key), "y": tf.reduce_mean(x, 1) @ self.weights}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string, name="words")])
    def read(self, words):
        ids = self.table.lookup(tf.reshape(words, tf.shape(words)))
        return {"y": tf.reduce_mean(tf.gather(self.weights, ids), 1)}


@pytest.mark.parametrize("form", ["live", "saved"])
def test_a_key_that_is_handed_on_is_left_out(form, tmp_path):
    module = Keyed()
    source, options = module, {"signature": "scores"}
    if form == "saved":
        source, options = tmp_path / "saved", {}
        tf.saved_model.save(module, str(source), signatures=module.scores)
    converted = rnnlite.convert(source, **options)
    assert [i["name"] for i in converted.report.inputs] == ["x"]
    (note,) = [n for n in converted.report.notes if "key" in n]
    assert note.endswith("is left out: the outputs need none of its strings")
    x = np.random.default_rng(0).normal(size=(1, 7, 3)).astype(np.float32)
    wanted = module.scores(tf.constant(["k"]), x)["y"].numpy()
    found = rnnlite.load(converted.tflite).predict([x[0]])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_saved_model_is_cut_behind_its_strings(tmp_path):
    """What a SavedModel calls is one function: the place to cut lies within."""
    module, path = Keyed(), tmp_path / "saved"
    tf.saved_model.save(module, str(path), signatures=module.read)
    with pytest.raises(UnsupportedError, match=r"input '.*words:0' takes strings") as found:
        rnnlite.convert(path)
    (cut,) = re.findall("behind the decoding: '(.*LookupTableFindV2:0)'", str(found.value))
    converted = rnnlite.convert(path, inputs=[cut])
    (y,) = rnnlite.load(converted.tflite).predict([np.array([1, 2, 0], np.int64)])
    np.testing.assert_allclose(y, module.read(tf.constant([["a", "b", "?"]]))["y"][0], atol=1e-6)


class Decoder(tf.Module):
    """Greedy decoding: each step looks up the row of the one before."""

    def __init__(self):
        super().__init__()
        rows, product, head = ([5, 3], [3, 3], [3, 5])
        draw = tf.random.stateless_normal
        self.rows = tf.Variable(draw(rows, [0, 1]))
        self.product = tf.Variable(draw(product, [0, 2]))
        self.head = tf.Variable(draw(head, [0, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32, name="x")])
    def __call__(self, x):
        h, word = tf.reduce_mean(x, 1), tf.zeros(tf.shape(x)[:1], tf.int32)
        found = tf.TensorArray(tf.float32, 4)
        for t in tf.range(4):
            h = tf.tanh(h @ self.product + tf.gather(self.rows, word))
            word = tf.argmax(h @ self.head, -1, output_type=tf.int32)
            found = found.write(t, h)
        return tf.transpose(found.stack(), [1, 0, 2])


@pytest.mark.parametrize("form", ["live", "saved"])
def test_rows_of_a_variable_are_looked_up_in_a_loop(form, tmp_path):
    """Freezing leaves a lookup of variables in the body, which reads a constant then."""
    module = source = Decoder()
    if form == "saved":
        source = tmp_path / "saved"
        tf.saved_model.save(module, str(source), signatures=module.__call__)
    x = np.random.default_rng(0).normal(size=(1, 7, 3)).astype(np.float32)
    found = rnnlite.load(rnnlite.convert(source).tflite).predict([x[0]])
    np.testing.assert_allclose(found, module(x), atol=1e-5)
