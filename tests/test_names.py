"""Names are free: no name of a layer, node, input or output can be taken for one of ours."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite

MODES = [None, "dynamic", "int8", "int16x8"]
LIMITS = {None: 1e-5, "dynamic": 0.05, "int8": 0.12, "int16x8": 0.03}
LENGTHS = (1, 4, 37)


def samples(count=24):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((5 + 3 * k, 3)).astype(np.float32) for k in range(count)]


def marks(package):
    """A model whose every name is or was a mark."""
    package.utils.set_random_seed(1)
    L = package.layers
    x = package.Input((None, 3), name="arith.constant")
    y = L.LSTM(6, return_sequences=True, name="kept_2")(x)
    y = L.GRU(6, return_sequences=True, name="step_1")(y)
    y = L.Bidirectional(L.SimpleRNN(4, return_sequences=True, name="rnn.0007."), name="scan_4")(y)
    z = L.LSTM(5, name="blocks_1")(y)
    outputs = [L.Dense(3, name="shared_0")(y), L.Dense(4, name="serving_default")(z)]
    return package.Model(x, outputs, name="rnn.0000.")


MODELS = {"Keras 3": marks(keras), "Keras 2": marks(tf_keras)}


def relative(found, expected):
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


def check(data, model, mode):
    loaded = rnnlite.load(data)
    rows = [x[:n] for x, n in zip(samples()[-3:], LENGTHS, strict=True)]
    found = loaded.predict(rows)
    for k, x in enumerate(rows):
        for name, y in zip(found, model(x[None]), strict=True):
            assert relative(found[name][k], np.asarray(y)[0]) < LIMITS[mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("package", MODELS)
def test_layers_called_like_marks(package, mode):
    model = MODELS[package]
    options = {} if mode is None else {"quantize": mode, "io": None}
    if mode in ("int8", "int16x8"):
        options = {"quantize": mode, "io": "float32", "calibration": samples()}
    converted = rnnlite.convert(model, **options)
    assert [t["name"] for t in converted.report.inputs] == ["arith.constant"]
    assert [t["name"] for t in converted.report.outputs] == ["shared_0", "serving_default"]
    check(converted.tflite, model, mode)


@pytest.mark.parametrize("mode", MODES)
def test_graphs_with_nodes_called_like_marks(mode, tmp_path):
    path = tmp_path / "marks.pb"
    model = MODELS["Keras 3"]
    rnnlite.freeze(model, path)
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    assert any("kept_2" in node.name for node in graph.node)
    options = {} if mode is None else {"quantize": mode}
    if mode in ("int8", "int16x8"):
        options = {"quantize": mode, "io": "float32", "calibration": samples()}
    check(rnnlite.convert(path, **options).tflite, model, mode)


@pytest.mark.parametrize(
    "name", ["my layer", "größe_层", "a+b(c)[d]*", "%s{0}$^", "a:0", "a;b", r"\n", "x" * 600, "-x"]
)
def test_a_name_of_any_characters(name):
    model = keras.Sequential(
        [
            keras.Input((None, 3), name="x"),
            keras.layers.GRU(4, return_sequences=True, name=name),
            keras.layers.Dense(2, name=f"{name}1"),
        ]
    )
    converted = rnnlite.convert(model)
    assert [t["name"] for t in converted.report.outputs] == [f"{name}1"]
    assert [r["name"] for r in converted.report.recurrences] == [name]
