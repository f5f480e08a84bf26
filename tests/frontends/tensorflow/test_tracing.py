"""Graphs traced at their sizes: which axis is the batch, and a batch that a graph computes with."""

import numpy as np
import pytest
import tensorflow as tf
from artefacts import FOLDER

import rnnlite


@pytest.mark.parametrize("v2", [False, True], ids=["frames", "functions"])
def test_a_sequence_without_batch_beside_states_that_have_one(tmp_path, v2):
    """Axis 1 of what the loop reads is no batch, though the states' rows are."""
    tf1 = tf.compat.v1
    graph, rng = tf.Graph(), np.random.default_rng(0)
    with graph.as_default():
        (tf1.enable_control_flow_v2 if v2 else tf1.disable_control_flow_v2)()
        x = tf1.placeholder(tf.float32, [None, 3], name="x")
        rows = tf1.placeholder(tf.float32, [None, 3], name="rows")
        kernel = tf.constant(rng.standard_normal((3, 3)).astype(np.float32))
        count = tf.shape(rows)[0]
        read = tf.TensorArray(tf.float32, count).unstack(rows)

        def body(t, h, written):
            h = tf.tanh(tf.matmul(h, kernel) + read.read(t) + x)
            return t + 1, h, written.write(t, h * 2.0 + 1.0)

        start = [0, tf.zeros_like(x), tf.TensorArray(tf.float32, count)]
        _, last, written = tf1.while_loop(lambda t, *_: t < count, body, start)
        tf.identity(written.stack(), name="all")
        tf.identity(last, name="last")
    tf1.enable_control_flow_v2()
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    names = {"inputs": ["x:0", "rows:0"], "outputs": ["all:0", "last:0"]}
    converted = rnnlite.convert(tmp_path / "graph.pb", batch_size=None, **names)
    feeds = {n: rng.standard_normal((k, 3)).astype(np.float32) for n, k in (("x", 2), ("rows", 37))}
    found = rnnlite.load(converted.tflite).run([feeds["x"], feeds["rows"]])
    with tf1.Session(graph=graph) as session:
        wanted = session.run(names["outputs"], {f"{n}:0": a for n, a in feeds.items()})
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_batch_that_the_graph_computes_with_is_kept(tmp_path):
    """An initial state of 4 rows, and a placeholder that leaves the batch free."""
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString((FOLDER / "initial_state_given.pb").read_bytes())
    for node in definition.node:
        if node.name == "h0":
            value = np.ones((4, 5), np.float32)
            node.op = "Const"
            del node.attr["shape"]
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    path = tmp_path / "graph.pb"
    path.write_bytes(definition.SerializeToString())
    converted = rnnlite.convert(path)
    assert "batch size 4 is kept: the graph computes with it" in converted.report.notes
    assert converted.report.inputs[0]["shape"] == (4, None, 3)
