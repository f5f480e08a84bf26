"""How large an int8 file may be."""

import keras

import rnnlite
from rnnlite.lite import schema
from rnnlite.quantization.budget import largest_file


def test_equal_weights_count_once():
    layer = keras.layers.Dense(5, use_bias=False)
    x = keras.Input((3,))
    y = layer(x)
    z = keras.layers.Dense(3, use_bias=False)(y)
    once = schema.read(rnnlite.convert(keras.Model(x, z), verify=False).tflite)
    again = keras.Model(x, [z, layer(z)])
    twice = schema.read(rnnlite.convert(again, verify=False).tflite)
    assert largest_file([once]) == largest_file([twice]) == 30_000 + 1.15 * 30
    assert largest_file([once, twice]) == largest_file([once])
