"""tf.Module, tf.function, and SavedModels whose variables belong to objects within."""

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
    ends = rnnlite.freeze(module, tmp_path / "f.pb")
    assert [t.name for t in ends.inputs] == ["frames", "bias"]
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
