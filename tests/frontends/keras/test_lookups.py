"""Layers that work on strings or a table: the message names the place to cut at, and that works."""

import keras
import pytest
import tensorflow as tf
import tf_keras

import rnnlite
from rnnlite.errors import UnsupportedError

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
