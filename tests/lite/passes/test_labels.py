"""Names of tensors: by layer, unique, little to store; tools open the files."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnnlite
from graphs import Model, one_loop
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
    model = keras.Sequential([keras.Input((None, 40)), keras.layers.LSTM(32)])
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


@pytest.mark.parametrize("mode", [None, "float16", "dynamic"])
def test_the_size_of_a_file_is_told_before_it_is_written(mode):
    """Names are chosen by it; it may be too small, for names are shorter then."""
    keras.utils.set_random_seed(0)
    for units in (16, 96):
        stack = [keras.layers.LSTM(units, return_sequences=True), keras.layers.Dense(3)]
        model = keras.Sequential([keras.Input((None, 5)), *stack])
        data = rnnlite.convert(model, quantize=mode, verify=False).tflite
        read = schema.read(data)
        told = labels._labels(read, in_file=False).size + labels._size_without_names(read)
        shared = read.copy()[0]
        labels._name(shared, labels._labels(shared, in_file=False).names)
        assert 0.85 < told / len(schema.write(shared)) < 1.05


def test_graphs_share_names_where_names_differ_within_each_alone(monkeypatch):
    """No more of them than the largest graph has tensors, whatever kinds of tensors there are."""
    monkeypatch.setattr(labels, "MOST", 0.0)
    keras.utils.set_random_seed(0)
    stack = [keras.layers.GRU(48, return_sequences=True), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((None, 5)), *stack])
    graphs = names(rnnlite.convert(model, quantize="dynamic", verify=False).tflite)
    assert all(len(graph) == len(set(graph)) for graph in graphs)
    every = {name for graph in graphs for name in graph if "/" not in name}
    assert len(graphs) > 5
    assert len(every) <= 1.1 * max(map(len, graphs))


def test_numbers_fill_what_is_free_in_all_places():
    keys = {"a": ("", {0, 1}), "b": ("", {1}), "c": ("", {0, 2}), "d": ("x", {0}), "e": ("", {2})}
    found = labels._numbered(keys, taken={"3"})
    assert found == {"a": "0", "b": "1", "c": "1", "d": "x/0", "e": "0"}
    # Ends that are called like the first numbers: what is free is not looked for from there anew.
    asked = []

    class Taken(set):
        def __contains__(self, name):
            asked.append(name)
            return super().__contains__(name)

    many = labels._numbered({k: ("", {0}) for k in range(500)}, taken=Taken("01"))
    assert many[499] == _short(501)
    assert len(asked) < 2000
    more = {k: ("", {0}) for k in "abcd"}
    assert labels._numbered(more, taken={"1", "3"}) == dict(zip("abcd", "0245", strict=True))


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


def named(model):
    return [[value.name for value in graph.values] for graph in model.ir.graphs]


def small(name="net/dense/MatMul"):
    """x W + b: the weight and its product have the source's names."""
    model = Model()
    main = model.main
    x, y = main.tensor([1, 16], name="x"), main.tensor([1, 64], name="y")
    product = main.tensor([1, 64], name=name)
    kernel = main.constant(np.ones((64, 16)), name="net/dense/kernel")
    main.add("FULLY_CONNECTED", [x, kernel, None], [product], "FullyConnectedOptions")
    main.add("TANH", [product], [y])
    main.ends([x], [y])
    return model, kernel, product


def test_weights_and_their_products_are_called_by_their_layer():
    model, kernel, product = small()
    label_tensors(model.ir, unique=True)
    assert kernel.name.startswith("dense/")
    assert product.name.startswith("dense/")
    assert kernel.name != product.name
    assert [v.name for v in (*model.main.ir.inputs, *model.main.ir.outputs)] == ["x", "y"]


def test_what_has_no_layer_is_numbered():
    model, _, product = small("")
    label_tensors(model.ir, unique=True)
    assert product.name == "0"


def test_names_differ_in_the_whole_file_or_in_each_graph():
    for unique in (True, False):
        model, _, _ = one_loop()
        label_tensors(model.ir, unique=unique)
        found = named(model)
        assert all(len(names) == len(set(names)) for names in found)
        every = [name for names in found for name in names]
        assert (len(every) == len(set(every))) or not unique


def test_for_flash_loops_have_the_names_of_layers_alone():
    """In files for microcontrollers, which are shorter by a tenth and more for it."""
    keras.utils.set_random_seed(0)
    stack = [keras.layers.GRU(12, return_sequences=True, name="reader"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((20, 5)), *stack])
    found = {
        target: rnnlite.convert(model, target=target, sequence_length=20, verify=False).tflite
        for target in ("litert", "tflite-micro")
    }
    main, *inner = names(found["tflite-micro"])
    assert all(main)
    within = [name for graph in inner for name in graph if name]
    assert within
    assert all(name.startswith("reader") for name in within)
    for graph in (main, *inner):
        given = [name for name in graph if name]
        assert len(given) == len(set(given))
    assert len(found["tflite-micro"]) < 0.93 * len(found["litert"])


def test_the_same_model_gets_the_same_names():
    found = []
    for _ in range(2):
        model, _, _ = one_loop()
        label_tensors(model.ir, unique=True)
        found.append(named(model))
    assert found[0] == found[1]


def test_old_names_of_what_ops_make():
    model, kernel, product = small()
    labels = {}
    label_tensors(model.ir, unique=True, labels=labels)
    assert labels == {"net/dense/MatMul": product.name, "y": "y"}
    assert kernel.name not in labels.values()


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_are_told_apart_by_their_texts(a, b):
    assert (_short(a) == _short(b)) == (a == b)
    assert int(_short(a), 36) == a


def test_what_names_take_is_what_the_file_grows_by():
    """Within a tenth, where there are many."""
    keras.utils.set_random_seed(0)
    stack = [keras.layers.GRU(48, return_sequences=True), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((None, 5)), *stack])
    ir = schema.read(rnnlite.convert(model, quantize="dynamic", verify=False).tflite)
    sizes = []
    for in_file in (False, True):
        found = labels._labels(ir, in_file=in_file)
        labels._name(ir, found.names)
        sizes.append((found.size, len(schema.write(ir))))
    (a, before), (b, after) = sizes
    assert after - before > 1000
    assert abs((b - a) / (after - before) - 1) < 0.1
