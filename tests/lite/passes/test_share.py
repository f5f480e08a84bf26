"""Partitions of a sequence: one body for all of them and nothing else. Functions by two names."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import rnnlite
from keras_sources import traced
from rnnlite.lite import ir, schema
from rnnlite.lite.passes.share import share_functions
from two_signatures import EncoderDecoder

PARTITIONS = 3


def bodies(content):
    """(graph, body) of each loop."""
    return [(loop.graph, loop.branches[1]) for loop in schema.read(content).loops()]


@pytest.mark.parametrize(
    ("cell", "projection", "unroll", "depth", "chunked"),
    [
        ("LSTM", "hoisted", 1, 1, 0),
        ("LSTM", "hoisted", 2, 3, 0),
        ("LSTM", "hoisted", 2, 2, 1),
        ("LSTM", "fused", 1, 1, 0),
        ("LSTM", "in_loop", 2, 2, 0),
        ("GRU", "hoisted", 1, 2, 0),
        ("GRU", "fused", 2, 3, 0),
        ("GRU", "in_loop", 1, 1, 0),
        ("SimpleRNN", "hoisted", 2, 1, 0),
        ("SimpleRNN", "fused", 1, 2, 0),
    ],
)
def test_the_partitions_of_a_sequence_share_a_body(cell, projection, unroll, depth, chunked):
    layer = getattr(keras.layers, cell)(3, return_sequences=True, bias_initializer="uniform")
    model = keras.Sequential([keras.Input((None, 2)), layer])
    schedule = {
        "unroll": unroll,
        "depth": depth,
        "chunked_projection": chunked,
        "chunk": 2,
        "peeled_chunks": 0,
    }
    converted = rnnlite.convert(
        model,
        batch_size=2,
        schedule={**schedule, "partitions": PARTITIONS, "projection": projection},
        verify=False,
    )
    found = bodies(converted.tflite)
    rest = unroll > 1 and projection != "hoisted"
    assert len(found) == PARTITIONS + rest + depth - 1
    assert len({body for _, body in found}) == depth + rest
    x = np.random.default_rng(0).standard_normal((2, 31, 2)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    loaded = rnnlite.load(converted.tflite)
    for length in (1, 2, 5, 31):
        found = loaded.predict([x[0, :length], x[1, :length]])
        np.testing.assert_allclose(np.stack(found), expected[:, :length], atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "projection", "unroll", "first", "masked", "batch"),
    [
        ("LSTM", "hoisted", 2, 1, False, 1),
        ("LSTM", "hoisted", 2, 4, True, None),
        ("LSTM", "fused", 1, 2, False, 2),
        ("LSTM", "fused", 2, 3, False, None),
        ("GRU", "hoisted", 1, 3, True, 2),
        ("GRU", "in_loop", 2, 2, False, 2),
        ("SimpleRNN", "hoisted", 2, 3, False, 1),
        ("SimpleRNN", "fused", 2, 1, True, 1),
    ],
)
def test_the_first_chunks_share_the_body_of_all_others(
    cell, projection, unroll, first, masked, batch
):
    cell = getattr(keras.layers, cell)
    layer = cell(3, return_sequences=True, bias_initializer="uniform", go_backwards=first > 2)
    masking = [keras.layers.Masking()] if masked else []
    model = keras.Sequential([keras.Input((None, 2)), *masking, layer])
    schedule = {"unroll": unroll, "depth": 3, "chunk": 4, "partitions": 2, "projection": projection}
    data = rnnlite.convert(
        model, batch_size=batch, schedule={**schedule, "peeled_chunks": first}, verify=False
    ).tflite
    found = bodies(data)
    rest = unroll > 1 and projection != "hoisted"
    # Single steps end either way: within the chunks that come first, and beyond them.
    assert len(found) == first + 2 + 2 + 2 * rest
    assert len({body for _, body in found}) == 3 + rest
    x = np.random.default_rng(0).standard_normal((2, 90, 2)).astype(np.float32)
    x[1, 5:20] *= 1 - masked
    loaded, source = rnnlite.load(data), traced(model, 2)
    for length in (1, 3, 4, 5, 4 * first, 4 * first + 1, 89, 90):
        found = loaded.predict([x[0, :length], x[1, :length]])
        expected = source(x[:, :length])
        np.testing.assert_allclose(np.stack(found), expected, atol=1e-5)


def test_loops_of_different_weights_or_of_two_sequences_keep_their_bodies():
    layer = keras.layers.LSTM(3, return_sequences=True)
    first, second = keras.Input((None, 2), name="a"), keras.Input((None, 2), name="b")
    model = keras.Model([first, second], [layer(first), layer(second)])
    schedule = {"depth": 1, "unroll": 1, "partitions": PARTITIONS, "peeled_chunks": 0}
    found = bodies(rnnlite.convert(model, schedule=schedule).tflite)
    # One layer, but of two lengths: the shapes of a body are those of its last preparation.
    assert len(found) == 2 * PARTITIONS
    assert len({body for _, body in found}) == 2
    both = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 2)), both])
    found = bodies(rnnlite.convert(model, schedule=schedule).tflite)
    assert len(found) == 2 * PARTITIONS
    assert len({body for _, body in found}) == 2


def functions(*factors):
    """A model with a signature for each factor: y = x * factor."""
    model = ir.Model()
    for number, factor in enumerate(factors):
        graph = model.graph(f"graph {number}")
        build = ir.Builder(graph)
        x = build.argument([4], "float32")
        y = build.make("MUL", [x, build.constant([factor] * 4, "float32")], [4], "float32")
        graph.outputs = [y]
        x.name, y.name = f"x{number}", f"y{number}"
        model.signatures.append(ir.Signature(f"s{number}", graph, (("x", x),), (("y", y),)))
    return model


def test_equal_functions_of_signatures_are_one():
    model = functions(2.0, 3.0, 2.0, 2.0)
    assert share_functions(model) == 2
    assert len(model.graphs) == 2
    graphs = [s.graph for s in model.signatures]
    assert graphs == [model.graphs[0], model.graphs[1], model.graphs[0], model.graphs[0]]
    interpreter = Interpreter(model_content=schema.write(model))
    x = np.arange(4, dtype=np.float32)
    for key, factor in (("s0", 2), ("s1", 3), ("s2", 2), ("s3", 2)):
        assert np.array_equal(interpreter.get_signature_runner(key)(x=x)["y"], factor * x)


def test_functions_of_other_scales_stay_apart():
    model = functions(2.0, 2.0)
    model.signatures[1].graph.inputs[0].quantization = ir.Quantization.of(0.5)
    assert share_functions(model) == 0
    assert share_functions(functions(2.0)) == 0


def test_a_function_by_two_names_stands_once(tmp_path):
    net = EncoderDecoder()
    once = {"encode": net.encode, "decode": net.decode}
    tf.saved_model.save(net, str(tmp_path / "once"), signatures=once)
    tf.saved_model.save(net, str(tmp_path / "twice"), signatures={**once, "again": net.encode})
    alone, both = (rnnlite.convert(tmp_path / name, signature="all") for name in ("once", "twice"))
    assert len(both.tflite) - len(alone.tflite) < 1500
    assert [s.name for s in both.report.signatures] == ["again", "decode", "encode"]
    x = np.ones((6, 5), np.float32)
    model = rnnlite.load(both.tflite)
    a, b = (model.predict([x], signature=key)["h"] for key in ("again", "encode"))
    assert np.array_equal(a, b)
