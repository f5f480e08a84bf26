"""Fused cells of TensorFlow 1 written out, beside their equations and TensorFlow's own kernel."""

import numpy as np
import pytest
import tensorflow as tf
from building import as_tensorflow_runs, emitted, graph_from, ops_of, write

import rnnlite
from rnnlite.frontends.tensorflow.fused import CELLS, expand
from rnnlite.frontends.tensorflow.nodes import graph_of, with_defaults
from rnnlite.scan.oracle import sigmoid

v1 = tf.compat.v1
RNG = np.random.default_rng(5)
B, FEATURES, UNITS = 2, 3, 4
LSTM_RESULTS = ("i", "cs", "f", "o", "ci", "co", "h")


def normal(*shape):
    return RNG.normal(0, 0.7, shape).astype(np.float32)


W, BIAS = normal(FEATURES + UNITS, 4 * UNITS), normal(4 * UNITS)
PEEPHOLES = {k: normal(UNITS) for k in ("wci", "wcf", "wco")}
X, C, H = normal(B, FEATURES), normal(B, UNITS), normal(B, UNITS)


def lstm_graph(*, use_peephole=False, forget_bias=1.0, cell_clip=3.0):
    """One cell between placeholders; each result by its name."""

    def build(x, c, h):
        found = tf.raw_ops.LSTMBlockCell(
            x=x,
            cs_prev=c,
            h_prev=h,
            w=W,
            b=BIAS,
            **PEEPHOLES,
            use_peephole=use_peephole,
            forget_bias=forget_bias,
            cell_clip=cell_clip,
            name="cell",
        )
        for name, value in zip(LSTM_RESULTS, found, strict=True):
            tf.identity(value, f"out_{name}")

    return graph_from(build, x=[None, FEATURES], c=[None, UNITS], h=[None, UNITS])


def lstm_equations(*, use_peephole, forget_bias, cell_clip):
    """As the op's documentation has them."""
    xh = np.concatenate([X, H], 1).astype(np.float64)
    i, ci, f, o = np.split(xh @ W + BIAS, 4, axis=1)
    look = {k: (p if use_peephole else 0) for k, p in PEEPHOLES.items()}
    i = sigmoid(C * look["wci"] + i)
    f = sigmoid(C * look["wcf"] + f + forget_bias)
    ci = np.tanh(ci)
    cs = ci * i + C * f
    if cell_clip > 0:
        cs = np.clip(cs, -cell_clip, cell_clip)
    o = sigmoid(cs * look["wco"] + o)
    co = np.tanh(cs)
    return [i, cs, f, o, ci, co, co * o]


@pytest.mark.parametrize("use_peephole", [False, True])
@pytest.mark.parametrize("forget_bias", [0.0, 1.0])
@pytest.mark.parametrize("cell_clip", [-1.0, 0.0, 0.25])
def test_lstm_block_cell(use_peephole, forget_bias, cell_clip):
    options = {
        "use_peephole": use_peephole,
        "forget_bias": forget_bias,
        "cell_clip": cell_clip,
    }
    definition = lstm_graph(**options)
    names = [f"out_{n}:0" for n in LSTM_RESULTS]
    found, function, _ = emitted(definition, names, prepare=expand, x=X, c=C, h=H)
    kernel = as_tensorflow_runs(definition, names, x=X, c=C, h=H)
    wanted = lstm_equations(**options)
    for name, a, b, c in zip(LSTM_RESULTS, found, wanted, kernel, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(a, c, atol=2e-6, err_msg=name)
    ops = ops_of(function)
    assert not set(ops) & set(CELLS)
    assert ("Minimum" in ops) == (cell_clip > 0)


def gru_graph():
    def build(x, h):
        weights = {"w_ru": W[:, : 2 * UNITS], "w_c": W[:, :UNITS]}
        biases = {"b_ru": BIAS[: 2 * UNITS], "b_c": BIAS[:UNITS]}
        found = tf.raw_ops.GRUBlockCell(x=x, h_prev=h, **weights, **biases, name="cell")
        for name, value in zip(("r", "u", "c", "new"), found, strict=True):
            tf.identity(value, name)

    return graph_from(build, x=[None, FEATURES], h=[None, UNITS])


def test_gru_block_cell():
    definition = gru_graph()
    names = ["r:0", "u:0", "c:0", "new:0"]
    found, function, _ = emitted(definition, names, prepare=expand, x=X, h=H)
    xh = np.concatenate([X, H], 1).astype(np.float64)
    r, u = np.split(sigmoid(xh @ W[:, : 2 * UNITS] + BIAS[: 2 * UNITS]), 2, axis=1)
    c = np.tanh(np.concatenate([X, r * H], 1) @ W[:, :UNITS] + BIAS[:UNITS])
    wanted = [r, u, c, u * H + (1 - u) * c]
    kernel = as_tensorflow_runs(definition, names, x=X, h=H)
    for a, b, k in zip(found, wanted, kernel, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
        np.testing.assert_allclose(a, k, atol=2e-6)
    assert not set(ops_of(function)) & set(CELLS)


@pytest.mark.parametrize("place", range(7))
def test_a_result_by_the_name_of_the_cell(place):
    definition = lstm_graph()
    (found,), _, _ = emitted(definition, [f"cell:{place}"], prepare=expand, x=X, c=C, h=H)
    options = {"use_peephole": False, "forget_bias": 1.0, "cell_clip": 3.0}
    np.testing.assert_allclose(found, lstm_equations(**options)[place], atol=2e-6)


def test_a_graph_without_such_cells_is_left_alone():
    graph = graph_of(graph_from(lambda x: tf.tanh(x, "y"), x=[2]))
    assert expand(graph) is graph


def test_the_given_graph_keeps_its_cells():
    graph = graph_of(with_defaults(lstm_graph()))
    made = expand(graph)
    assert graph.nodes["cell"].op == "LSTMBlockCell"
    assert graph.inputs(graph.nodes["out_h"]) == ["cell:6"]
    assert made.node(made.inputs(made.nodes["out_h"])[0]).op == "Mul"


def steps_of_cells(x):
    """The last output over (B, T, FEATURES), and the one before as function results."""
    count = tf.shape(x)[1]
    rows = tf.TensorArray(tf.float32, count).unstack(tf.transpose(x, [1, 0, 2]))

    def body(t, c, h):
        found = tf.raw_ops.LSTMBlockCell(
            x=rows.read(t), cs_prev=c, h_prev=h, w=W, b=BIAS, **PEEPHOLES, cell_clip=0.0
        )
        return t + 1, found.cs, found.h

    zeros = tf.zeros([tf.shape(x)[0], UNITS])
    return v1.while_loop(lambda t, *_: t < count, body, (0, zeros, zeros))[2]


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
def test_a_cell_in_the_body_of_a_loop(v2):
    """In a function of the library its results leave as the function's own."""
    (v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2)()
    try:
        definition = graph_from(
            lambda x: tf.identity(steps_of_cells(x), "y"), x=[None, None, FEATURES]
        )
    finally:
        v1.enable_control_flow_v2()
    x = normal(B, 5, FEATURES)
    (found,), function, emission = emitted(definition, ["y:0"], prepare=expand, x=x)
    (wanted,) = as_tensorflow_runs(definition, ["y:0"], x=x)
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    held = [*ops_of(function), *(o.type for g in bodies(function) for o in g.get_operations())]
    assert not set(held) & set(CELLS)
    (record,) = emission.records.values()
    assert (record.kind, record.units, record.hoisted) == ("LSTM", UNITS, True)


def bodies(function):
    names = [
        op.get_attr("body").name
        for op in function.graph.get_operations()
        if op.type in ("While", "StatelessWhile")
    ]
    return [function.graph._get_function(n).graph for n in names]


def test_a_file_of_a_cell_in_a_function_of_the_library(tmp_path):
    """The official converter has no form for the fused op."""
    path = tmp_path / "graph.pb"
    write(path, lambda x: tf.identity(steps_of_cells(x[..., :FEATURES]), "y"), v2=True)
    model = rnnlite.load(rnnlite.convert(path, verify=False).tflite)
    x = normal(1, 6, 4)
    definition = v1.GraphDef.FromString(path.read_bytes())
    (wanted,) = as_tensorflow_runs(definition, ["y:0"], x=x)
    np.testing.assert_allclose(model.run([x])[0], wanted, atol=2e-6)
