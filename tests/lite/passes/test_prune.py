"""Each constant once, nothing that nobody reads."""

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as tables

import rnnlite
from graphs import Model, kinds, one_loop, run
from rnnlite.lite import schema
from rnnlite.lite.ir import Quantization
from rnnlite.lite.passes.prune import prune


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


def constants(*arrays):
    """A model that gives back each array, as a constant of its own."""
    model = Model()
    main = model.main
    made = [main.constant(np.array(a), np.asarray(a).dtype.name) for a in arrays]
    results = [main.tensor(v.shape, v.type) for v in made]
    for value, result in zip(made, results, strict=True):
        main.add("CONCATENATION", [value], [result], "ConcatenationOptions")
    main.ends([], results)
    return model, made


def test_equal_contents_become_one():
    """Where type and shape are equal too: the bytes alone say little."""
    one = np.float32([1, 2])
    model, values = constants(one, one, one[:, None], one.view(np.int32), np.float32([1, 3]))
    prune(model.ir)
    contents = [v.data for v in values]
    assert contents[0] is contents[1]
    assert len({id(c) for c in contents}) == 4
    for value, found in zip(values, run(model.bytes()), strict=True):
        np.testing.assert_array_equal(found, value.data)


def test_contents_of_two_graphs_become_one():
    model, _, _ = one_loop()
    inner = model.ir.graphs[1]
    number = inner.constant(np.array(0, np.int32))
    inner.append(inner.op("ABS", [number], [inner.value("int32", [])]))
    begin = next(v for v in model.main.ir.values if v.is_constant and v.type == "int32")
    prune(model.ir)
    assert number.data is begin.data


def test_graphs_are_counted_anew():
    model, _, _ = one_loop()
    model.ir.graphs[0].name = "main"
    model.ir.graphs[1].name, model.ir.graphs[2].name = "while_cond_731", "while_body_732"
    prune(model.ir)
    assert [g.name for g in model.ir.graphs] == ["main", "subgraph_1", "subgraph_2"]
    assert kinds(model.ir.graphs[2]) == ["ADD", "FULLY_CONNECTED", "ADD", "TANH"]


def test_what_nothing_uses_goes():
    model, values = constants(np.float32([1]))
    lost = model.main.tensor([3])
    model.ir.code("LSTM", 4)
    prune(model.ir)
    assert lost not in model.main.ir.values
    assert values[0] in model.main.ir.values
    assert [c.kind for c in model.ir.codes] == ["CONCATENATION"]


def test_empty_quantization_parameters_are_none():
    model, values = constants(np.int8([1]), np.int8([2]))
    values[0].quantization, values[1].quantization = Quantization((), ()), Quantization.of(0.5)
    prune(model.ir)
    assert [v.quantization for v in values] == [None, Quantization.of(0.5)]


def test_only_scalars_say_their_rank():
    model, values = constants(np.float32(1), np.float32([1]))
    prune(model.ir)
    assert [v.rank_is_said for v in values] == [True, False]


def test_once_is_enough():
    model, _, _ = one_loop()
    prune(model.ir)
    first = model.bytes()
    prune(model.ir)
    assert model.bytes() == first
