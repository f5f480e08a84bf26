"""Options that a source has no use for are refused by name, at every door."""

from dataclasses import fields

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.frontends.accepted import (
    BY_SIGNATURE,
    LIVE_FUNCTION,
    LIVE_KERAS,
    OPTIONS,
    TAKES,
    given,
    reads_as_graph,
)
from rnnlite.frontends.program import Request
from rnnlite.frontends.sniff import Kind

EVERYWHERE = {"batch_size", "sequence_length", "integer", "schedule"}


def test_every_option_of_a_request_has_its_place():
    assert {field.name for field in fields(Request)} == {*OPTIONS, *EVERYWHERE}
    assert {name for names in TAKES.values() for name in names} == set(OPTIONS)
    others = {k.value for k in Kind if k is not Kind.KERAS_SAVED_MODEL}
    assert others | {LIVE_KERAS, LIVE_FUNCTION, BY_SIGNATURE} == set(TAKES)


def test_what_is_given():
    assert given(Request()) == {}
    assert given(Request(trust=False, custom_objects={}, inputs=[], constants=None)) == {}
    assert given(Request(trust=True, tags=["a"])) == {"tags": ["a"], "trust": True}


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
    assert reads_as_graph(Kind.KERAS_SAVED_MODEL, Request(outputs=["y"]))
    assert not reads_as_graph(Kind.KERAS_SAVED_MODEL, Request(trust=True))
    assert not reads_as_graph(Kind.KERAS_ARCHIVE, Request(outputs=["y"]))
    path = sources["saved_keras"]
    x = np.ones((4, 2), np.float32)
    results = [
        rnnlite.load(rnnlite.convert(path, **options).tflite).predict([x])
        for options in ({"trust": True}, {"signature": "serving_default"})
    ]
    np.testing.assert_allclose(*results, atol=1e-6)
    with pytest.raises(rnnlite.OptionError, match=r"trust=True .* that is read by its signature"):
        rnnlite.convert(path, trust=True, signature="serving_default")
