"""Each constant once, nothing that nobody reads."""

import keras
import numpy as np

import rnnlite
from rnnlite.lite import flatbuffer


def test_each_weight_stands_once():
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(16, return_sequences=True)
    x = keras.Input((None, 16))
    model = keras.Model(x, layer(layer(x)))
    data = rnnlite.convert(model).tflite
    parsed = flatbuffer.read(data)
    contents = [bytes(b.data) for b in parsed.buffers if b.data is not None]
    assert len(contents) == len(set(contents))
    floats = sum(len(b.data) for b in parsed.buffers if b.data is not None and len(b.data) >= 256)
    record = len(flatbuffer.metadata(parsed, "rnnlite"))
    count = sum(int(np.prod(w.shape)) for w in layer.weights)
    # Two layers share their weights, each runs in two loops of up to eight steps: still one copy.
    assert floats - record <= 4 * count + 2048
    assert rnnlite.inspect(data).weights < 1.2 * count


def test_every_tensor_and_code_is_in_use(exits):
    parsed = flatbuffer.read(exits.tflite)
    for graph in parsed.subgraphs:
        used = {int(t) for t in [*graph.inputs, *graph.outputs]}
        for op in graph.operators:
            used |= {int(t) for t in [*op.inputs, *op.outputs]} - {-1}
        assert used == set(range(len(graph.tensors)))
    codes = {op.opcodeIndex for graph in parsed.subgraphs for op in graph.operators}
    assert codes == set(range(len(parsed.operatorCodes)))


def test_the_same_model_gives_the_same_bytes():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.LSTM(3)])
    first, second = (rnnlite.convert(model, verify=False).tflite for _ in range(2))
    assert first == second
    parsed = flatbuffer.read(first)
    names = [flatbuffer.text(g.name) for g in parsed.subgraphs]
    assert names == ["main", *(f"subgraph_{k}" for k in range(1, len(names)))]
