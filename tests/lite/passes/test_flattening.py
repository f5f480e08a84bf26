"""Products take sequences as they stand; shapes are constants."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from graphs import INT32, Model, dense, free, integers, kinds, made
from rnnlite.lite import schema
from rnnlite.lite.passes.flattening import drop_flattening
from rnnlite.lite.structure import check_structure


def names(model):
    return kinds(model.main)


def run(tree, x):
    interpreter = Interpreter(model_content=schema.write(tree), num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, x.shape)
    interpreter.allocate_tensors()
    known = interpreter.get_output_details()[0]["shape"]
    interpreter.set_tensor(place, x)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return found, tuple(map(int, known))


def dense_model(shape, *, constant=False):
    """RESHAPE, FULLY_CONNECTED, RESHAPE, as the converter writes a Dense layer of 7 units."""
    model = Model()
    graph = model.main
    x = free(graph, shape)
    flat, result = dense(graph, x)
    if constant:
        flat, result = integers(graph, [-1, 6]), integers(graph, [-1, 1, 7])
    matrix, product = free(graph, [-1, 6]), free(graph, [-1, 7])
    out = free(graph, [*shape[:2], 7] if not constant else [-1, 1, 7])
    kernel = graph.constant(np.random.default_rng(0).standard_normal((7, 6)))
    graph.add("RESHAPE", [x, flat], [matrix], "ReshapeOptions")
    graph.add("FULLY_CONNECTED", [matrix, kernel, None], [product], "FullyConnectedOptions")
    graph.add("RESHAPE", [product, result], [out], "ReshapeOptions")
    graph.ends([x], [out])
    return model.ir


@pytest.mark.parametrize("shape", [(1, -1, 6), (-1, -1, 6)])
def test_a_dense_layer_on_a_sequence_takes_it_as_it_is(shape):
    tree = dense_model(shape)
    x = np.random.default_rng(1).standard_normal((1, 9, 6)).astype(np.float32)
    expected, _ = run(tree, x)
    assert drop_flattening(tree) >= 1
    check_structure(tree)
    assert names(tree) == ["FULLY_CONNECTED"]
    product = tree.main.ops[0]
    assert product.flag("keepNumDims")
    assert product.version >= 5
    found, known = run(tree, x)
    np.testing.assert_array_equal(found, expected)
    assert known == (1, 9, 7), "the shape of the result is known before the run"


def test_a_matrix_that_becomes_a_sequence_is_reshaped_where_it_is_narrow():
    tree = dense_model((1, -1, 6), constant=True)
    x = np.random.default_rng(1).standard_normal((1, 9, 6)).astype(np.float32)
    expected, _ = run(tree, x)
    assert drop_flattening(tree) == 1
    check_structure(tree)
    assert names(tree) == ["RESHAPE", "FULLY_CONNECTED"]
    found, known = run(tree, x)
    assert found.shape == (9, 1, 7) == known
    np.testing.assert_array_equal(found, expected)


def test_a_result_that_others_read_stays():
    tree = dense_model((1, -1, 6))
    main = tree.main
    main.outputs = [main.outputs[0], main.ops[-2].output]
    drop_flattening(tree)
    assert names(tree) == ["RESHAPE", "FULLY_CONNECTED", "RESHAPE"]


def test_two_axes_that_are_not_known_stay_computed():
    model = Model()
    graph = model.main
    x, y = free(graph, [-1, -1, 6]), free(graph, [-1, -1, 6])
    shape = made(graph, "SHAPE", [x], [3], "ShapeOptions", outType=INT32)
    order = integers(graph, [1, 0, 2])
    turned = made(graph, "GATHER", [shape, order], [3], "GatherOptions")
    graph.add("RESHAPE", [x, turned], [y], "ReshapeOptions")
    graph.ends([x], [y])
    assert drop_flattening(model.ir) == 0
    assert names(model.ir) == ["SHAPE", "GATHER", "RESHAPE"]


def test_an_order_of_axes_that_differs_is_not_taken_for_the_same():
    """(B, T, 6) flattened, multiplied, and read as (T, B, 7)."""
    tree = dense_model((-1, -1, 6))
    gather = next(op for op in tree.main.ops if op.kind == "GATHER")
    gather.input(1).data = np.array([1, 0], np.int32)
    x = np.random.default_rng(1).standard_normal((2, 9, 6)).astype(np.float32)
    expected, _ = run(tree, x)
    assert expected.shape == (9, 2, 7)
    drop_flattening(tree)
    assert names(tree).count("RESHAPE") == 2
    np.testing.assert_array_equal(run(tree, x)[0], expected)


def test_products_one_behind_the_other_keep_what_lies_between():
    layers = keras.layers
    # Two products after the first: the third is led through what the second takes in.
    stack = [layers.TimeDistributed(layers.Dense(20, activation="relu")) for _ in range(3)]
    merged = layers.Bidirectional(layers.SimpleRNN(4, return_sequences=True), merge_mode="sum")
    inputs = [keras.Input((None, 6)), layers.Masking(), *stack, merged]
    model = keras.Sequential(inputs)
    converted = rnnlite.convert(model)
    x = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    found = rnnlite.load(converted.tflite).predict([x])
    np.testing.assert_allclose(found, np.asarray(model(x[None])), atol=1e-5)
