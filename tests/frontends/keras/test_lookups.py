"""Layers that work on strings or a table: the message names the place to cut at, and that works."""

import keras
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.errors import UnsupportedError
from rnnlite.frontends.keras.flavour import keras2, keras3
from rnnlite.frontends.keras.lookups import LOOKUPS, refuse_lookups

PACKAGES = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])


def layer_of(package, kind):
    if kind == "TextVectorization":
        layer = package.layers.TextVectorization(max_tokens=9, name="look")
        layer.adapt(["a b c", "b c d"])
        return layer, package.Input((1,), dtype="string", name="text")
    if kind == "StringLookup":
        layer = package.layers.StringLookup(vocabulary=["a", "b"], name="look")
        return layer, package.Input((None,), dtype="string", name="text")
    layer = package.layers.IntegerLookup(vocabulary=[3, 5], name="look")
    return layer, package.Input((None,), dtype="int64", name="text")


@PACKAGES
@pytest.mark.parametrize("kind", ["TextVectorization", "StringLookup", "IntegerLookup"])
def test_a_model_is_cut_behind_a_lookup(package, kind):
    look, x = layer_of(package, kind)
    y = package.layers.GRU(3)(package.layers.Embedding(9, 2)(look(x)))
    model = package.Model(x, y)
    with pytest.raises(
        UnsupportedError,
        match=rf"layer 'look' \({kind}\) works on strings or a table, which LiteRT models here do "
        r"not; expected numbers. Cut the model behind it: "
        r"keras.Model\(model.get_layer\('look'\).output, model.outputs\), and run the layer",
    ):
        rnnlite.convert(model)
    cut = package.Model(model.get_layer("look").output, model.outputs)
    assert rnnlite.convert(cut).report.parity.within


@PACKAGES
def test_a_model_is_cut_in_front_of_an_inverted_lookup(package):
    look = package.layers.StringLookup(vocabulary=["a", "b"], invert=True, name="look")
    x = package.Input((None, 3))
    y = package.layers.GRU(3)(x)
    place = package.ops.argmax(y, -1) if package is keras else tf.argmax(y, -1)
    with pytest.raises(
        UnsupportedError,
        match=r"Cut the model in front of it: keras.Model\(model.inputs, "
        r"model.get_layer\('look'\).input\)",
    ):
        rnnlite.convert(package.Model(x, look(place)))


def refused(package, model):
    """What is said of a model; "" where nothing is."""
    try:
        refuse_lookups(keras3() if package is keras else keras2(), model)
    except UnsupportedError as e:
        return str(e)
    return ""


@PACKAGES
def test_models_of_numbers_are_let_through(package):
    x = package.Input((None,), dtype="int32")
    y = package.layers.GRU(3)(package.layers.Embedding(9, 2)(x))
    assert refused(package, package.Model(x, y)) == ""


@PACKAGES
@pytest.mark.parametrize("kind", ["Hashing", "IntegerLookup", "StringLookup"])
def test_every_kind_of_lookup_is_named(package, kind):
    assert kind in LOOKUPS
    options = {"Hashing": {"num_bins": 3}, "IntegerLookup": {"vocabulary": [3, 5]}}
    given = options.get(kind, {"vocabulary": ["a", "b"]})
    x = package.Input((None,), dtype="string" if kind == "StringLookup" else "int64")
    model = package.Model(x, getattr(package.layers, kind)(**given, name="look")(x))
    assert refused(package, model).startswith(f"layer 'look' ({kind}) works on strings or a table")


@PACKAGES
def test_a_lookup_within_a_model_is_found(package):
    """And the first of two is named."""
    x = package.Input((None,), dtype="int64")
    inner = package.Model(x, package.layers.IntegerLookup(vocabulary=[3, 5], name="deep")(x))
    z = package.Input((None,), dtype="int64")
    outer = package.layers.IntegerLookup(vocabulary=[7], name="last")
    said = refused(package, package.Model(z, outer(inner(z))))
    assert "layer 'deep' (IntegerLookup)" in said
