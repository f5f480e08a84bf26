"""Each constant once, nothing that nobody reads."""

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as tables

import rnnlite
from rnnlite.lite import schema


def test_each_weight_stands_once():
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(16, return_sequences=True)
    x = keras.Input((None, 16))
    model = keras.Model(x, layer(layer(x)))
    data = rnnlite.convert(model).tflite
    parsed = tables.ModelT.InitFromPackedBuf(bytearray(data), 0)
    contents = [bytes(b.data) for b in parsed.buffers if b.data is not None]
    assert len(contents) == len(set(contents))
    floats = sum(len(content) for content in contents if len(content) >= 256)
    record = len(schema.read(data).metadata["rnnlite"])
    count = sum(int(np.prod(w.shape)) for w in layer.weights)
    # Two layers share their weights, each runs in two loops of up to eight steps: still one copy.
    assert floats - record <= 4 * count + 2048
    assert rnnlite.inspect(data).weights < 1.2 * count


def test_every_tensor_and_code_is_in_use(exits):
    model = schema.read(exits.tflite)
    for graph in model.graphs:
        assert all(v.is_read or v.producer or v in graph.inputs for v in graph.values)
    assert {op.code for op in model.ops()} == set(model.codes)


def test_the_same_model_gives_the_same_bytes():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.LSTM(3)])
    first, second = (rnnlite.convert(model, verify=False).tflite for _ in range(2))
    assert first == second
    names = [graph.name for graph in schema.read(first).graphs]
    assert names == ["main", *(f"subgraph_{k}" for k in range(1, len(names)))]
