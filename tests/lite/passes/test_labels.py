"""Names of tensors: by layer, unique, little to store; tools open the files."""

import keras

import rnnlite
from rnnlite.lite import schema
from rnnlite.lite.passes import labels
from rnnlite.lite.passes.labels import _short, label_tensors


def names(data):
    return [[value.name for value in graph.values] for graph in schema.read(data).graphs]


def test_unique_in_the_file_in_float32(exits):
    found = [name for graph in names(exits.tflite) for name in graph]
    assert all(found)
    assert len(found) == len(set(found))


def test_unique_in_a_quantized_file_where_that_is_little(monkeypatch):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((None, 40)), keras.layers.LSTM(16)])
    found = {}
    for most in (labels.MOST, 0.0):
        monkeypatch.setattr(labels, "MOST", most)
        data = rnnlite.convert(model, quantize="dynamic", verify=False).tflite
        graphs = names(data)
        for graph in graphs:
            assert all(graph)
            assert len(graph) == len(set(graph))
        every = [name for graph in graphs for name in graph]
        found[most] = len(data), len(every) == len(set(every))
    (unique, differ), (shared, same) = found.values()
    assert differ
    assert not same
    assert shared < unique <= 1.03 * shared


def test_ends_keep_the_sources_names(exits):
    main = schema.read(exits.tflite).main
    assert [value.name for value in (*main.inputs, *main.outputs)] == ["frames", "tags", "label"]


def test_layers(exits):
    found = {n.partition("/")[0] for graph in names(exits.tflite) for n in graph if "/" in n}
    assert {"tags", "label"} <= found
    assert any(n.startswith("forward_lstm") for n in found)
    assert any(n.startswith("backward_lstm") for n in found)


def test_numbers():
    assert [_short(n) for n in (0, 35, 36, 46655)] == ["0", "z", "10", "zzz"]


def test_inputs_called_like_numbers():
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 2), name="0")
    data = rnnlite.convert(keras.Model(x, keras.layers.GRU(3)(x)), verify=False).tflite
    found = [name for graph in names(data) for name in graph]
    assert len(found) == len(set(found))


def test_what_each_op_of_the_main_graph_is_called_anew(exits):
    model = schema.read(exits.tflite)
    for number, op in enumerate(model.main.ops):
        for value in op.outputs:
            if value not in model.main.outputs:
                value.name = f"layer_{number}/op"
    before = [op.output.name for op in model.main.ops]
    labels: dict[str, str] = {}
    label_tensors(model, unique=True, labels=labels)
    assert [labels[name] for name in before] == [op.output.name for op in model.main.ops]
    assert len(set(labels.values())) == len(labels)
