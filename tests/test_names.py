"""Names are free: no name of a layer, node, input or output can be taken for one of ours."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite

pytestmark = pytest.mark.long

LIMITS = {None: 1e-5, "dynamic": 0.05, "int8": 0.12, "int16x8": 0.03}
LENGTHS = (1, 4, 37)


def samples(count=12):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((4 + 3 * k, 3)).astype(np.float32) for k in range(count)]


def options(mode):
    if mode in ("int8", "int16x8"):
        return {"quantize": mode, "io": "float32", "calibration": samples()}
    return {"quantize": mode}


def relative(found, expected):
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


def check(data, source, limit):
    """Each output of a file against a source that gives a list of them."""
    loaded = rnnlite.load(data)
    rows = [x[:n] for x, n in zip(samples()[-3:], LENGTHS, strict=True)]
    found = loaded.predict(rows)
    found = list(found.values()) if isinstance(found, dict) else [found]
    for k, x in enumerate(rows):
        for ours, theirs in zip(found, source(x[None]), strict=True):
            assert relative(ours[k], np.asarray(theirs)[0]) < limit


def marks(package):
    """A model whose every name is, or is like, one that the lowering gives."""
    package.utils.set_random_seed(1)
    L = package.layers
    x = package.Input((None, 3), name="arith.constant")
    y = L.GRU(6, return_sequences=True, name="kept_2")(x)
    y = L.Bidirectional(L.SimpleRNN(4, return_sequences=True, name="rnn.0042."), name="scan_4")(y)
    y = L.Dense(4, name="step_1", activation="tanh")(y)
    z = L.LSTM(5, name="while")(y)
    z = L.Dense(4, name="blocks_1", activation="tanh")(z)
    outputs = [L.Dense(3, name="shared_0")(y), L.Dense(4, name="serving_default")(z)]
    return package.Model(x, outputs, name="rnn.0000.")


MODELS = {"Keras 3": marks(keras), "Keras 2": marks(tf_keras)}


@pytest.mark.parametrize(
    ("package", "mode"), [*(("Keras 3", mode) for mode in LIMITS), ("Keras 2", "int8")]
)
def test_layers_called_like_marks(package, mode):
    model = MODELS[package]
    converted = rnnlite.convert(model, **options(mode))
    assert [t["name"] for t in converted.report.inputs] == ["arith.constant"]
    assert [t["name"] for t in converted.report.outputs] == ["shared_0", "serving_default"]
    check(converted.tflite, model, LIMITS[mode])


class Scoped(tf.Module):
    """A loop of TensorFlow in name scopes that are like marks."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(2)
        self.kernel = tf.Variable(rng.normal(0, 0.5, (7, 4)).astype(np.float32), name="kept_2")

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3), name="while")])
    def __call__(self, x):
        with tf.name_scope("rnn.0001."), tf.name_scope("scan_4"):
            rows = tf.transpose(x, (1, 0, 2), name="arith.constant")
            steps = tf.shape(rows, name="shared_0")[0]
            array = tf.TensorArray(tf.float32, steps, name="blocks_1").unstack(rows)

            def step(k, h):
                with tf.name_scope("step_1"):
                    joined = tf.concat([array.read(k), h], 1, name="kept_3")
                    return k + 1, tf.tanh(tf.matmul(joined, self.kernel, name="rnn.0007.8"))

            state = tf.zeros((tf.shape(x)[0], 4), name="levels_1")
            shapes = (tf.TensorShape([]), tf.TensorShape([None, 4]))
            _, h = tf.while_loop(lambda k, h: k < steps, step, (0, state), shapes, name="while")
        return tf.identity(h, name="serving_default")


@pytest.mark.parametrize("mode", [None, "int8"])
def test_graphs_with_nodes_called_like_marks(mode, tmp_path):
    source = Scoped()
    path = tmp_path / "scoped.pb"
    rnnlite.freeze(source, path)
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    names = [n.name for n in graph.node] + [
        n.name for f in graph.library.function for n in f.node_def
    ]
    assert any("rnn.0001./scan_4" in name for name in names)
    assert any("step_1/kept_3" in name for name in names)
    converted = rnnlite.convert(path, **options(mode))
    assert len(converted.report.recurrences) == 1
    check(converted.tflite, lambda x: [source(x)], LIMITS[mode])


@pytest.mark.parametrize("mode", [None, "int8"])
def test_names_of_any_characters(mode):
    """All that Keras 3 takes; Keras 2 makes name scopes of them, and so takes few."""
    keras.utils.set_random_seed(3)
    recurrent = ["größe layer", "a:0", "%s{0}$^"]
    dense = ["a;b", r"\n", "x" * 300, "-x", "a+b(c)[d]*", "größe layer1"]
    x = y = keras.Input((None, 3), name="x y")
    for name in recurrent:
        y = keras.layers.GRU(4, return_sequences=True, name=name)(y)
    for name in dense:
        y = keras.layers.Dense(4, activation="tanh", name=name)(y)
    model = keras.Model(x, y)
    converted = rnnlite.convert(model, **options(mode))
    assert [t["name"] for t in converted.report.inputs] == ["x y"]
    assert [t["name"] for t in converted.report.outputs] == [dense[-1]]
    assert [r["name"] for r in converted.report.recurrences] == recurrent
    check(converted.tflite, lambda x: [model(x)], LIMITS[mode])


@pytest.mark.parametrize("mode", [None, "int8"])
def test_an_input_and_an_output_of_one_name(mode):
    keras.utils.set_random_seed(4)
    x = keras.Input((None, 3), name="x")
    y = keras.layers.GRU(4, name="gru")(x)
    model = keras.Model(x, {"x": keras.layers.Dense(2)(y), "gru": y})
    converted = rnnlite.convert(model, **options(mode))
    assert [t["name"] for t in converted.report.inputs] == ["x"]
    names = [t["name"] for t in converted.report.outputs]
    assert set(names) == {"x", "gru"}
    check(converted.tflite, lambda x: [model(x)[name] for name in names], LIMITS[mode])


def test_layers_that_differ_by_digits_have_ranges_of_their_own():
    """Were they one value to calibration, the small one would have two or three integers."""
    keras.utils.set_random_seed(5)
    x = keras.Input((None, 3), name="x")
    layers = [
        keras.layers.SimpleRNN(
            6, activation="linear", return_sequences=True, use_bias=False, name=name
        )
        for name in ("step_1", "step_2")
    ]
    model = keras.Model(x, [layer(x) for layer in layers])
    for layer, size in zip(layers, (1.0, 200.0), strict=True):
        kernel, recurrent = layer.get_weights()
        layer.set_weights([size * kernel, 0.3 * recurrent])
    converted = rnnlite.convert(model, quantize="int8", calibration=samples())
    small, large = (spec.quantization[0] for spec in rnnlite.load(converted.tflite).outputs)
    assert 50 < large / small < 800
    check(converted.tflite, model, LIMITS["int8"])
