"""Configurations of old Keras files: each rule, and true files of tf.keras 1.15."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import rnnlite
from rnnlite.errors import SourceError
from rnnlite.frontends.keras.legacy import upgrade

FOLDER = Path(__file__).parents[2] / "fixtures" / "tensorflow1"


@pytest.mark.parametrize("name", ["plain", "bidirectional", "conv", "cudnn"])
def test_true_files(name):
    with np.load(FOLDER / f"keras_{name}.npz") as file:
        x, y = file["x"], file["y"]
    converted = rnnlite.convert(FOLDER / f"keras_{name}.h5")
    np.testing.assert_allclose(rnnlite.load(converted.tflite).run([x])[0], y, atol=1e-6)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {"class_name": "GRU", "config": {"recurrent_activation": "sigmoid"}},
            {"reset_after": False, "recurrent_activation": "sigmoid"},
        ),
        ({"class_name": "LSTM", "config": {}}, {"recurrent_activation": "hard_sigmoid"}),
        (
            {"class_name": "UnifiedLSTM", "config": {"recurrent_activation": "tanh"}},
            {"recurrent_activation": "tanh"},
        ),
        (
            {"class_name": "CuDNNGRU", "config": {"units": 3}},
            {
                "units": 3,
                "activation": "tanh",
                "recurrent_activation": "sigmoid",
                "reset_after": True,
            },
        ),
        ({"class_name": "SimpleRNN", "config": {"implementation": 0}}, {"implementation": 1}),
        ({"class_name": "Dense", "config": {"input_dtype": "float32"}}, {}),
        ({"class_name": "Embedding", "config": {"dtype": "int32"}}, {}),
        ({"class_name": "Embedding", "config": {"dtype": "float16"}}, {"dtype": "float16"}),
        (
            {
                "class_name": "Dense",
                "config": {"dtype": {"class_name": "Policy", "config": {"name": "float32"}}},
            },
            {"dtype": "float32"},
        ),
    ],
)
def test_rules(node, expected):
    before = json.dumps(node)
    wrapped = {
        "class_name": "Sequential",
        "config": [{"class_name": "Bidirectional", "config": {"layer": node}}],
    }
    upgraded = upgrade(wrapped)
    inner = upgraded["config"]["layers"][0]["config"]["layer"]
    assert inner["config"] == expected
    assert inner["class_name"] in ("GRU", "LSTM", "SimpleRNN", "Dense", "Embedding")
    assert json.dumps(node) == before


def test_a_sequential_as_a_bare_list(tmp_path):
    path = tmp_path / "old.h5"
    path.write_bytes((FOLDER / "keras_plain.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"] = config["config"]["layers"]
        file.attrs["model_config"] = json.dumps(config)
    with np.load(FOLDER / "keras_plain.npz") as file:
        x, y = file["x"], file["y"]
    found = rnnlite.load(rnnlite.convert(path).tflite).run([x])[0]
    np.testing.assert_allclose(found, y, atol=1e-6)


def test_weights_alone():
    weights = FOLDER / "keras_plain_weights.h5"
    with pytest.raises(SourceError, match=r"holds weights alone.*--architecture model.json"):
        rnnlite.convert(weights)
    converted = rnnlite.convert(weights, architecture=FOLDER / "keras_plain.json")
    with np.load(FOLDER / "keras_plain.npz") as file:
        x, y = file["x"], file["y"]
    np.testing.assert_allclose(rnnlite.load(converted.tflite).run([x])[0], y, atol=1e-6)


@pytest.mark.parametrize("name", ["m.weights.h5", "renamed.h5"])
def test_weights_alone_of_keras_3(tmp_path, name):
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4), keras.layers.Dense(2)])
    model.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "m.weights.h5").rename(tmp_path / name)
    (tmp_path / "m.json").write_text(model.to_json())
    converted = rnnlite.convert(tmp_path / name, architecture=tmp_path / "m.json")
    x = np.random.default_rng(0).standard_normal((1, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(rnnlite.load(converted.tflite).run([x])[0], model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "cannot be read"), ("[]", "is no model's configuration")],
)
def test_a_bad_architecture(tmp_path, content, message):
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        rnnlite.convert(FOLDER / "keras_plain_weights.h5", architecture=path)


def layer(name, **config):
    return {"class_name": name, "config": config}


@pytest.mark.parametrize("name", ["GRU", "GRUCell"])
@pytest.mark.parametrize("stated", [True, False])
def test_what_a_file_states_stays(name, stated):
    given = layer(name, reset_after=stated, recurrent_activation="relu", implementation=2)
    assert upgrade(given) == given


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UnifiedLSTM", "LSTM"),
        ("UnifiedGRU", "GRU"),
        ("LSTMV2", "LSTM"),
        ("GRUV2", "GRU"),
        ("BatchNormalizationV1", "BatchNormalization"),
        ("BatchNormalizationV2", "BatchNormalization"),
        ("CuDNNLSTM", "LSTM"),
        ("CuDNNGRU", "GRU"),
        ("Bidirectional", "Bidirectional"),
    ],
)
def test_names_of_old_classes(old, new):
    assert upgrade(layer(old))["class_name"] == new


def test_kernels_of_a_gpu_compute_what_cudnn_does():
    """Not what an absent key means elsewhere: hard_sigmoid, and the reset gate in front."""
    lstm, gru = (upgrade(layer(n, units=3))["config"] for n in ("CuDNNLSTM", "CuDNNGRU"))
    assert (lstm["activation"], lstm["recurrent_activation"]) == ("tanh", "sigmoid")
    assert (gru["recurrent_activation"], gru["reset_after"]) == ("sigmoid", True)


def test_what_is_given_is_left_as_it_is():
    given = {"layers": [layer("Bidirectional", layer=layer("GRU"))]}
    before = json.dumps(given)
    upgrade(given)
    assert json.dumps(given) == before


def test_once_is_enough():
    given = layer("Sequential", layers=[layer("CuDNNGRU", units=2), layer("LSTM")])
    once = upgrade(given)
    assert upgrade(once) == once


@pytest.mark.parametrize("node", [None, 3, "GRU", [], {}, {"class_name": "GRU"}, [None, [2]]])
def test_what_is_no_configuration_stays(node):
    assert upgrade(node) == node


@pytest.mark.parametrize(
    ("name", "dtype", "left"),
    [
        ("Embedding", "int64", {}),
        ("Embedding", "float32", {"dtype": "float32"}),
        ("Masking", "int32", {"dtype": "int32"}),
        ("Dense", {"class_name": "Policy", "config": {}}, {"dtype": "float32"}),
        ("Dense", {"module": "keras"}, {"dtype": {"module": "keras"}}),
    ],
)
def test_types_of_layers(name, dtype, left):
    assert upgrade(layer(name, dtype=dtype))["config"] == left
