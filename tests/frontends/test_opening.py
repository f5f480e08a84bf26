"""Which front end opens a source; options that it has no use for are refused at every door."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.opening import chosen
from rnnlite.frontends.request import Request


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    for package, name in ((keras, "3"), (tf_keras, "2")):
        layers = [package.Input((4, 2)), package.layers.GRU(2)]
        model = package.Sequential(layers)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
    model.save(folder / "saved_keras", save_format="tf")
    rnnlite.freeze(model, folder / "graph.pb")
    module = tf.Module()
    module.run = tf.function(tf.tanh, input_signature=[tf.TensorSpec([1, 2], name="x")])
    tf.saved_model.save(module, str(folder / "saved"))
    paths = {p.name: p for p in folder.iterdir()}
    return {**paths, "live": keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(2)])}


CASES = [
    ("live", "signature", "s", "live Keras model"),
    ("live", "tags", ["a"], "live Keras model"),
    ("live", "inputs", ["x:0"], "live Keras model"),
    ("live", "constants", {"p": 1.0}, "live Keras model"),
    ("live", "architecture", "nowhere.json", "live Keras model"),
    ("3.keras", "outputs", ["y:0"], ".keras archive"),
    ("3.keras", "architecture", "nowhere.json", ".keras archive"),
    ("2.keras", "signature", "s", ".keras archive"),
    ("3.h5", "architecture", "nowhere.json", "Keras HDF5 file"),
    ("2.h5", "tags", ["a"], "Keras HDF5 file"),
    ("graph.pb", "trust", True, "graph"),
    ("graph.pb", "custom_objects", {"A": len}, "graph"),
    ("graph.pb", "signature", "s", "graph"),
    ("graph.pb", "architecture", "nowhere.json", "graph"),
    ("saved", "trust", True, "SavedModel"),
    ("saved", "custom_objects", {"A": len}, "SavedModel"),
    ("saved_keras", "architecture", "nowhere.json", "SavedModel of Keras"),
]


@pytest.mark.parametrize(("source", "option", "value", "kind"), CASES)
def test_refused_at_every_door(source, option, value, kind, sources, tmp_path):
    text = (
        rf"^{option}=.* is given, but the source is an? {kind}; expected .* at most\. Leave it out"
    )
    doors = (
        lambda **o: rnnlite.convert(sources[source], **o),
        lambda **o: rnnlite.freeze(sources[source], tmp_path / "f.pb", **o),
    )
    for door in doors:
        with pytest.raises(rnnlite.OptionError, match=text):
            door(**{option: value})
    assert not list(tmp_path.iterdir())


def test_verify_refuses_them_too(sources):
    data = rnnlite.convert(sources["3.keras"]).tflite
    with pytest.raises(rnnlite.OptionError, match=r"tags=\['a'\] is given"):
        rnnlite.verify(sources["3.keras"], data, tags=["a"])


def test_a_saved_model_of_keras_is_read_one_way_at_a_time(sources):
    path = sources["saved_keras"]
    asked = {
        option: [c.front_end.name for c in chosen(path, Request(options={option: value}))]
        for option, value in [("trust", True), ("outputs", ["y"]), ("custom_objects", {"A": len})]
    }
    # A permission does not say how the source is to be read: where Keras refuses it, its graph is.
    assert asked == {
        "trust": ["keras", "tensorflow"],
        "outputs": ["tensorflow"],
        "custom_objects": ["keras"],
    }
    x = np.ones((4, 2), np.float32)
    results = [
        rnnlite.load(rnnlite.convert(path, **options).tflite).predict([x])
        for options in ({"trust": True}, {"signature": "serving_default"})
    ]
    np.testing.assert_allclose(*results, atol=1e-6)
    text = (
        r"^signature and trust are given, but a SavedModel of Keras is read in one way at a time; "
        r"expected custom_objects or trust, as SavedModel of Keras; or inputs, .*, as SavedModel "
        r"of Keras that is read by its signature\. Leave one out"
    )
    with pytest.raises(rnnlite.OptionError, match=text):
        rnnlite.convert(path, trust=True, signature="serving_default")


def test_options_that_say_nothing_are_not_refused(sources):
    options = {"trust": False, "custom_objects": {}, "inputs": [], "constants": None, "tags": ""}
    assert chosen(sources["graph.pb"], Request(options=options))[0].front_end.name == "tensorflow"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "there is no file or folder"),
        ("empty.h5", "is empty"),
        (
            "text.keras",
            r"is no model that rnnlite knows; expected \.keras, \.h5, ONNX model \(\.onnx\), "
            r"SavedModel folder, frozen graph \(\.pb\), checkpoint \(\.meta\), "
            r"PyTorch program \(\.pt2, TorchScript \.pt\); "
            r"found a file beginning with b'hello'",
        ),
        ("model.tflite", "is a LiteRT model already"),
        ("other.zip", r"is a zip archive, but no \.keras model"),
        ("folder", r"the folder .* is no model that rnnlite knows; expected .*; found a\.txt"),
        (
            3,
            r"no path and no model; expected a path, a Keras 2 or 3 model, an onnx\.ModelProto, "
            r"a tf\.Module.*found int",
        ),
    ],
)
def test_what_no_front_end_knows(tmp_path, exits, name, message):
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.keras").write_text("hello")
    exits.save(tmp_path / "model.tflite")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").touch()
    source = name if isinstance(name, int) else tmp_path / name
    with pytest.raises(rnnlite.SourceError, match=message):
        rnnlite.convert(source)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"verify": "no"}, "verify is no truth; expected True or False; found 'no'"),
        ({"trust": "yes"}, "trust is no truth"),
        ({"allow_float": 1}, "allow_float is no truth"),
        ({"custom_objects": [1]}, r"custom_objects is no mapping .*found \[1\]"),
        ({"custom_objects": {1: str}}, "custom_objects is no mapping"),
    ],
)
def test_options_of_another_type(options, text):
    with pytest.raises(rnnlite.OptionError, match=text):
        rnnlite.convert("m.keras", **options)


def test_an_empty_path():
    with pytest.raises(rnnlite.SourceError, match="the source is an empty text"):
        rnnlite.convert("")
